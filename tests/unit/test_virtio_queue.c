/* SPDX-License-Identifier: MIT */
/*
 * test_virtio_queue.c: the virtqueue against a device in the test, honest at
 * first, then lying in every way there is.
 */
#include "../../libos/drivers/virtio/queue.c"

#include "test.h"

#define SIZE_MAX_TESTED 64

/* ---- What the queue's file needs ---- */

static unsigned bells;
static uint32_t bell_value, bell_width;

void arch_register_store16(volatile void *at, uint16_t value)
{
    (void)at;
    bells++;
    bell_value = value;
    bell_width = 16;
}

void arch_register_store32(volatile void *at, uint32_t value)
{
    (void)at;
    bells++;
    bell_value = value;
    bell_width = 32;
}

void lunik_assert_failed(const char *expression, const char *file, int line)
{
    printf("assertion %s at %s:%d\n", expression, file, line);
    fflush(stdout);
    _exit(65);
}

/* ---- The device's side, by the specification's own layout ---- */

struct wire_descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};

struct device {
    struct virtqueue queue;
    uint16_t seen, used; /* the device's counters */
    _Alignas(VIRTQUEUE_ALIGN) uint8_t memory[VIRTQUEUE_BYTES(SIZE_MAX_TESTED)];
};

static struct device dev;

static void init(uint16_t size, bool has_event_index)
{
    memset(&dev, 0xa5, sizeof(dev));
    dev.seen = dev.used = 0;
    bells = 0;
    lunik_virtqueue_init(&dev.queue, size, dev.memory, has_event_index);
    dev.queue.bell = dev.memory;
    dev.queue.bell_value = 3;
}

static const struct wire_descriptor *descriptor(uint16_t index)
{
    return (const struct wire_descriptor *)(const void *)dev.memory + index;
}

static uint16_t *avail_word(size_t index)
{
    return (uint16_t *)(void *)(dev.memory +
                                VIRTQUEUE_AVAIL_AT(dev.queue.size)) +
           index;
}

static uint8_t *used_byte(size_t at)
{
    return dev.memory + VIRTQUEUE_USED_AT(dev.queue.size) + at;
}

static uint16_t avail_index(void)
{
    return *avail_word(1);
}

static void set_used_index(uint16_t index)
{
    memcpy(used_byte(2), &index, sizeof(index));
}

static void set_avail_event(uint16_t index)
{
    memcpy(used_byte(4 + (size_t)8 * dev.queue.size), &index, sizeof(index));
}

static uint16_t get_used_event(void)
{
    return *avail_word((size_t)2 + dev.queue.size);
}

/* The next request's first descriptor; false: there is none. */
static bool device_take(uint16_t *first_out)
{
    if (dev.seen == avail_index())
        return false;
    *first_out = *avail_word((size_t)2 + dev.seen % dev.queue.size);
    dev.seen++;
    return true;
}

static void device_put(uint32_t id, uint32_t size)
{
    uint8_t *entry = used_byte(4 + (size_t)8 * (dev.used % dev.queue.size));

    memcpy(entry, &id, sizeof(id));
    memcpy(entry + 4, &size, sizeof(size));
    set_used_index(++dev.used);
}

/* Does every request there is: copies what it reads to what it may write. */
static unsigned device_serve(void)
{
    unsigned count = 0;
    uint16_t first = 0;

    while (device_take(&first)) {
        uint8_t bytes[4096];
        size_t have = 0;
        uint32_t done = 0;

        for (uint16_t at = first;; at = descriptor(at)->next) {
            const struct wire_descriptor *d = descriptor(at);
            uint8_t *data = (uint8_t *)(uintptr_t)d->address;

            if (d->flags & 2) {
                uint32_t part =
                    d->size < have - done ? d->size : (uint32_t)(have - done);

                memcpy(data, bytes + done, part);
                done += part;
            } else {
                memcpy(bytes + have, data, d->size);
                have += d->size;
            }
            if (!(d->flags & 1))
                break;
        }
        device_put(first, done);
        count++;
    }
    return count;
}

/* ---- Short cuts for the driver's side ---- */

static uint8_t scratch[4096];
static int tokens[128];

static lunik_result add_in(uint32_t size, void *token)
{
    struct virtqueue_buffer buffer = { scratch, size };

    return lunik_virtqueue_add(&dev.queue, &buffer, 0, 1, token);
}

static void advance(uint32_t count)
{
    struct virtqueue_done done;

    for (uint32_t i = 0; i < count; i++) {
        if (add_in(8, tokens) != LUNIK_OK)
            abort();
        lunik_virtqueue_publish(&dev.queue);
        device_serve();
        if (lunik_virtqueue_collect(&dev.queue, &done, 1) != 1)
            abort();
    }
}

/* ---- Honest devices ---- */

TEST(memory_is_laid_out_as_the_specification_says)
{
    CHECK_EQ(VIRTQUEUE_AVAIL_AT(8), 128);
    CHECK_EQ(VIRTQUEUE_USED_AT(8), 192); /* 128 + 6 + 16, to 64 */
    CHECK_EQ(VIRTQUEUE_SLOTS_AT(8), 320);
    CHECK_EQ(VIRTQUEUE_BYTES(8), 320 + 8 * 24);
    for (size_t size = 1; size <= VIRTQUEUE_SIZE_MAX; size *= 2) {
        CHECK(VIRTQUEUE_USED_AT(size) >=
              VIRTQUEUE_AVAIL_AT(size) + 6 + 2 * size);
        CHECK(VIRTQUEUE_SLOTS_AT(size) >=
              VIRTQUEUE_USED_AT(size) + 6 + 8 * size);
        CHECK_EQ(VIRTQUEUE_USED_AT(size) % 4, 0);
    }
}

TEST(a_new_queue_is_empty_and_silent)
{
    struct virtqueue_done done;

    init(8, false);
    CHECK_EQ(avail_index(), 0);
    CHECK_EQ(lunik_virtqueue_room(&dev.queue), 8);
    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, &done, 1), 0);
    CHECK(!lunik_virtqueue_publish(&dev.queue));
    lunik_virtqueue_kick(&dev.queue);
    CHECK_EQ(bells, 0);
}

TEST(a_request_goes_there_and_back)
{
    uint8_t question[5] = "abcd", answer[8] = { 0 };
    struct virtqueue_buffer buffers[] = { { question, 5 }, { answer, 8 } };
    struct virtqueue_done done[2];

    init(8, false);
    CHECK_EQ(lunik_virtqueue_add(&dev.queue, buffers, 1, 1, &tokens[7]),
             LUNIK_OK);
    lunik_virtqueue_kick(&dev.queue);
    CHECK_EQ(bells, 1);
    CHECK_EQ(bell_value, 3);
    CHECK_EQ(bell_width, 16);
    CHECK_EQ(device_serve(), 1);
    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, done, 2), 1);
    CHECK(done[0].token == &tokens[7]);
    CHECK_EQ(done[0].size, 5);
    CHECK_STR_EQ((char *)answer, "abcd");
    CHECK_EQ(lunik_virtqueue_room(&dev.queue), 8);
}

TEST(a_wide_bell_is_rung_with_32_bits)
{
    init(4, false);
    dev.queue.bell_is_wide = true;
    CHECK_EQ(add_in(1, tokens), LUNIK_OK);
    lunik_virtqueue_kick(&dev.queue);
    CHECK_EQ(bell_width, 32);
}

TEST(a_queue_without_a_bell_rings_none)
{
    init(4, false);
    dev.queue.bell = NULL;
    CHECK_EQ(add_in(1, tokens), LUNIK_OK);
    lunik_virtqueue_kick(&dev.queue);
    CHECK_EQ(bells, 0);
}

TEST(a_chain_has_what_is_read_before_what_is_written)
{
    struct virtqueue_buffer buffers[] = { { scratch, 1 },
                                          { scratch + 1, 2 },
                                          { scratch + 3, 3 } };
    const struct wire_descriptor *d;
    uint16_t first = 0;

    init(8, false);
    CHECK_EQ(lunik_virtqueue_add(&dev.queue, buffers, 2, 1, tokens), LUNIK_OK);
    lunik_virtqueue_publish(&dev.queue);
    REQUIRE(device_take(&first));
    d = descriptor(first);
    CHECK_EQ(d->address, (uintptr_t)scratch);
    CHECK_EQ(d->size, 1);
    CHECK_EQ(d->flags, 1);
    d = descriptor(d->next);
    CHECK_EQ(d->address, (uintptr_t)(scratch + 1));
    CHECK_EQ(d->size, 2);
    CHECK_EQ(d->flags, 1);
    d = descriptor(d->next);
    CHECK_EQ(d->address, (uintptr_t)(scratch + 3));
    CHECK_EQ(d->size, 3);
    CHECK_EQ(d->flags, 2);
}

TEST(nothing_is_seen_before_publish_and_a_batch_at_once)
{
    struct virtqueue_done done[8];

    init(8, false);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(add_in(4, &tokens[i]), LUNIK_OK);
    CHECK_EQ(avail_index(), 0);
    lunik_virtqueue_kick(&dev.queue);
    CHECK_EQ(avail_index(), 5);
    CHECK_EQ(bells, 1);
    CHECK_EQ(device_serve(), 5);
    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, done, 3), 3);
    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, done + 3, 5), 2);
    for (int i = 0; i < 5; i++)
        CHECK(done[i].token == &tokens[i]);
}

TEST(a_full_queue_adds_nothing)
{
    struct virtqueue_buffer three[] = { { scratch, 1 },
                                        { scratch, 1 },
                                        { scratch, 1 } };
    struct virtqueue_done done[8];

    init(8, false);
    CHECK_EQ(lunik_virtqueue_add(&dev.queue, three, 1, 2, tokens), LUNIK_OK);
    CHECK_EQ(lunik_virtqueue_add(&dev.queue, three, 3, 0, tokens), LUNIK_OK);
    CHECK_EQ(lunik_virtqueue_add(&dev.queue, three, 0, 3, tokens),
             LUNIK_ENOMEM);
    CHECK_EQ(lunik_virtqueue_room(&dev.queue), 2);
    CHECK_EQ(add_in(1, tokens), LUNIK_OK);
    CHECK_EQ(add_in(1, tokens), LUNIK_OK);
    CHECK_EQ(add_in(1, tokens), LUNIK_ENOMEM);
    lunik_virtqueue_publish(&dev.queue);
    CHECK_EQ(device_serve(), 4);
    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, done, 8), 4);
    CHECK_EQ(lunik_virtqueue_room(&dev.queue), 8);
    CHECK_EQ(lunik_virtqueue_add(&dev.queue, three, 0, 3, tokens), LUNIK_OK);
}

TEST(a_queue_of_one_works)
{
    init(1, true);
    advance(10);
    CHECK_EQ(add_in(1, tokens), LUNIK_OK);
    CHECK_EQ(add_in(1, tokens), LUNIK_ENOMEM);
}

TEST(requests_may_come_back_in_any_order)
{
    struct virtqueue_done done[4];
    uint16_t first[4];

    init(4, false);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(add_in(4, &tokens[i]), LUNIK_OK);
    lunik_virtqueue_publish(&dev.queue);
    for (int i = 0; i < 4; i++)
        REQUIRE(device_take(&first[i]));
    for (int i = 3; i >= 0; i--)
        device_put(first[i], (uint32_t)i);
    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, done, 4), 4);
    for (int i = 0; i < 4; i++) {
        CHECK(done[i].token == &tokens[3 - i]);
        CHECK_EQ(done[i].size, 3 - i);
    }
}

TEST(counters_wrap_without_a_loss)
{
    init(8, true);
    advance(200000);
    CHECK_EQ(avail_index(), 200000 & 0xffff);
    CHECK_EQ(lunik_virtqueue_room(&dev.queue), 8);
}

/* A small generator, the same on every run. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

TEST(random_chains_lose_and_invent_nothing)
{
    struct virtqueue_buffer buffers[8];
    uint32_t state = 7, outstanding = 0, given = 0, got = 0;
    int owed[128] = { 0 };

    for (size_t i = 0; i < 8; i++)
        buffers[i] = (struct virtqueue_buffer) { scratch + 64 * i, 64 };
    init(32, true);
    for (unsigned round = 0; round < 100000; round++) {
        struct virtqueue_done done[5];
        uint16_t out = (uint16_t)(next_random(&state) % 4);
        uint16_t in = (uint16_t)(1 + next_random(&state) % 4);
        uint32_t which = next_random(&state) % 128;
        lunik_result result =
            lunik_virtqueue_add(&dev.queue, buffers, out, in, &tokens[which]);

        if (result == LUNIK_OK) {
            owed[which]++;
            given++;
        } else {
            CHECK(out + in > 32 - (int)outstanding);
        }
        if (next_random(&state) % 3 == 0)
            lunik_virtqueue_publish(&dev.queue);
        if (next_random(&state) % 3 == 0)
            device_serve();
        if (next_random(&state) % 2 == 0) {
            size_t count = lunik_virtqueue_collect(&dev.queue, done, 5);

            for (size_t i = 0; i < count; i++)
                owed[(int *)done[i].token - tokens]--;
            got += (uint32_t)count;
        }
        outstanding = 32u - lunik_virtqueue_room(&dev.queue);
    }
    CHECK(dev.queue.broken == NULL);
    CHECK(given > 10000);
    lunik_virtqueue_publish(&dev.queue);
    device_serve();
    for (struct virtqueue_done done;
         lunik_virtqueue_collect(&dev.queue, &done, 1) == 1; got++)
        owed[(int *)done.token - tokens]--;
    CHECK_EQ(got, given);
    for (int i = 0; i < 128; i++)
        CHECK_EQ(owed[i], 0);
    CHECK_EQ(lunik_virtqueue_room(&dev.queue), 32);
}

/* ---- Bells and interrupts ---- */

TEST(without_event_indices_the_flags_say_it)
{
    uint16_t flags = 1;

    init(8, false);
    memcpy(used_byte(0), &flags, sizeof(flags));
    CHECK_EQ(add_in(1, tokens), LUNIK_OK);
    lunik_virtqueue_kick(&dev.queue);
    CHECK_EQ(bells, 0);
    lunik_virtqueue_disarm(&dev.queue);
    CHECK_EQ(*avail_word(0), 1);
    CHECK(!lunik_virtqueue_arm(&dev.queue));
    CHECK_EQ(*avail_word(0), 0);
}

/* The bell is wanted exactly if the device named one of the entries that were
 * published: tried for every batch and every event near the wrap. */
static void try_bells(uint32_t start)
{
    for (uint16_t batch = 1; batch <= 4; batch++) {
        for (int delta = -6; delta <= 6; delta++) {
            uint16_t before, event;
            struct virtqueue_done done[4];
            bool wanted = delta >= 0 && delta < batch;

            init(4, true);
            advance(start);
            before = avail_index();
            event = (uint16_t)(before + delta);
            set_avail_event(event);
            for (uint16_t i = 0; i < batch; i++)
                CHECK_EQ(add_in(1, tokens), LUNIK_OK);
            if (lunik_virtqueue_publish(&dev.queue) != wanted)
                CHECK_EQ(delta, batch + 100); /* prints both */
            device_serve();
            CHECK_EQ(lunik_virtqueue_collect(&dev.queue, done, 4), batch);
        }
    }
}

TEST(event_indices_hold_at_the_wrap)
{
    try_bells(0);
    try_bells(3);
    for (uint32_t start = 65531; start <= 65537; start++)
        try_bells(start);
}

/* What a device computes before it interrupts: Virtio 1.2, 2.7.7.2. */
static bool device_interrupts(uint16_t old, uint16_t now)
{
    return (uint16_t)(now - get_used_event() - 1) < (uint16_t)(now - old);
}

TEST(an_armed_queue_interrupts_for_the_next_request_only)
{
    for (uint32_t start = 65530; start <= 65538; start++) {
        struct virtqueue_done done;
        uint16_t old;

        init(4, true);
        advance(start);
        CHECK(!lunik_virtqueue_arm(&dev.queue));
        for (int i = 0; i < 2; i++) {
            CHECK_EQ(add_in(1, tokens), LUNIK_OK);
            lunik_virtqueue_publish(&dev.queue);
            old = dev.used;
            device_serve();
            CHECK_EQ(device_interrupts(old, dev.used), i == 0);
        }
        CHECK(lunik_virtqueue_arm(&dev.queue)); /* two wait already */
        CHECK_EQ(lunik_virtqueue_collect(&dev.queue, &done, 1), 1);
        CHECK_EQ(lunik_virtqueue_collect(&dev.queue, &done, 1), 1);
        CHECK(!lunik_virtqueue_arm(&dev.queue));
    }
}

TEST(a_disarmed_queue_is_not_interrupted)
{
    init(4, true);
    for (int i = 0; i < 1000; i++) {
        uint16_t old = dev.used;

        lunik_virtqueue_disarm(&dev.queue);
        advance(1);
        CHECK(!device_interrupts(old, dev.used));
    }
}

/* ---- Liars ---- */

/* A queue of 8 with a chain of 3 (1 out; 16 and 4 in) and a lone request (8
 * in), both taken by the device. */
static uint16_t chain_first, chain_second, lone_first;

static void init_lent(void)
{
    struct virtqueue_buffer three[] = { { scratch, 1 },
                                        { scratch, 16 },
                                        { scratch, 4 } };

    init(8, true);
    if (lunik_virtqueue_add(&dev.queue, three, 1, 2, &tokens[0]) != LUNIK_OK ||
        add_in(8, &tokens[1]) != LUNIK_OK)
        abort();
    lunik_virtqueue_publish(&dev.queue);
    if (!device_take(&chain_first) || !device_take(&lone_first))
        abort();
    chain_second = descriptor(chain_first)->next;
}

/* The queue finds the lie, and is of no more use, nor harm. */
static void check_broken(const char *what)
{
    uint8_t before[sizeof(dev.memory)];
    struct virtqueue_done done[8];

    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, done, 8), 0);
    CHECK_STR_EQ(dev.queue.broken, what);
    memcpy(before, dev.memory, sizeof(before));
    CHECK_EQ(add_in(1, tokens), LUNIK_EIO);
    CHECK(!lunik_virtqueue_publish(&dev.queue));
    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, done, 8), 0);
    CHECK(!lunik_virtqueue_arm(&dev.queue));
    CHECK_MEM_EQ(dev.memory, before, sizeof(before));
}

TEST(an_id_past_the_table_is_a_lie)
{
    static const uint32_t ids[] = {
        8, 9, 255, 65535, 65536, 0x10000 * 3, 0x80000000, UINT32_MAX
    };

    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        init_lent();
        device_put(ids[i], 0);
        check_broken("names a descriptor that does not exist");
    }
}

TEST(an_id_inside_a_chain_is_a_lie)
{
    init_lent();
    device_put(chain_second, 0);
    check_broken("returns a request that it does not have");
}

TEST(an_id_that_was_never_lent_is_a_lie)
{
    init_lent();
    device_put(7, 0);
    check_broken("returns a request that it does not have");
}

TEST(an_id_returned_twice_is_a_lie)
{
    struct virtqueue_done done;

    init_lent();
    device_put(lone_first, 8);
    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, &done, 1), 1);
    device_put(lone_first, 8);
    check_broken("returns a request that it does not have");
}

TEST(an_id_returned_twice_in_one_batch_is_a_lie_after_a_truth)
{
    struct virtqueue_done done[8];

    init_lent();
    device_put(lone_first, 8);
    device_put(lone_first, 8);
    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, done, 8), 1);
    CHECK(done[0].token == &tokens[1]);
    check_broken("returns a request that it does not have");
}

TEST(more_bytes_than_were_lent_are_a_lie)
{
    static const uint32_t sizes[] = { 21, 22, 4096, 0x80000000, UINT32_MAX };
    struct virtqueue_done done;

    init_lent();
    device_put(chain_first, 20);
    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, &done, 1), 1);
    CHECK_EQ(done.size, 20);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        init_lent();
        device_put(chain_first, sizes[i]);
        check_broken("says it wrote past the end of a buffer");
    }
}

TEST(bytes_written_to_a_request_that_is_only_read_are_a_lie)
{
    struct virtqueue_buffer buffer = { scratch, 16 };
    uint16_t first = 0;

    init(8, true);
    CHECK_EQ(lunik_virtqueue_add(&dev.queue, &buffer, 1, 0, tokens), LUNIK_OK);
    lunik_virtqueue_publish(&dev.queue);
    REQUIRE(device_take(&first));
    device_put(first, 1);
    check_broken("says it wrote past the end of a buffer");
}

TEST(a_used_index_that_jumps_is_a_lie)
{
    static const uint16_t jumps[] = { 3, 4, 8, 9, 256, 32768, 65535 };

    for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
        init_lent();
        set_used_index(jumps[i]);
        check_broken("returns more requests than it was given");
    }
}

TEST(a_request_that_was_not_published_cannot_come_back)
{
    init(8, true);
    CHECK_EQ(add_in(8, tokens), LUNIK_OK);
    device_put(0, 0);
    check_broken("returns more requests than it was given");
}

TEST(a_device_that_scribbles_over_all_it_can_reach_changes_nothing)
{
    struct virtqueue_done done[4];
    uint32_t state = 1;

    for (unsigned round = 0; round < 2000; round++) {
        uint16_t index;
        size_t at = next_random(&state);

        init_lent();
        /* Descriptors and the available ring: ours to write, not to read. */
        for (size_t i = 0; i < VIRTQUEUE_USED_AT(8); i++)
            dev.memory[i] = (uint8_t)next_random(&state);
        device_put(lone_first, 8);
        device_put(chain_first, 20);
        index = dev.used;
        CHECK_EQ(lunik_virtqueue_collect(&dev.queue, done, 4), 2);
        CHECK(done[0].token == &tokens[1] && done[1].token == &tokens[0]);
        CHECK_EQ(lunik_virtqueue_room(&dev.queue), 8);
        /* Anywhere in the used ring, the index put back: no crash, and only
         * tokens that are ours. */
        CHECK_EQ(add_in(8, &tokens[2]), LUNIK_OK);
        lunik_virtqueue_publish(&dev.queue);
        *used_byte(at % (VIRTQUEUE_SLOTS_AT(8) - VIRTQUEUE_USED_AT(8))) ^= 1;
        set_used_index((uint16_t)(index + 1));
        if (lunik_virtqueue_collect(&dev.queue, done, 4) == 1)
            CHECK(done[0].token == &tokens[2]);
        else
            CHECK(dev.queue.broken != NULL);
    }
}

TEST(a_used_index_that_flickers_does_not_hold_the_driver)
{
    struct virtqueue_done done;

    init_lent();
    set_used_index(1);
    CHECK(lunik_virtqueue_arm(&dev.queue));
    set_used_index(0);
    CHECK_EQ(lunik_virtqueue_collect(&dev.queue, &done, 1), 0);
    CHECK(dev.queue.broken == NULL);
}

/* ---- Broken callers ---- */

TEST(sizes_and_memory_that_cannot_be_stop_the_image)
{
    CHECK_DIES(65, lunik_virtqueue_init(&dev.queue, 0, dev.memory, false));
    CHECK_DIES(65, lunik_virtqueue_init(&dev.queue, 3, dev.memory, false));
    CHECK_DIES(65, lunik_virtqueue_init(&dev.queue, 2048, dev.memory, false));
    CHECK_DIES(65, lunik_virtqueue_init(&dev.queue, 8, dev.memory + 16, false));
}

TEST(an_empty_request_stops_the_image)
{
    init(8, false);
    CHECK_DIES(65, (void)!lunik_virtqueue_add(&dev.queue, NULL, 0, 0, tokens));
}
