/* SPDX-License-Identifier: MIT */
/*
 * runner.c: lunik-host, the runtime and every module as an ordinary process. Its
 * main() is the host platform's; the program is in the image that it is given.
 */
#include <lunik/abi/exit.h>

/* A program without a file of its own is none to C; this is the one. */
extern const int lunik_host_runner;
const int lunik_host_runner = LUNIK_EXIT_PROGRAM;
