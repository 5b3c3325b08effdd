/* SPDX-License-Identifier: MIT */
/* port.c: brings the C library up before the program, and down after it. */
#include "port.h"
#include "libc.h"
#include "pthread_impl.h"
#include <lunik/mem.h>
#include <lunik/sys.h>
#include <string.h>

/* The one thread of the C library; see overlay/pthread_arch.h. */
struct pthread lunik_port_thread = {
    .self = &lunik_port_thread,
    .prev = &lunik_port_thread,
    .next = &lunik_port_thread,
    .tid = 1,
    .detach_state = DT_JOINABLE,
    .robust_list.head = &lunik_port_thread.robust_list.head,
    .locale = &libc.global_locale,
};

/* Weak: an image that never asks for them has neither. */
extern char **__environ __attribute__((__weak__));
/* NOLINTNEXTLINE(readability-redundant-declaration): upstream's is not weak */
extern void __funcs_on_exit(void) __attribute__((__weak__));
extern void __stdio_exit(void) __attribute__((__weak__));

/* The functions of C modules that run before main. The linker makes the list;
 * without a module that has one it may be missing. */
typedef void init_fn(void);
extern hidden init_fn *const __init_array_start[] __attribute__((__weak__));
extern hidden init_fn *const __init_array_end[] __attribute__((__weak__));

/* The variables of the launch and of the manifest become the environment. */
static void environ_init(void)
{
    size_t count = 0;
    char **list;

    while (lunik_env_get(count))
        count++;
    list = lunik_mem_alloc_zeroed(count + 1, sizeof(*list));
    if (!list)
        return;
    /* Programs may not write to them, whatever their type says. */
    for (size_t i = 0; i < count; i++) {
        const char *text = lunik_env_get(i);

        memcpy(&list[i], &text, sizeof(text));
    }
    __environ = list;
}

void lunik_port_init(void)
{
    /* Has every file made with a lock: one fiber may close what another is
     * reading from, and must not free it under the reader's hands. */
    libc.threaded = 1;
    if (&__environ)
        environ_init();
    for (init_fn *const *fn = __init_array_start; fn < __init_array_end; fn++)
        (*fn)();
}

void lunik_port_flush(void)
{
    if (__funcs_on_exit)
        __funcs_on_exit();
    lunik_exit_begin();
    if (__stdio_exit)
        __stdio_exit();
}

/*
 * Upstream's locks know their owner by the thread's number. Fibers share the
 * thread, so while one of them waits inside the C library the others run under
 * another number; a lock the waiting one holds is then somebody else's.
 */
int lunik_port_wait_begin(void)
{
    static int last = 1;
    int mine = lunik_port_thread.tid;

    last = last < 0x1fffffff ? last + 1 : 2;
    lunik_port_thread.tid = last;
    return mine;
}

void lunik_port_wait_end(int mine)
{
    lunik_port_thread.tid = mine;
}
