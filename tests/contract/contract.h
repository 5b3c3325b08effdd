/* SPDX-License-Identifier: MIT */
/*
 * contract.h: what every platform's devices must do, checked by one source.
 *
 * A contract is a function that runs on the main fiber with everything up. It
 * uses nothing but our own headers, so it runs in an image and on the host:
 * host.c and image.c call it. What fails is printed; the count is the result.
 */
#ifndef LUNIK_CONTRACT_H
#define LUNIK_CONTRACT_H

#include <stdbool.h>

/* Each returns how many of its checks failed. */
unsigned contract_entropy(void);
unsigned contract_console(void);
unsigned contract_net(void);

/* Sockets, whose both ends are at (address), by which the program reaches
 * itself. Not part of contract_run(): it is not every image that has them. */
struct lunik_address;
unsigned contract_socket(const struct lunik_address *address);

/* All without arguments, with a line for each. */
unsigned contract_run(void);

/* Prints what failed. Returns: 1 if (holds) is false, else 0. */
unsigned contract_check(bool holds, const char *sentence);

#endif
