/* SPDX-License-Identifier: MIT */
/*
 * main.c: the library OS without Lua: two fibers, an event, the clocks and the
 * heap. Ends with 0, or with 1 when something is not as it should be.
 */
#include <lunik/event.h>
#include <lunik/mem.h>
#include <lunik/sys.h>
#include <lunik/time.h>
#include <stdio.h>

#define ITEMS 5

struct mailbox {
    struct lunik_event changed;
    int item; /* 0: empty */
};

static void produce(void *arg)
{
    struct mailbox *box = arg;

    for (int i = 1; i <= ITEMS; i++) {
        while (box->item != 0) {
            if (lunik_event_wait(&box->changed, LUNIK_NEVER) != LUNIK_OK)
                return;
        }
        box->item = i;
        lunik_event_signal(&box->changed);
        if (lunik_sleep_until(lunik_time_after_ns(LUNIK_NS_PER_MS)) != LUNIK_OK)
            return;
    }
}

int lunik_main(int argc, char **argv)
{
    struct mailbox *box = lunik_mem_alloc_zeroed(1, sizeof(*box));
    struct lunik_fiber *producer;
    uint64_t deadline = lunik_time_after_ns(LUNIK_NS_PER_S);
    int sum = 0;

    if (box == NULL ||
        lunik_fiber_create("producer", produce, box, &producer) != LUNIK_OK) {
        puts("not enough memory");
        return 1;
    }
    printf("hello from C on %s\n", lunik_sys_hypervisor());
    for (int count = 0; count < ITEMS;) {
        if (box->item == 0) {
            if (lunik_event_wait(&box->changed, deadline) != LUNIK_OK) {
                puts("nothing came within a second");
                return 1;
            }
            continue;
        }
        printf("item %d\n", box->item);
        sum += box->item;
        count++;
        box->item = 0;
        lunik_event_signal(&box->changed);
    }
    printf("%d items, sum %d, %d argument%s\n", ITEMS, sum, argc - 1,
           argc == 2 ? "" : "s");
    (void)argv;
    return sum == ITEMS * (ITEMS + 1) / 2 ? 0 : 1;
}
