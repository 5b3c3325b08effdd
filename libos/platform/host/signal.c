/* SPDX-License-Identifier: MIT */
/* signal.c: requests to stop, and faults. */
#include "host.h"
#include "platform.h"
#include "platform_switch.h"
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <lunik/sys.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

/* A panic formats text and walks frames: it needs more than SIGSTKSZ. */
#define FAULT_STACK_SIZE ((size_t)64 * 1024)

static void poll_stop(void *arg)
{
    (void)arg;
    lunik_sys_request_stop();
}

static struct lunik_source stop_source = { .poll = poll_stop };

static void on_stop(int number)
{
    /* Only a note; the loop does the rest. The second one ends a program that
     * does not listen. */
    signal(number, SIG_DFL);
    lunik_source_notify(&stop_source);
}

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer reports faults better than we do. */
static void init_faults(void)
{
}
#else
static void on_fault(int number, siginfo_t *info, void *context)
{
    const greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t at = (uintptr_t)info->si_addr;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    uintptr_t fp = (uintptr_t)registers[REG_RBP];
    struct platform_stack stack;

    if (number == SIGSEGV && lunik_fiber_stack(&stack) && at < stack.low &&
        at >= stack.low - LUNIK_PAGE_SIZE)
        lunik_panic_trap(LUNIK_EXIT_PANIC, pc, fp, "stack overflow in fiber %s",
                         lunik_fiber_name(lunik_fiber_self()));
    lunik_panic_trap(LUNIK_EXIT_PANIC, pc, fp, "signal %d at address 0x%lx",
                     number, (unsigned long)at);
}

static void init_faults(void)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
    stack_t stack = { .ss_size = FAULT_STACK_SIZE };

    stack.ss_sp = malloc(FAULT_STACK_SIZE); /* for the process's life */
    if (!stack.ss_sp || sigaltstack(&stack, NULL) != 0)
        lunik_panic("no stack for signals");
    action.sa_sigaction = on_fault;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigaction(faults[i], &action, NULL);
}
#endif

void platform_host_init_signals(void)
{
    struct sigaction action = { .sa_handler = on_stop };

    init_faults();
    if (lunik_source_add(&stop_source) != LUNIK_OK)
        lunik_panic("no room for the source of stop requests");
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}
