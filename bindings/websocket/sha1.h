/* SPDX-License-Identifier: MIT */
/*
 * sha1.h: SHA-1 of a short text, for the WebSocket handshake, which proves
 * nothing by it. Use it for nothing else: collisions are cheap.
 */
#ifndef LUNIK_WEBSOCKET_SHA1_H
#define LUNIK_WEBSOCKET_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define LUNIK_SHA1_SIZE 20
#define LUNIK_BASE64_SIZE(size) (((size) + 2) / 3 * 4)

void lunik_sha1(const void *data, size_t size, uint8_t out[LUNIK_SHA1_SIZE]);

/* Writes LUNIK_BASE64_SIZE(size) characters, and no NUL. */
void lunik_base64(const uint8_t *data, size_t size, char *out);

#endif
