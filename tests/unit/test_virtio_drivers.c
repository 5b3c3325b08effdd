/* SPDX-License-Identifier: MIT */
/*
 * test_virtio_drivers.c: the entropy device and the console, with hosts that
 * answer, that are slow, that sleep, and that lie.
 */
#include "../../libos/drivers/virtio/console.c"
#include "../../libos/drivers/virtio/discover.c"

/* Both drivers have a start(). */
#define start rng_start
#include "../../libos/drivers/virtio/rng.c"
#undef start

#include "machine/machine.h"
#include "test.h"

#define AT UINT64_C(0x900000000)

static struct vm_device *host; /* the device's side */
static char heard[65536];      /* what the console's host read */
static size_t heard_size;

static void reset(uint32_t type, bool is_pci)
{
    machine_reset();
    memset(&found, 0, sizeof(found));
    memset(&console, 0, sizeof(console));
    memset(&rng, 0, sizeof(rng));
    heard_size = 0;
    vm.ioapics = 1;
    vm.options[0] = is_pci ? NULL : "512@0x900000000:6";
    host = is_pci ? vm_add_pci(AT, type, VIRTIO_FEATURE_EVENT_INDEX)
                  : vm_add_mmio(AT, type, VIRTIO_FEATURE_EVENT_INDEX);
}

/* ---- Entropy ---- */

static uint8_t next_byte;
static uint32_t rng_gives; /* at most, for one question */

static void serve_rng(struct vm_device *device, uint16_t index)
{
    uint8_t *data;
    uint32_t size;
    uint16_t id;

    while (vm_take(&device->queues[index], &data, &size, &id)) {
        if (size > rng_gives)
            size = rng_gives;
        for (uint32_t i = 0; i < size; i++)
            data[i] = next_byte++;
        vm_put(&device->queues[index], id, size);
    }
}

static void reset_rng(bool is_pci)
{
    reset(VIRTIO_TYPE_RNG, is_pci);
    host->serve = serve_rng;
    next_byte = 0;
    rng_gives = UINT32_MAX;
}

static void check_entropy(size_t size)
{
    uint8_t bytes[1000] = { 0 };

    next_byte = 1;
    CHECK_EQ(platform_virtio_entropy(bytes, size), size);
    for (size_t i = 0; i < size; i++)
        CHECK_EQ(bytes[i], (uint8_t)(i + 1));
    CHECK_EQ(bytes[size], 0);
}

TEST(entropy_comes_whole_however_it_is_cut)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        reset_rng(is_pci);
        check_entropy(1);
        check_entropy(64);
        check_entropy(257);
        check_entropy(999);
        rng_gives = 10;
        check_entropy(64);
    }
}

TEST(the_device_is_off_between_questions)
{
    uint8_t bytes[8];

    reset_rng(true);
    CHECK_EQ(platform_virtio_entropy(bytes, 8), 8);
    CHECK_EQ(host->status, 0);
    CHECK_EQ(host->queues[0].enabled, 0);
    CHECK_EQ(platform_virtio_entropy(bytes, 8), 8);
}

TEST(answers_are_not_left_behind)
{
    uint8_t bytes[32];

    reset_rng(true);
    CHECK_EQ(platform_virtio_entropy(bytes, 32), 32);
    for (size_t i = 0; i < sizeof(rng.answer); i++)
        CHECK_EQ(rng.answer[i], 0);
}

TEST(without_a_device_there_is_no_entropy)
{
    uint8_t bytes[8];

    reset_rng(true);
    vm.count = 0;
    CHECK_EQ(platform_virtio_entropy(bytes, 8), 0);
    CHECK_EQ(platform_virtio_entropy(bytes, 8), 0);
}

TEST(a_device_that_does_not_answer_costs_a_second_once)
{
    uint8_t bytes[8];

    reset_rng(true);
    host->is_deaf = true;
    CHECK_EQ(platform_virtio_entropy(bytes, 8), 0);
    CHECK(vm.now_ns >= 1000 * LUNIK_NS_PER_MS);
    CHECK(vm.now_ns < 1001 * LUNIK_NS_PER_MS);
    CHECK_CONTAINS(vm.log, "gave no random bytes within a second");
    CHECK_EQ(host->status & 7, 0);
    CHECK_EQ(platform_virtio_entropy(bytes, 8), 0);
    CHECK(vm.now_ns < 1001 * LUNIK_NS_PER_MS);
}

TEST(a_device_that_gives_drops_does_not_hold_the_start)
{
    uint8_t bytes[64];

    reset_rng(true);
    rng_gives = 1;
    CHECK_EQ(platform_virtio_entropy(bytes, 64), 16);
    rng_gives = 0;
    CHECK_EQ(platform_virtio_entropy(bytes, 64), 0);
}

static void serve_lies(struct vm_device *device, uint16_t index)
{
    uint8_t *data;
    uint32_t size;
    uint16_t id;

    while (vm_take(&device->queues[index], &data, &size, &id))
        vm_put(&device->queues[index], id, size + 1);
}

TEST(a_device_that_claims_too_much_gives_nothing)
{
    uint8_t bytes[8] = { 0 };

    reset_rng(true);
    host->serve = serve_lies;
    CHECK_EQ(platform_virtio_entropy(bytes, 8), 0);
    CHECK_CONTAINS(vm.log, "says it wrote past the end of a buffer");
}

TEST(a_device_that_does_not_start_gives_nothing)
{
    uint8_t bytes[8];

    reset_rng(true);
    host->refuses_features = true;
    CHECK_EQ(platform_virtio_entropy(bytes, 8), 0);
    reset_rng(false);
    host->queues[0].max = 0;
    CHECK_EQ(platform_virtio_entropy(bytes, 8), 0);
}

/* ---- Console ---- */

static void serve_console(struct vm_device *device, uint16_t index)
{
    uint8_t *data;
    uint32_t size;
    uint16_t id;

    if (index != QUEUE_OUTPUT)
        return;
    while (vm_take(&device->queues[index], &data, &size, &id)) {
        if (heard_size + size < sizeof(heard)) {
            memcpy(heard + heard_size, data, size);
            heard_size += size;
        }
        vm_put(&device->queues[index], id, 0);
    }
}

/* The host types; false: the image lent no buffer. */
static bool type(const char *text)
{
    struct vm_queue *queue = &host->queues[QUEUE_INPUT];
    uint32_t len = (uint32_t)strlen(text), size;
    uint8_t *data;
    uint16_t id;

    if (!vm_take(queue, &data, &size, &id))
        return false;
    if (len > size)
        len = size;
    memcpy(data, text, len);
    vm_put(queue, id, len);
    host->cause |= VIRTIO_CAUSE_QUEUE;
    return true;
}

static void open_console(bool is_pci)
{
    reset(VIRTIO_TYPE_CONSOLE, is_pci);
    host->serve = serve_console;
    if (!platform_virtio_console_open())
        abort();
}

TEST(a_machine_without_a_console_has_none)
{
    reset(VIRTIO_TYPE_RNG, true);
    CHECK(!platform_virtio_console_open());
    reset(VIRTIO_TYPE_CONSOLE, true);
    host->refuses_features = true;
    CHECK(!platform_virtio_console_open());
    reset(VIRTIO_TYPE_CONSOLE, false);
    host->queues[QUEUE_OUTPUT].max = 0;
    CHECK(!platform_virtio_console_open());
}

TEST(what_is_written_arrives_with_one_bell)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        char text[1000];
        unsigned before;

        open_console(is_pci);
        before = host->bells;
        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = (char)('a' + i % 26);
        platform_virtio_console_write(text, sizeof(text));
        CHECK_EQ(heard_size, sizeof(text));
        CHECK_MEM_EQ(heard, text, sizeof(text));
        CHECK_EQ(host->bells, before + 1);
        CHECK_EQ(platform_virtio_console_dropped(), 0);
    }
}

TEST(more_than_all_buffers_arrive_in_order)
{
    static char text[3 * OUTPUT_COUNT * OUTPUT_SIZE + 7];

    open_console(true);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('0' + i % 73);
    platform_virtio_console_write(text, sizeof(text));
    for (int i = 0; i < 200; i++)
        platform_virtio_console_write("line\n", 5);
    CHECK_EQ(heard_size, sizeof(text) + 1000);
    CHECK_MEM_EQ(heard, text, sizeof(text));
    CHECK_EQ(platform_virtio_console_dropped(), 0);
    platform_virtio_console_write(text, 0);
    CHECK_EQ(heard_size, sizeof(text) + 1000);
}

TEST(a_host_that_does_not_read_costs_one_short_wait)
{
    static const char text[OUTPUT_COUNT * OUTPUT_SIZE];
    uint64_t before;

    open_console(true);
    host->is_deaf = true;
    platform_virtio_console_write(text, sizeof(text));
    CHECK_EQ(platform_virtio_console_dropped(), 0);
    before = vm.now_ns;
    platform_virtio_console_write("lost", 4);
    CHECK(vm.now_ns - before >= STALL_NS);
    CHECK(vm.now_ns - before < STALL_NS + LUNIK_NS_PER_MS);
    before = vm.now_ns;
    platform_virtio_console_write("lost as well", 12);
    platform_virtio_console_flush();
    CHECK(vm.now_ns - before < LUNIK_NS_PER_MS);
    CHECK_EQ(platform_virtio_console_dropped(), 16);
    /* It reads again: nothing more is lost. */
    host->is_deaf = false;
    host->serve(host, QUEUE_OUTPUT);
    platform_virtio_console_write("back", 4);
    CHECK_EQ(heard_size, sizeof(text) + 4);
    CHECK_MEM_EQ(heard + sizeof(text), "back", 4);
    CHECK_EQ(platform_virtio_console_dropped(), 16);
}

TEST(a_flush_waits_for_the_host_and_not_for_ever)
{
    uint64_t before;

    open_console(true);
    platform_virtio_console_write("x", 1);
    before = vm.now_ns;
    platform_virtio_console_flush();
    CHECK(vm.now_ns - before < LUNIK_NS_PER_MS);
    host->is_deaf = true;
    platform_virtio_console_write("x", 1);
    platform_virtio_console_flush();
    CHECK(vm.now_ns - before >= STALL_NS);
    CHECK(vm.now_ns - before < 2 * STALL_NS);
}

static void serve_console_lies(struct vm_device *device, uint16_t index)
{
    if (index == QUEUE_OUTPUT)
        vm_put(&device->queues[index], 77, 0);
}

TEST(output_to_a_console_that_lies_is_dropped)
{
    open_console(true);
    host->serve = serve_console_lies;
    platform_virtio_console_write("a", 1);
    platform_virtio_console_write("bcd", 3);
    platform_virtio_console_flush();
    CHECK_EQ(platform_virtio_console_dropped(), 3);
    CHECK(console.out.broken != NULL);
}

TEST(input_wakes_and_is_read_in_order_in_any_pieces)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        char got[64] = { 0 };
        size_t size;

        open_console(is_pci);
        CHECK_EQ(platform_virtio_console_attach(), LUNIK_OK);
        CHECK_EQ(vm.vector_count, 1);
        CHECK_EQ(platform_virtio_console_read(got, 64, &size), LUNIK_EAGAIN);
        CHECK_EQ(size, 0);
        REQUIRE(type("hello "));
        REQUIRE(type("world"));
        vm.vectors[0]->poll(vm.vectors[0]->arg);
        CHECK_EQ(host->cause, is_pci ? VIRTIO_CAUSE_QUEUE : 0);
        CHECK_EQ(vm.signalled, 1);
        CHECK_EQ(platform_virtio_console_read(got, 4, &size), LUNIK_OK);
        CHECK_EQ(size, 4);
        CHECK_EQ(platform_virtio_console_read(got + 4, 60, &size), LUNIK_OK);
        CHECK_EQ(size, 7);
        CHECK_STR_EQ(got, "hello world");
        CHECK_EQ(platform_virtio_console_read(got, 64, &size), LUNIK_EAGAIN);
    }
}

TEST(input_goes_on_for_ever_and_stops_at_what_is_lent)
{
    open_console(true);
    for (int round = 0; round < 20000; round++) {
        char got[8];
        size_t size;

        REQUIRE(type("abc"));
        REQUIRE(platform_virtio_console_read(got, 8, &size) == LUNIK_OK);
        REQUIRE(size == 3 && memcmp(got, "abc", 3) == 0);
    }
    for (int i = 0; i < INPUT_COUNT; i++)
        CHECK(type("x"));
    CHECK(!type("too much"));
}

TEST(empty_input_is_no_input)
{
    char got[8];
    size_t size;

    open_console(true);
    CHECK_EQ(platform_virtio_console_attach(), LUNIK_OK);
    for (int i = 0; i < 100; i++) {
        REQUIRE(type(""));
        vm.vectors[0]->poll(vm.vectors[0]->arg);
        CHECK_EQ(platform_virtio_console_read(got, 8, &size), LUNIK_EAGAIN);
    }
    CHECK_EQ(vm.signalled, 0);
}

TEST(empty_input_is_lent_again_although_nobody_reads)
{
    open_console(true);
    CHECK_EQ(platform_virtio_console_attach(), LUNIK_OK);
    for (int i = 0; i < 100; i++) {
        REQUIRE(type(""));
        vm.vectors[0]->poll(vm.vectors[0]->arg);
    }
    REQUIRE(type("x"));
    vm.vectors[0]->poll(vm.vectors[0]->arg);
    CHECK_EQ(vm.signalled, 1);
}

TEST(input_that_lies_ends_the_input_and_wakes_nobody_for_ever)
{
    char got[8];
    size_t size;

    open_console(true);
    CHECK_EQ(platform_virtio_console_attach(), LUNIK_OK);
    vm_put(&host->queues[QUEUE_INPUT], 0, INPUT_SIZE + 1);
    vm.notified = vm.signalled = 0;
    vm.vectors[0]->poll(vm.vectors[0]->arg);
    CHECK_EQ(vm.notified, 0);
    CHECK_EQ(vm.signalled, 1);
    CHECK_CONTAINS(vm.log, "says it wrote past the end of a buffer");
    CHECK_EQ(platform_virtio_console_read(got, 8, &size), LUNIK_ECLOSED);
}

TEST(small_queues_suffice)
{
    char got[8];
    size_t size;

    reset(VIRTIO_TYPE_CONSOLE, false);
    host->serve = serve_console;
    host->queues[QUEUE_INPUT].max = 1;
    host->queues[QUEUE_OUTPUT].max = 1;
    REQUIRE(platform_virtio_console_open());
    for (int i = 0; i < 100; i++) {
        platform_virtio_console_write("0123456789", 10);
        REQUIRE(type("q"));
        CHECK_EQ(platform_virtio_console_read(got, 8, &size), LUNIK_OK);
    }
    CHECK_EQ(heard_size, 1000);
}
