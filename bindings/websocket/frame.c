/* SPDX-License-Identifier: MIT */
/* frame.c: reads and writes WebSocket frames. */
#include "frame.h"

#include <lunik/mem.h>
#include <string.h>

/* The first room for a message, and what is kept for the next one. */
#define ROOM_FIRST ((size_t)512)
#define ROOM_KEPT ((size_t)4096)

#define FIN 0x80u
#define RESERVED 0x70u
#define OPCODE 0x0Fu
#define MASKED 0x80u
#define LENGTH 0x7Fu

/* ---- UTF-8 ---- */

/* The length of leading (size) bytes that are ASCII, in steps of 8. */
static size_t count_ascii(const uint8_t *data, size_t size)
{
    size_t i = 0;
    uint64_t word;

    for (; i + 8 <= size; i += 8) {
        memcpy(&word, data + i, 8);
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    return i;
}

/* Begins a character with (c), which is not ASCII. */
static bool begin_character(struct lunik_utf8 *utf8, uint8_t c)
{
    if (c < 0xC2 || c > 0xF4)
        return false;
    utf8->left = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    utf8->low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    utf8->high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    return true;
}

bool lunik_utf8_check(struct lunik_utf8 *utf8, const uint8_t *data, size_t size)
{
    size_t i = 0;

    while (i < size) {
        uint8_t c;

        if (utf8->left == 0) {
            i += count_ascii(data + i, size - i);
            if (i == size)
                break;
        }
        c = data[i++];
        if (utf8->left == 0) {
            if (c >= 0x80 && !begin_character(utf8, c))
                return false;
            continue;
        }
        if (c < utf8->low || c > utf8->high)
            return false;
        utf8->left--;
        utf8->low = 0x80;
        utf8->high = 0xBF;
    }
    return true;
}

bool lunik_utf8_is_whole(const struct lunik_utf8 *utf8)
{
    return utf8->left == 0;
}

/* ---- Masks ---- */

void lunik_frame_mask(uint8_t *out, const uint8_t *data, size_t size,
                      const uint8_t mask[4], size_t at)
{
    uint8_t turned[8];
    uint64_t wide, word;
    size_t i;

    for (i = 0; i < 8; i++)
        turned[i] = mask[(at + i) & 3];
    memcpy(&wide, turned, 8);
    for (i = 0; i + 8 <= size; i += 8) {
        memcpy(&word, data + i, 8);
        word ^= wide;
        memcpy(out + i, &word, 8);
    }
    for (; i < size; i++)
        out[i] = data[i] ^ turned[i & 7];
}

/* ---- Reading ---- */

void lunik_frames_init(struct lunik_frames *frames, bool wants_mask, size_t max)
{
    *frames = (struct lunik_frames) { .wants_mask = wants_mask, .max = max };
    frames->head_wanted = 2;
}

void lunik_frames_fini(struct lunik_frames *frames)
{
    lunik_mem_free(frames->message);
    frames->message = NULL;
    frames->message_size = frames->message_room = 0;
    frames->has_ended = true;
    frames->code = LUNIK_CLOSE_PROTOCOL;
    frames->why = "closed";
}

void lunik_frames_take(struct lunik_frames *frames)
{
    frames->message_size = 0;
    if (frames->message_room <= ROOM_KEPT)
        return;
    lunik_mem_free(frames->message);
    frames->message = NULL;
    frames->message_room = 0;
}

bool lunik_close_code_is_valid(unsigned code)
{
    if (code >= 3000 && code <= 4999)
        return true;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
           code != 1006;
}

static enum lunik_frame_event fail(struct lunik_frames *frames, unsigned code,
                                   const char *why)
{
    frames->has_ended = true;
    frames->code = (uint16_t)code;
    frames->why = why;
    return LUNIK_FRAME_FAILED;
}

static bool is_control(unsigned opcode)
{
    return (opcode & 0x8u) != 0;
}

/* What is wrong with the first two bytes of a frame; NULL: nothing. */
static const char *find_fault(const struct lunik_frames *frames)
{
    unsigned first = frames->head[0], second = frames->head[1];
    unsigned opcode = first & OPCODE;

    if ((first & RESERVED) != 0)
        return "a reserved bit is set";
    if ((opcode > LUNIK_FRAME_BINARY && opcode < LUNIK_FRAME_CLOSE) ||
        opcode > LUNIK_FRAME_PONG)
        return "an opcode is unknown";
    if (is_control(opcode) && (first & FIN) == 0)
        return "a control frame is in fragments";
    if (is_control(opcode) && (second & LENGTH) > LUNIK_FRAME_CONTROL_MAX)
        return "a control frame is too long";
    if (((second & MASKED) != 0) != frames->wants_mask)
        return frames->wants_mask ? "a frame is not masked"
                                  : "a frame is masked";
    if (opcode == LUNIK_FRAME_CONTINUE && frames->message_kind == 0)
        return "a frame continues nothing";
    if (!is_control(opcode) && opcode != LUNIK_FRAME_CONTINUE &&
        frames->message_kind != 0)
        return "a message begins within another";
    return NULL;
}

/* How long the head is, from its first two bytes. */
static uint8_t head_length(const struct lunik_frames *frames)
{
    unsigned length = frames->head[1] & LENGTH;

    return (uint8_t)(2 +
                     (length == 127   ? 8u
                      : length == 126 ? 2u
                                      : 0u) +
                     (frames->wants_mask ? 4u : 0u));
}

/* Reads the length from a whole head. False: it is not the shortest form, or
 * has the top bit. */
static bool read_length(struct lunik_frames *frames, uint64_t *out)
{
    unsigned length = frames->head[1] & LENGTH, i;
    unsigned bytes = length == 127 ? 8 : length == 126 ? 2 : 0;
    uint64_t value = 0;

    if (bytes == 0) {
        *out = length;
        return true;
    }
    for (i = 0; i < bytes; i++)
        value = value << 8 | frames->head[2 + i];
    *out = value;
    return bytes == 2 ? value > 125 : value > 0xFFFF && value >> 63 == 0;
}

/* The head is whole: sets up for the payload. */
static enum lunik_frame_event begin_payload(struct lunik_frames *frames)
{
    uint64_t length;

    if (!read_length(frames, &length))
        return fail(frames, LUNIK_CLOSE_PROTOCOL, "a length is malformed");
    frames->opcode = frames->head[0] & OPCODE;
    frames->is_final = (frames->head[0] & FIN) != 0;
    if (!is_control(frames->opcode)) {
        /* Of a message that memory lacked for, something may be left. */
        if (frames->opcode != LUNIK_FRAME_CONTINUE)
            frames->message_size = 0;
        if (length > frames->max - frames->message_size)
            return fail(frames, LUNIK_CLOSE_BIG, "a message is too long");
        if (frames->opcode != LUNIK_FRAME_CONTINUE) {
            frames->message_kind = frames->opcode;
            frames->utf8 = (struct lunik_utf8) { 0 };
        }
    } else {
        frames->control_size = 0;
    }
    if (frames->wants_mask)
        memcpy(frames->mask, frames->head + frames->head_wanted - 4, 4);
    frames->payload_left = (size_t)length;
    frames->payload_at = 0;
    frames->is_in_payload = true;
    frames->head_size = 0;
    frames->head_wanted = 2;
    return LUNIK_FRAME_MORE;
}

static enum lunik_frame_event read_head(struct lunik_frames *frames,
                                        const uint8_t *data, size_t size,
                                        size_t *at)
{
    const char *fault;

    while (*at < size) {
        frames->head[frames->head_size++] = data[(*at)++];
        if (frames->head_size == 2) {
            fault = find_fault(frames);
            if (fault != NULL)
                return fail(frames, LUNIK_CLOSE_PROTOCOL, fault);
            frames->head_wanted = head_length(frames);
        }
        if (frames->head_size >= 2 && frames->head_size == frames->head_wanted)
            return begin_payload(frames);
    }
    return LUNIK_FRAME_MORE;
}

/* Makes room for (size) more bytes of the message, never much more than came.
 */
static bool make_room(struct lunik_frames *frames, size_t size)
{
    size_t wanted = frames->message_size + size;
    size_t room = frames->message_room * 2;
    uint8_t *message;

    if (wanted <= frames->message_room)
        return true;
    if (room < wanted)
        room = wanted;
    if (room < ROOM_FIRST)
        room = ROOM_FIRST;
    message = lunik_mem_resize(frames->message, room);
    if (message == NULL)
        return false;
    frames->message = message;
    frames->message_room = room;
    return true;
}

/* Takes up to the frame's rest. */
static enum lunik_frame_event read_payload(struct lunik_frames *frames,
                                           const uint8_t *data, size_t size)
{
    uint8_t *out;

    if (is_control(frames->opcode)) {
        out = frames->control + frames->control_size;
        frames->control_size += size;
    } else {
        if (!make_room(frames, size)) {
            frames->has_ended = true;
            frames->code = LUNIK_CLOSE_BIG;
            frames->why = "not enough memory";
            return LUNIK_FRAME_NO_MEMORY;
        }
        out = frames->message + frames->message_size;
        frames->message_size += size;
    }
    if (frames->wants_mask)
        lunik_frame_mask(out, data, size, frames->mask, frames->payload_at);
    else
        memcpy(out, data, size);
    frames->payload_at += size;
    frames->payload_left -= size;
    if (!is_control(frames->opcode) &&
        frames->message_kind == LUNIK_FRAME_TEXT &&
        !lunik_utf8_check(&frames->utf8, out, size))
        return fail(frames, LUNIK_CLOSE_TEXT, "a text is not UTF-8");
    return LUNIK_FRAME_MORE;
}

static enum lunik_frame_event end_close(struct lunik_frames *frames)
{
    struct lunik_utf8 utf8 = { 0 };
    size_t size = frames->control_size;
    unsigned code;

    frames->kind = LUNIK_FRAME_CLOSE;
    if (size == 0) {
        frames->code = LUNIK_CLOSE_NO_CODE;
    } else {
        if (size == 1)
            return fail(frames, LUNIK_CLOSE_PROTOCOL, "a close code is cut");
        code = (unsigned)frames->control[0] << 8 | frames->control[1];
        if (!lunik_close_code_is_valid(code))
            return fail(frames, LUNIK_CLOSE_PROTOCOL,
                        "a close code is not allowed");
        if (!lunik_utf8_check(&utf8, frames->control + 2, size - 2) ||
            !lunik_utf8_is_whole(&utf8))
            return fail(frames, LUNIK_CLOSE_TEXT,
                        "a close reason is not UTF-8");
        frames->control_size = size - 2;
        memmove(frames->control, frames->control + 2, size - 2);
        frames->code = (uint16_t)code;
    }
    frames->has_ended = true;
    frames->why = "closed";
    return LUNIK_FRAME_CLOSED;
}

static enum lunik_frame_event end_frame(struct lunik_frames *frames)
{
    frames->is_in_payload = false;
    if (frames->opcode == LUNIK_FRAME_CLOSE)
        return end_close(frames);
    if (is_control(frames->opcode)) {
        frames->kind = frames->opcode;
        return LUNIK_FRAME_CONTROL;
    }
    if (!frames->is_final)
        return LUNIK_FRAME_MORE;
    if (frames->message_kind == LUNIK_FRAME_TEXT &&
        !lunik_utf8_is_whole(&frames->utf8))
        return fail(frames, LUNIK_CLOSE_TEXT, "a text is not UTF-8");
    frames->kind = frames->message_kind;
    frames->message_kind = 0;
    return LUNIK_FRAME_MESSAGE;
}

enum lunik_frame_event lunik_frames_next(struct lunik_frames *frames,
                                         const uint8_t *data, size_t size,
                                         size_t *at)
{
    enum lunik_frame_event event;
    size_t part;

    if (frames->has_ended)
        return LUNIK_FRAME_FAILED;
    for (;;) {
        event = LUNIK_FRAME_MORE;
        if (!frames->is_in_payload)
            event = read_head(frames, data, size, at);
        if (event != LUNIK_FRAME_MORE || !frames->is_in_payload)
            return event;
        part = size - *at;
        if (part > frames->payload_left)
            part = frames->payload_left;
        if (part > 0)
            event = read_payload(frames, data + *at, part);
        *at += part;
        if (event == LUNIK_FRAME_MORE && frames->payload_left == 0)
            event = end_frame(frames);
        if (event != LUNIK_FRAME_MORE || *at == size)
            return event;
    }
}

/* ---- Writing ---- */

size_t lunik_frame_write_head(uint8_t *out, unsigned opcode, bool is_final,
                              uint64_t size, const uint8_t *mask)
{
    unsigned bytes = size > 0xFFFF ? 8 : size > 125 ? 2 : 0, i;
    size_t length = 2;

    out[0] = (uint8_t)(opcode | (is_final ? FIN : 0u));
    out[1] = (uint8_t)(bytes == 8 ? 127u : bytes == 2 ? 126u : (unsigned)size);
    for (i = bytes; i > 0; i--)
        out[length++] = (uint8_t)(size >> (8 * (i - 1)));
    if (mask != NULL) {
        out[1] |= MASKED;
        memcpy(out + length, mask, 4);
        length += 4;
    }
    return length;
}
