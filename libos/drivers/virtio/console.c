/* SPDX-License-Identifier: MIT */
/*
 * console.c: the first port of a virtio console: Virtio 1.2, 5.3.
 *
 * Output is copied into buffers of the driver's and handed over with one bell
 * for all that a call wrote. Where the host does not read, a writer waits once,
 * for a bounded time; from then on output is dropped, and counted, until the
 * host takes something. Input wakes the console's event.
 */
#include "console.h"
#include "virtio.h"

#include "cpu.h"
#include "platform.h"
#include <lunik/log.h>

#define QUEUE_INPUT 0
#define QUEUE_OUTPUT 1

#define INPUT_COUNT 4
#define INPUT_SIZE 64
#define OUTPUT_COUNT 32
#define OUTPUT_SIZE 128

/* How long a writer waits for a host that does not read, and how often it
 * looks before the clock is asked for the first time. */
#define STALL_NS (100 * LUNIK_NS_PER_MS)
#define LOOKS_WITHOUT_CLOCK 20000

struct input {
    uint8_t data[INPUT_SIZE];
    uint32_t size, taken;
    struct input *next; /* in the order in which it came */
};

struct output {
    uint8_t data[OUTPUT_SIZE];
    struct output *next; /* free */
};

static struct {
    struct virtio_device *device;
    struct virtqueue in, out;
    struct lunik_source source;
    struct lunik_event event;
    struct input *input_first, *input_last; /* not read yet */
    struct output *output_free;
    uint64_t dropped;
    bool is_stalled;
    struct input inputs[INPUT_COUNT];
    struct output outputs[OUTPUT_COUNT];
    LUNIK_ALIGNED(VIRTQUEUE_ALIGN)
    uint8_t in_memory[VIRTQUEUE_BYTES(INPUT_COUNT)];
    LUNIK_ALIGNED(VIRTQUEUE_ALIGN)
    uint8_t out_memory[VIRTQUEUE_BYTES(OUTPUT_COUNT)];
} console;

/* ---- Output ---- */

static void free_output(struct output *output)
{
    output->next = console.output_free;
    console.output_free = output;
}

/* Takes back what the host has read. */
static void collect_output(void)
{
    struct virtqueue_done done[8];
    size_t count;

    do {
        count = lunik_virtqueue_collect(&console.out, done, 8);
        for (size_t i = 0; i < count; i++)
            free_output(done[i].token);
    } while (count == 8);
    if (console.output_free)
        console.is_stalled = false;
}

/* One more look of one who waits, which lets the host have the processor. */
static void look_again(void)
{
    cpu_relax();
    collect_output();
}

/* Waits for room: false if there is none, and will not be soon. */
static bool has_room(void)
{
    uint64_t deadline_ns;

    collect_output();
    if (console.output_free)
        return true;
    if (console.is_stalled || console.out.broken)
        return false;
    lunik_virtqueue_kick(&console.out);
    for (unsigned i = 0; i < LOOKS_WITHOUT_CLOCK && !console.output_free; i++)
        look_again();
    if (console.output_free)
        return true;
    deadline_ns = platform_monotonic_ns() + STALL_NS;
    while (!console.output_free && platform_monotonic_ns() < deadline_ns)
        look_again();
    console.is_stalled = !console.output_free;
    return !console.is_stalled;
}

void platform_virtio_console_write(const void *data, size_t size)
{
    const uint8_t *bytes = data;

    while (size > 0) {
        size_t part = size < OUTPUT_SIZE ? size : OUTPUT_SIZE;
        struct virtqueue_buffer buffer;
        struct output *output;

        if (!has_room())
            break;
        output = console.output_free;
        __builtin_memcpy(output->data, bytes, part);
        buffer = (struct virtqueue_buffer) { output->data, (uint32_t)part };
        if (lunik_virtqueue_add(&console.out, &buffer, 1, 0, output) !=
            LUNIK_OK)
            break;
        console.output_free = output->next;
        bytes += part;
        size -= part;
    }
    console.dropped += size;
    lunik_virtqueue_kick(&console.out);
}

void platform_virtio_console_flush(void)
{
    uint64_t deadline_ns = platform_monotonic_ns() + STALL_NS;

    while (!console.is_stalled && !console.out.broken &&
           lunik_virtqueue_room(&console.out) < console.out.size &&
           platform_monotonic_ns() < deadline_ns)
        look_again();
}

uint64_t platform_virtio_console_dropped(void)
{
    return console.dropped;
}

/* ---- Input ---- */

static void lend_input(struct input *input)
{
    struct virtqueue_buffer buffer = { input->data, INPUT_SIZE };

    /* There is one descriptor for each input: only a broken queue says no, and
     * then there is no more input. */
    (void)!lunik_virtqueue_add(&console.in, &buffer, 0, 1, input);
}

/* Puts what came behind what waits to be read. */
static void collect_input(void)
{
    struct virtqueue_done done[INPUT_COUNT];
    size_t count = lunik_virtqueue_collect(&console.in, done, INPUT_COUNT);

    for (size_t i = 0; i < count; i++) {
        struct input *input = done[i].token;

        if (done[i].size == 0) {
            lend_input(input);
            continue;
        }
        input->size = done[i].size;
        input->taken = 0;
        input->next = NULL;
        if (console.input_first)
            console.input_last->next = input;
        else
            console.input_first = input;
        console.input_last = input;
    }
}

static void poll(void *arg)
{
    (void)arg;
    lunik_virtio_acknowledge(console.device);
    collect_input();
    /* Empty ones are lent again; a reader that waits would not tell. */
    lunik_virtqueue_kick(&console.in);
    if (lunik_virtqueue_arm(&console.in))
        lunik_source_notify(&console.source);
    if (console.in.broken)
        lunik_virtio_fail(console.device, console.in.broken);
    /* Readers also want to know that there will be no more. */
    if (console.input_first || console.in.broken)
        lunik_event_signal(&console.event);
}

lunik_result platform_virtio_console_read(void *out, size_t size,
                                          size_t *size_out)
{
    uint8_t *bytes = out;
    size_t count = 0;

    collect_input();
    while (count < size && console.input_first) {
        struct input *input = console.input_first;

        bytes[count++] = input->data[input->taken++];
        if (input->taken == input->size) {
            console.input_first = input->next;
            lend_input(input);
        }
    }
    lunik_virtqueue_kick(&console.in);
    *size_out = count;
    if (count > 0)
        return LUNIK_OK;
    return console.in.broken ? LUNIK_ECLOSED : LUNIK_EAGAIN;
}

struct lunik_event *platform_virtio_console_event(void)
{
    return &console.event;
}

/* ---- Start ---- */

static bool start(struct virtio_device *device)
{
    if (lunik_virtio_start(device, 0) != LUNIK_OK ||
        lunik_virtio_queue_start(device, QUEUE_INPUT, &console.in, INPUT_COUNT,
                                 console.in_memory) != LUNIK_OK ||
        lunik_virtio_queue_start(device, QUEUE_OUTPUT, &console.out,
                                 OUTPUT_COUNT, console.out_memory) != LUNIK_OK)
        return false;
    lunik_virtqueue_disarm(&console.in);
    lunik_virtqueue_disarm(&console.out);
    lunik_virtio_ready(device);
    /* A device may offer smaller queues; more would not fit. */
    for (uint16_t i = 0; i < console.in.size; i++)
        lend_input(&console.inputs[i]);
    for (uint16_t i = 0; i < console.out.size; i++)
        free_output(&console.outputs[i]);
    lunik_virtqueue_kick(&console.in);
    return true;
}

bool platform_virtio_console_open(void)
{
    struct virtio_device *device = lunik_virtio_take(VIRTIO_TYPE_CONSOLE);

    if (!device || !start(device))
        return false;
    console.device = device;
    return true;
}

lunik_result platform_virtio_console_attach(void)
{
    lunik_result result;

    console.source.poll = poll;
    result = lunik_source_add(&console.source);
    if (result != LUNIK_OK)
        return result;
    return lunik_virtio_attach(console.device, &console.source, NULL);
}
