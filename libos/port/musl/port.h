/* SPDX-License-Identifier: MIT */
/*
 * port.h: what the port's files tell each other. Context: task.
 */
#ifndef LUNIK_PORT_H
#define LUNIK_PORT_H

/* Called by the core around the program. platform.h declares them, too: a port
 * sees the public headers alone. */
void lunik_port_init(void);
void lunik_port_flush(void);

/* Around every wait inside a system call. See port.c. */
int lunik_port_wait_begin(void);
void lunik_port_wait_end(int mine);

/* Lets devices and other fibers have a turn: for calls that must not wait, and
 * that programs repeat until they succeed. */
void lunik_port_yield(void);

/* The descriptors of the image, made when first asked for. */
struct lunik_files;
struct lunik_files *lunik_port_files(void);

/* How often a system call was asked for that does not exist here. */
unsigned long lunik_port_unknown_calls(void);

#endif
