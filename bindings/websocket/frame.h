/* SPDX-License-Identifier: MIT */
/*
 * frame.h: WebSocket frames (RFC 6455), read from bytes as they come.
 *
 * No Lua here, and no allocation but through the caller's message buffer.
 */
#ifndef LUNIK_WEBSOCKET_FRAME_H
#define LUNIK_WEBSOCKET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opcodes. */
#define LUNIK_FRAME_CONTINUE 0x0u
#define LUNIK_FRAME_TEXT 0x1u
#define LUNIK_FRAME_BINARY 0x2u
#define LUNIK_FRAME_CLOSE 0x8u
#define LUNIK_FRAME_PING 0x9u
#define LUNIK_FRAME_PONG 0xAu

/* Codes of a close. */
#define LUNIK_CLOSE_PROTOCOL 1002u
#define LUNIK_CLOSE_TEXT 1007u
#define LUNIK_CLOSE_BIG 1009u
#define LUNIK_CLOSE_NO_CODE 1005u /* never sent: there was none */

#define LUNIK_FRAME_CONTROL_MAX 125
#define LUNIK_FRAME_HEAD_MAX 14

/* A check of UTF-8 that may stop between any two bytes. Zeroed: begin. */
struct lunik_utf8 {
    uint8_t left;      /* bytes of the character still to come */
    uint8_t low, high; /* what the next of them may be */
};

/* Goes on with (size) bytes. Returns: false at the first that cannot be. */
bool lunik_utf8_check(struct lunik_utf8 *utf8, const uint8_t *data,
                      size_t size);
bool lunik_utf8_is_whole(const struct lunik_utf8 *utf8);

enum lunik_frame_event {
    LUNIK_FRAME_MORE,    /* all bytes were taken; nothing is complete */
    LUNIK_FRAME_MESSAGE, /* (kind) and the message buffer; take it */
    LUNIK_FRAME_CONTROL, /* (kind) and (control): a ping or pong */
    LUNIK_FRAME_CLOSED,  /* (code), and the reason in (control) */
    LUNIK_FRAME_FAILED,  /* (code) and (why): no event comes after it */
    LUNIK_FRAME_NO_MEMORY,
};

struct lunik_frames {
    /* Set by lunik_frames_init(). */
    bool wants_mask; /* true on a server */
    size_t max;      /* bytes of a message */

    /* Of the last event. */
    uint8_t kind;
    uint16_t code;
    const char *why;
    uint8_t control[LUNIK_FRAME_CONTROL_MAX];
    size_t control_size;
    uint8_t *message; /* from lunik_mem_alloc() */
    size_t message_size;

    /* private */
    size_t message_room;
    uint8_t head[LUNIK_FRAME_HEAD_MAX];
    uint8_t head_size, head_wanted;
    uint8_t opcode; /* of the frame */
    uint8_t mask[4];
    bool is_final, is_masked, is_in_payload, has_ended;
    uint8_t message_kind; /* of the message under way, 0: none */
    size_t payload_left, payload_at;
    struct lunik_utf8 utf8;
};

void lunik_frames_init(struct lunik_frames *frames, bool wants_mask,
                       size_t max);
/* Frees the message buffer. */
void lunik_frames_fini(struct lunik_frames *frames);

/*
 * Reads on in the (size) bytes at (data), of which (*at) are done, up to the
 * next event. Call it again with the rest.
 */
enum lunik_frame_event lunik_frames_next(struct lunik_frames *frames,
                                         const uint8_t *data, size_t size,
                                         size_t *at);

/* Gives up the message of the last event; a large buffer is freed. */
void lunik_frames_take(struct lunik_frames *frames);

/* Whether (code) may stand in a close frame. */
bool lunik_close_code_is_valid(unsigned code);

/*
 * Writes a frame's head for (size) bytes of payload; (mask) NULL: not masked.
 * Returns: its length, at most LUNIK_FRAME_HEAD_MAX.
 */
size_t lunik_frame_write_head(uint8_t *out, unsigned opcode, bool is_final,
                              uint64_t size, const uint8_t *mask);

/* Copies (size) bytes, each with the mask's byte for its place ((at) is that of
 * the first). (out) may be (data). */
void lunik_frame_mask(uint8_t *out, const uint8_t *data, size_t size,
                      const uint8_t mask[4], size_t at);

#endif
