/* SPDX-License-Identifier: MIT */
/*
 * lwip_machine.h: a machine with the IP stack and no fiber, for fuzzers. The
 * clock is fake.h's. Included by one file of a program.
 */
#ifndef LUNIK_FUZZ_LWIP_MACHINE_H
#define LUNIK_FUZZ_LWIP_MACHINE_H

#include "fake.h"
#include "fake_net.h"
#include "host.h"
#include "loop.h"
#include "stack.h"
#include <string.h>

static void machine_start(const char *option, unsigned features)
{
    static char words[3][80] = { "fuzz", "", "net1.ip=off" };
    static char *argv[] = { words[0], words[1], words[2] };

    strncpy(words[1], option, sizeof(words[1]) - 1);
    platform_init_early();
    lunik_mem_init();
    platform_host_arguments(3, argv);
    lunik_random_init();
    fake_now = LUNIK_NS_PER_S;
    fake_net_reset(1);
    fake_net_ends[0].features = features;
    lunik_lwip_start();
    lunik_loop_turn(lunik_loop());
}

/* Lets polls and timers run, (ms) on. */
static void machine_run(unsigned ms)
{
    uint64_t until_ns = fake_now + ms * LUNIK_NS_PER_MS;

    lunik_loop_turn(lunik_loop());
    while (lunik_timers_next(&lunik_loop()->timers) <= until_ns) {
        fake_now = lunik_timers_next(&lunik_loop()->timers);
        lunik_loop_turn(lunik_loop());
    }
    fake_now = until_ns;
}

#endif
