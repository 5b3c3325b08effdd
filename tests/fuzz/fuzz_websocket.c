/* SPDX-License-Identifier: MIT */
/*
 * fuzz_websocket.c: any bytes as WebSocket frames. However they are cut into
 * pieces, the same events come of them; and none is larger than allowed.
 */
#include "frame.h"
#include "sha1.h"

#include <lunik/mem.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "platform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX 64
#define MESSAGE_MAX 300

struct event {
    enum lunik_frame_event event;
    unsigned kind, code;
    size_t size;
    uint64_t sum;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static uint64_t sum_up(const uint8_t *data, size_t size)
{
    uint64_t sum = 14695981039346656037u;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ data[i]) * 1099511628211u;
    return sum;
}

static bool is_text(const uint8_t *data, size_t size)
{
    struct lunik_utf8 utf8 = { 0 };

    return lunik_utf8_check(&utf8, data, size) && lunik_utf8_is_whole(&utf8);
}

static void note(struct event *out, struct lunik_frames *frames,
                 enum lunik_frame_event event)
{
    *out = (struct event) { .event = event };
    switch (event) {
    case LUNIK_FRAME_MESSAGE:
        must(frames->message_size <= MESSAGE_MAX);
        must(frames->kind != LUNIK_FRAME_TEXT ||
             is_text(frames->message, frames->message_size));
        out->kind = frames->kind;
        out->size = frames->message_size;
        out->sum = sum_up(frames->message, frames->message_size);
        lunik_frames_take(frames);
        break;
    case LUNIK_FRAME_CLOSED:
        must(frames->code == LUNIK_CLOSE_NO_CODE ||
             lunik_close_code_is_valid(frames->code));
        must(is_text(frames->control, frames->control_size));
        out->code = frames->code;
        out->size = frames->control_size;
        out->sum = sum_up(frames->control, frames->control_size);
        break;
    case LUNIK_FRAME_CONTROL:
        must(frames->control_size <= LUNIK_FRAME_CONTROL_MAX);
        out->kind = frames->kind;
        out->size = frames->control_size;
        out->sum = sum_up(frames->control, frames->control_size);
        break;
    case LUNIK_FRAME_FAILED:
        must(frames->why != NULL);
        out->code = frames->code;
        break;
    default:
        must(false);
    }
}

static bool is_same(const struct event *a, const struct event *b)
{
    return a->event == b->event && a->kind == b->kind && a->code == b->code &&
           a->size == b->size && a->sum == b->sum;
}

/* Reads all of it, (step) bytes at a time, each from memory of its own so that
 * the sanitizer sees what lies beyond. */
static size_t read_all(const uint8_t *data, size_t size, size_t step,
                       bool wants_mask, struct event *events)
{
    struct lunik_frames frames;
    size_t count = 0;
    bool has_ended = false;

    lunik_frames_init(&frames, wants_mask, MESSAGE_MAX);
    for (size_t from = 0; from < size && !has_ended; from += step) {
        size_t part = size - from < step ? size - from : step, at = 0;
        uint8_t *piece = malloc(part);

        must(piece != NULL);
        memcpy(piece, data + from, part);
        while (!has_ended && count < EVENTS_MAX) {
            enum lunik_frame_event event =
                lunik_frames_next(&frames, piece, part, &at);

            must(at <= part);
            if (event == LUNIK_FRAME_MORE) {
                must(at == part);
                break;
            }
            note(&events[count++], &frames, event);
            has_ended =
                event == LUNIK_FRAME_FAILED || event == LUNIK_FRAME_CLOSED;
        }
        free(piece);
        has_ended = has_ended || count == EVENTS_MAX;
    }
    lunik_frames_fini(&frames);
    return count;
}

/* What is written is read back. */
static void round_trip(const uint8_t *data, size_t size)
{
    struct lunik_frames frames;
    uint8_t *out = malloc(LUNIK_FRAME_HEAD_MAX + size), mask[4] = { 0 };
    size_t head, at = 0;

    must(out != NULL);
    memcpy(mask, data, size < 4 ? size : 4);
    head = lunik_frame_write_head(out, LUNIK_FRAME_BINARY, true, size, mask);
    lunik_frame_mask(out + head, data, size, mask, 0);
    lunik_frames_init(&frames, true, size);
    must(lunik_frames_next(&frames, out, head + size, &at) ==
         LUNIK_FRAME_MESSAGE);
    must(at == head + size && frames.message_size == size);
    must(size == 0 || memcmp(frames.message, data, size) == 0);
    lunik_frames_fini(&frames);
    free(out);
}

/* The heap of the library OS, once. */
static void start(void)
{
    static bool is_started;

    if (is_started)
        return;
    is_started = true;
    platform_init_early();
    lunik_mem_init();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct event whole[EVENTS_MAX], cut[EVENTS_MAX];
    uint8_t sum[LUNIK_SHA1_SIZE];
    size_t count, step;
    bool wants_mask;

    start();
    if (size < 2)
        return 0;
    wants_mask = (data[0] & 1) != 0;
    step = data[1] % 40 + 1u;
    data += 2;
    size -= 2;
    count = read_all(data, size, size + 1, wants_mask, whole);
    must(read_all(data, size, step, wants_mask, cut) == count);
    for (size_t i = 0; i < count; i++)
        must(is_same(&whole[i], &cut[i]));
    round_trip(data, size);
    lunik_sha1(data, size, sum);
    return 0;
}
