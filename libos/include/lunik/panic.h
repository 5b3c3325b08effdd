/* SPDX-License-Identifier: MIT */
/*
 * panic.h: the end of an image that cannot go on.
 *
 * A panic prints one sentence, the registers where a trap caused it, the C
 * traceback with function names and the Lua traceback where Lua is linked in;
 * then it stops the machine with an exit status of <lunik/abi/exit.h>. It
 * works on a blown stack, without the heap, in interrupt context, and inside
 * another panic (the second one prints its sentence and stops at once).
 *
 * Context of everything here: any. Nothing here returns.
 */
#ifndef LUNIK_PANIC_H
#define LUNIK_PANIC_H

#include <lunik/abi/exit.h>
#include <lunik/attr.h>

/*
 * Stops the image with LUNIK_EXIT_PANIC. (format) knows what
 * <lunik/format.h> knows; the sentence needs no newline.
 */
LUNIK_NORETURN LUNIK_COLD void lunik_panic(const char *format, ...)
    LUNIK_PRINTF(1, 2);

/* As lunik_panic, with (status) instead. */
LUNIK_NORETURN LUNIK_COLD void lunik_panic_status(lunik_exit_status status,
                                                  const char *format, ...)
    LUNIK_PRINTF(2, 3);

/*
 * Has (print) called once by a panic, after the C traceback, to add what a
 * language runtime knows (its own traceback). (print) writes with
 * lunik_panic_print(), must not allocate and must not wait; it may fault: then
 * the panic goes on without it. One hook; a later call replaces it; NULL
 * removes it.
 */
void lunik_panic_set_hook(void (*print)(void *arg), void *arg);

/* Writes to the console by the panic's own path. For hooks only. */
void lunik_panic_print(const char *format, ...) LUNIK_PRINTF(1, 2);

/* What LUNIK_ASSERT calls. */
LUNIK_NORETURN LUNIK_COLD void lunik_assert_failed(const char *expression,
                                                   const char *file, int line);

/* Always on. States what a correct caller guarantees. */
#define LUNIK_ASSERT(expression) \
    ((expression) ? (void)0      \
                  : lunik_assert_failed(#expression, __FILE__, __LINE__))

#endif
