/* SPDX-License-Identifier: MIT */
/*
 * sys.h: what the image was told at its launch, and how it ends.
 *
 * The launch line is `[option=value …] [-- argument …]`. Words are divided by
 * blanks; "double quotes" keep blanks together and a backslash keeps the next
 * byte. Options (an unknown one refuses the start):
 *   console=serial|virtio|none   log=debug|info|warn|error|none
 *   clock=SECONDS (since 1970)   heap=SIZE (Lua's limit: 512K, 64M, 1G)
 *   env.NAME=VALUE               watchdog=SECONDS (stops a fiber that hangs)
 *   virtio_mmio.device=… (written by QEMU, also behind the arguments)
 * Only env and virtio_mmio.device may come more than once. At most 4095 bytes,
 * 64 arguments, 64 variables.
 * Context: task.
 */
#ifndef LUNIK_SYS_H
#define LUNIK_SYS_H

#include <lunik/attr.h>
#include <lunik/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The program: the one function that an image must define. It runs on the main
 * fiber. What it returns, 0 to 15, is the image's exit code.
 * argv[0] is the image's name; argv[argc] is NULL.
 */
int lunik_main(int argc, char **argv);

/* Ends the image with (code), after the C library was flushed. A code outside
 * 0 to 15 is reported as 15 with a line in the log. */
LUNIK_NORETURN void lunik_exit(int code);

/*
 * Says that lunik_exit() comes next and no other fiber runs before it. A lock
 * of the C library that one of them holds while it waits, as a reader of the
 * console does, counts as free from here on: closing a file waits for nobody.
 */
void lunik_exit_begin(void);
bool lunik_exit_has_begun(void);

/* The value of launch variable (name): `env.NAME=VALUE` of the launch line, or
 * else of the manifest; NULL if neither has it. Lent for the image's life. */
const char *lunik_env_find(const char *name);

/* The (index)th variable as "NAME=VALUE"; NULL past the last. */
const char *lunik_env_get(size_t index);

/*
 * Finds the (nth) record of (type) in the image's manifest; types are those of
 * <lunik/abi/seal.h>. Returns: false if there are not that many; else
 * (*data_out) is lent for the image's life and has no NUL at its end.
 */
bool lunik_sys_record(unsigned type, size_t nth, const char **data_out,
                      size_t *size_out);

/* The hypervisor found at the start: "kvm", "tcg", "xen", "host", "none" … */
const char *lunik_sys_hypervisor(void);

/* Lua's memory limit as launched or sealed, in bytes; SIZE_MAX: none given. */
size_t lunik_sys_heap_limit(void);

/*
 * Orderly stop. Somebody (power button, Ctrl-C of `lunik run`, Xen) asks the
 * image to stop: lunik_sys_is_stopping() turns true and the event is
 * signalled. The program ends when it is ready; if nothing waits for the event
 * or has called lunik_sys_hold_shutdown(), the image exits with code 0 itself.
 */
bool lunik_sys_is_stopping(void);
struct lunik_event *lunik_sys_stop_event(void);
void lunik_sys_hold_shutdown(bool hold);

/* Asks for the orderly stop. Context: task or a source's poll. */
void lunik_sys_request_stop(void);

#endif
