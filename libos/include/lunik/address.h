/* SPDX-License-Identifier: MIT */
/*
 * address.h: IP addresses with a port, and their text.
 *
 * Context: any.
 */
#ifndef LUNIK_ADDRESS_H
#define LUNIK_ADDRESS_H

#include <lunik/attr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Families: also bits, where a function takes several. */
#define LUNIK_IP4 1u
#define LUNIK_IP6 2u

/* An address is plain data: zeroed it is none (family 0). Of IPv4 the first
 * four bytes count, in the order they are written. */
struct lunik_address {
    uint8_t family; /* LUNIK_IP4, LUNIK_IP6, or 0 */
    uint16_t port;
    uint32_t zone; /* of a link-local IPv6 address: interface index + 1; or 0 */
    uint8_t bytes[16];
};

/* With brackets, a zone and a port: "[fe80::…%net0]:65535" and a NUL. */
#define LUNIK_ADDRESS_TEXT_MAX 72

/*
 * Reads "192.0.2.1", "2001:db8::1" or "fe80::1%net0", all of (text); four
 * numbers to IPv4, none in octal. The port stays 0.
 * Returns: false when it is anything else; (*out) is then zeroed.
 */
LUNIK_MUST_CHECK bool lunik_address_parse(const char *text,
                                          struct lunik_address *out);

/* Writes the address alone, without the port, IPv6 as RFC 5952 has it; NUL-
 * terminated. Returns: its length. */
size_t lunik_address_format(const struct lunik_address *address,
                            char text[LUNIK_ADDRESS_TEXT_MAX]);

/* The same family, bytes and zone; the ports may differ. */
bool lunik_address_is_same(const struct lunik_address *a,
                           const struct lunik_address *b);

/* 0.0.0.0 or ::. */
bool lunik_address_is_any(const struct lunik_address *address);

#endif
