/* SPDX-License-Identifier: MIT */
/*
 * cc.h: what lwIP wants to know of the compiler and the system.
 */
#ifndef LUNIK_LWIP_CC_H
#define LUNIK_LWIP_CC_H

#include <stddef.h>
#include <stdint.h>

#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1

#ifndef BYTE_ORDER
#define BYTE_ORDER __BYTE_ORDER__
#endif
#ifndef LITTLE_ENDIAN
#define LITTLE_ENDIAN __ORDER_LITTLE_ENDIAN__
#endif
#ifndef BIG_ENDIAN
#define BIG_ENDIAN __ORDER_BIG_ENDIAN__
#endif

#define lwip_htons(x) ((u16_t)__builtin_bswap16((u16_t)(x)))
#define lwip_htonl(x) ((u32_t)__builtin_bswap32((u32_t)(x)))
#define lwip_ntohs(x) lwip_htons(x)
#define lwip_ntohl(x) lwip_htonl(x)
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 1

#define LWIP_PLATFORM_DIAG(x) ((void)0)

/* A failed assertion of lwIP's ends the image; the traceback says where. The
 * sentences would be a tenth of the stack's size. */
__attribute__((noreturn, cold)) void lunik_lwip_assert_failed(void);
#define LWIP_PLATFORM_ASSERT(x) lunik_lwip_assert_failed()
#define LWIP_PLATFORM_ERROR(x) ((void)0)

uint32_t lunik_lwip_random(void);
#define LWIP_RAND() lunik_lwip_random()

/* Bytes, bytes and segments of one connection: memory.c. */
extern uint32_t lunik_lwip_window;
extern uint32_t lunik_lwip_send_buffer;
extern uint16_t lunik_lwip_send_queue;

uint16_t lunik_lwip_checksum(const void *data, int size);

#endif
