/* SPDX-License-Identifier: MIT */
/* host.h: what the files of the host platform tell each other, and tests. */
#ifndef LUNIK_PLATFORM_HOST_H
#define LUNIK_PLATFORM_HOST_H

#include <lunik/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Takes the process's arguments: `[--image FILE] [--memory SIZE]`, and after
 * these the words of the launch line. A mistake in them ends the process with
 * exit code 64 and a sentence. To be called before lunik_start().
 */
void platform_host_arguments(int argc, char **argv);

/* Reads the whole of (path) and finds the seal in it: the file is a seal, or
 * an ELF image that has one. Ends the process if it cannot. */
void platform_host_load_seal(const char *path);

/* Has SIGINT and SIGTERM ask for an orderly stop, and faults panic. */
void platform_host_init_signals(void);

/* Starts the watchdog if the launch line asks for one. */
void platform_host_init_watchdog(void);

/* True if a read of the console would find something. */
bool platform_host_console_is_readable(void);

#endif
