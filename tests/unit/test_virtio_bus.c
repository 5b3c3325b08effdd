/* SPDX-License-Identifier: MIT */
/*
 * test_virtio_bus.c: buses, negotiation and discovery on a machine in the test.
 */
#include "../../libos/drivers/virtio/discover.c"
#include "../../libos/platform/vm/ioapic.c"

#include "machine/machine.h"
#include "test.h"

#define MMIO_AT 0xfeb00000
#define PCI_AT UINT64_C(0x800000000)

static _Alignas(VIRTQUEUE_ALIGN) uint8_t memory[VIRTQUEUE_BYTES(64)];
static const struct lunik_source queues_source, config_source;

static void reset(void)
{
    machine_reset();
    memset(&found, 0, sizeof(found));
    memset(&ioapic, 0, sizeof(ioapic));
}

/* One device of (type) on either bus, started. */
static struct vm_device *add(bool is_pci, uint32_t type, uint64_t features)
{
    reset();
    if (is_pci)
        return vm_add_pci(PCI_AT, type, features);
    vm.options[0] = "512@0xfeb00000:5";
    return vm_add_mmio(MMIO_AT, type, features);
}

/* ---- Negotiation, the same on both buses ---- */

TEST(a_device_is_found_once_and_by_type)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        struct virtio_device *device;

        add(is_pci, VIRTIO_TYPE_RNG, 0);
        CHECK(lunik_virtio_take(VIRTIO_TYPE_CONSOLE) == NULL);
        device = lunik_virtio_take(VIRTIO_TYPE_RNG);
        REQUIRE(device != NULL);
        CHECK_STR_EQ(device->transport->name, is_pci ? "pci" : "mmio");
        CHECK(lunik_virtio_take(VIRTIO_TYPE_RNG) == NULL);
        CHECK_STR_EQ(vm.log, "");
    }
}

TEST(only_features_that_both_know_are_agreed_on)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        struct vm_device *fake = add(is_pci, 1,
                                     VIRTIO_FEATURE_EVENT_INDEX | 1 | 4 |
                                         (uint64_t)1 << 40 | (uint64_t)1 << 34);
        struct virtio_device *device = lunik_virtio_take(1);

        REQUIRE(device != NULL);
        CHECK_EQ(lunik_virtio_start(device, 1 | 2 | (uint64_t)1 << 40),
                 LUNIK_OK);
        CHECK_EQ(device->features, VIRTIO_FEATURE_EVENT_INDEX | 1 |
                                       (uint64_t)1 << 40 |
                                       VIRTIO_FEATURE_VERSION_1);
        CHECK_EQ(fake->accepted, device->features);
        CHECK_EQ(fake->status, 1 | 2 | 8);
        lunik_virtio_ready(device);
        CHECK_EQ(fake->status, 1 | 2 | 4 | 8);
    }
}

TEST(a_device_that_refuses_its_own_features_is_given_up)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        struct vm_device *fake = add(is_pci, 1, 0);
        struct virtio_device *device = lunik_virtio_take(1);
        struct virtqueue queue;

        REQUIRE(device != NULL);
        fake->refuses_features = true;
        CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_EIO);
        CHECK_CONTAINS(vm.log, "refuses the features");
        CHECK(fake->status & VIRTIO_STATUS_FAILED);
        CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_EIO);
        CHECK_EQ(lunik_virtio_queue_start(device, 0, &queue, 8, memory),
                 LUNIK_EIO);
        CHECK_EQ(lunik_virtio_attach(device, &queues_source, NULL), LUNIK_EIO);
        lunik_virtio_ready(device);
        CHECK(!(fake->status & VIRTIO_STATUS_DRIVER_OK));
    }
}

TEST(a_device_without_version_1_is_given_up)
{
    struct vm_device *fake = add(false, 1, 0);
    struct virtio_device *device = lunik_virtio_take(1);

    REQUIRE(device != NULL);
    fake->features = 0;
    CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_EIO);
    CHECK_CONTAINS(vm.log, "is not a Virtio 1.0 device");
}

TEST(a_device_that_never_resets_is_given_up_in_bounded_time)
{
    struct vm_device *fake = add(true, 1, 0);
    struct virtio_device *device = lunik_virtio_take(1);

    REQUIRE(device != NULL);
    fake->never_resets = true;
    fake->status = 7;
    CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_EIO);
    CHECK_CONTAINS(vm.log, "does not finish a reset");
    CHECK(!lunik_virtio_reset(device));
}

TEST(a_wish_for_a_reset_is_seen)
{
    struct vm_device *fake = add(true, 1, 0);
    struct virtio_device *device = lunik_virtio_take(1);

    REQUIRE(device != NULL);
    CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
    CHECK(!lunik_virtio_needs_reset(device));
    fake->status |= VIRTIO_STATUS_NEEDS_RESET;
    CHECK(lunik_virtio_needs_reset(device));
    CHECK(device->broken != NULL);
    CHECK(fake->status & VIRTIO_STATUS_FAILED);
}

/* ---- Queues ---- */

TEST(a_queue_is_handed_over_whole)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        struct vm_device *fake = add(is_pci, 1, VIRTIO_FEATURE_EVENT_INDEX);
        struct virtio_device *device = lunik_virtio_take(1);
        const struct vm_queue *there = &fake->queues[1];
        struct virtqueue_buffer buffer = { memory, 1 };
        struct virtqueue queue;

        REQUIRE(device != NULL);
        CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
        CHECK_EQ(lunik_virtio_queue_start(device, 1, &queue, 32, memory),
                 LUNIK_OK);
        CHECK_EQ(queue.size, 32);
        CHECK(queue.has_event_index);
        CHECK_EQ(there->size, 32);
        CHECK_EQ(there->enabled, 1);
        CHECK_EQ(there->parts[0], (uintptr_t)memory);
        CHECK_EQ(there->parts[1], (uintptr_t)memory + VIRTQUEUE_AVAIL_AT(32));
        CHECK_EQ(there->parts[2], (uintptr_t)memory + VIRTQUEUE_USED_AT(32));
        if (is_pci)
            CHECK_EQ(there->vector, 1);
        CHECK_EQ(fake->queues[0].enabled, 0);
        lunik_virtio_ready(device);
        CHECK_EQ(lunik_virtqueue_add(&queue, &buffer, 1, 0, memory), LUNIK_OK);
        lunik_virtqueue_kick(&queue);
        CHECK_EQ(fake->bells, 1);
    }
}

TEST(a_queue_has_a_power_of_two_within_both_bounds)
{
    static const struct {
        uint32_t offered;
        uint16_t want, size;
    } cases[] = { { 64, 64, 64 }, { 65, 64, 64 }, { 63, 64, 32 }, { 1, 64, 1 },
                  { 3, 8, 2 },    { 64, 2, 2 },   { 1024, 4, 4 } };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct vm_device *fake = add(false, 1, 0);
        struct virtio_device *device = lunik_virtio_take(1);
        struct virtqueue queue;

        fake->queues[0].max = cases[i].offered;
        CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
        CHECK_EQ(
            lunik_virtio_queue_start(device, 0, &queue, cases[i].want, memory),
            LUNIK_OK);
        CHECK_EQ(queue.size, cases[i].size);
        CHECK_EQ(fake->queues[0].size, cases[i].size);
    }
}

TEST(a_queue_that_is_not_there_or_runs_already_is_not_started)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        struct vm_device *fake = add(is_pci, 1, 0);
        struct virtio_device *device = lunik_virtio_take(1);
        struct virtqueue queue;

        REQUIRE(device != NULL);
        CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
        CHECK_EQ(lunik_virtio_queue_start(device, 2, &queue, 8, memory),
                 LUNIK_ENOENT);
        CHECK_EQ(lunik_virtio_queue_start(device, 99, &queue, 8, memory),
                 LUNIK_ENOENT);
        fake->queues[0].enabled = 1;
        CHECK_EQ(lunik_virtio_queue_start(device, 0, &queue, 8, memory),
                 LUNIK_ENOENT);
    }
}

TEST(a_bell_outside_of_the_notify_block_is_a_lie)
{
    struct vm_device *fake = add(true, 1, 0);
    struct virtio_device *device;
    struct virtqueue queue;

    vm_put32(fake, VM_CAP_NOTIFY + 12, 4); /* room for one bell */
    device = lunik_virtio_take(1);
    REQUIRE(device != NULL);
    CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
    CHECK_EQ(lunik_virtio_queue_start(device, 0, &queue, 8, memory), LUNIK_OK);
    CHECK_EQ(lunik_virtio_queue_start(device, 1, &queue, 8, memory), LUNIK_EIO);
    CHECK_CONTAINS(vm.log, "does not take its queue");
}

/* ---- Configuration ---- */

TEST(configuration_is_read_within_its_bounds)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        struct vm_device *fake = add(is_pci, 1, 0);
        struct virtio_device *device = lunik_virtio_take(1);
        uint8_t bytes[6];
        uint16_t half;
        uint32_t word;
        size_t end = is_pci ? 64 : 256;

        REQUIRE(device != NULL);
        for (size_t i = 0; i < sizeof(fake->config); i++)
            fake->config[i] = (uint8_t)i;
        CHECK_EQ(lunik_virtio_read_config(device, 0, bytes, 6), LUNIK_OK);
        CHECK_EQ(bytes[5], 5);
        CHECK_EQ(lunik_virtio_read_config(device, 6, &half, 2), LUNIK_OK);
        CHECK_EQ(half, 0x0706);
        CHECK_EQ(lunik_virtio_read_config(device, 8, &word, 4), LUNIK_OK);
        CHECK_EQ(word, 0x0b0a0908);
        CHECK_EQ(lunik_virtio_read_config(device, end, bytes, 0), LUNIK_OK);
        CHECK_EQ(lunik_virtio_read_config(device, end - 3, &word, 4),
                 LUNIK_EINVAL);
        CHECK_EQ(lunik_virtio_read_config(device, SIZE_MAX, &word, 4),
                 LUNIK_EINVAL);
        CHECK_EQ(lunik_virtio_read_config(device, 4, &word, SIZE_MAX),
                 LUNIK_EINVAL);
    }
}

TEST(a_configuration_that_never_stands_still_is_given_up)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        struct vm_device *fake = add(is_pci, 1, 0);
        struct virtio_device *device = lunik_virtio_take(1);
        uint32_t word;

        fake->config_moves = true;
        CHECK_EQ(lunik_virtio_read_config(device, 0, &word, 4), LUNIK_EIO);
        CHECK_CONTAINS(vm.log, "stand still");
    }
}

/* ---- Interrupts ---- */

TEST(an_mmio_device_gets_its_line_as_an_edge)
{
    struct vm_device *fake = add(false, 1, 0);
    struct virtio_device *device = lunik_virtio_take(1);

    vm.ioapics = 1;
    REQUIRE(device != NULL);
    CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
    fake->cause = VIRTIO_CAUSE_QUEUE;
    CHECK_EQ(lunik_virtio_attach(device, &queues_source, &config_source),
             LUNIK_OK);
    CHECK(vm.vectors[0] == &queues_source);
    CHECK_EQ(vm.ioapic_routes[0][0x10 + 2 * 5], ARCH_VECTOR_FIRST);
    CHECK_EQ(vm.ioapic_routes[0][0x11 + 2 * 5], 5u << 24);
    CHECK_EQ(fake->cause, 0); /* what was raised before is taken */
    CHECK_EQ(vm.notified, 1);
}

TEST(a_cause_is_taken_and_a_changed_configuration_passed_on)
{
    struct vm_device *fake = add(false, 1, 0);
    struct virtio_device *device = lunik_virtio_take(1);

    vm.ioapics = 1;
    CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
    CHECK_EQ(lunik_virtio_attach(device, &queues_source, &config_source),
             LUNIK_OK);
    vm.notified = 0;
    fake->cause = VIRTIO_CAUSE_QUEUE;
    lunik_virtio_acknowledge(device);
    CHECK_EQ(fake->cause, 0);
    CHECK_EQ(vm.notified, 0);
    fake->cause = VIRTIO_CAUSE_QUEUE | VIRTIO_CAUSE_CONFIG;
    lunik_virtio_acknowledge(device);
    CHECK_EQ(fake->cause, 0);
    CHECK_EQ(vm.notified, 1);
}

TEST(a_pci_device_gets_two_messages)
{
    struct vm_device *fake = add(true, 1, 0);
    struct virtio_device *device = lunik_virtio_take(1);
    struct virtqueue queue;

    REQUIRE(device != NULL);
    CHECK_EQ(fake->msix[0][3] & 1, 1); /* masked so far */
    CHECK_EQ(fake->msix[1][3] & 1, 1);
    CHECK_EQ(fake->pci_space[VM_CAP_MSIX + 3] & 0xc0, 0x80); /* enabled */
    CHECK_EQ(fake->pci_space[0x04] & 6, 6); /* memory, bus master */
    CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
    CHECK_EQ(lunik_virtio_queue_start(device, 0, &queue, 8, memory), LUNIK_OK);
    CHECK_EQ(lunik_virtio_attach(device, &queues_source, &config_source),
             LUNIK_OK);
    CHECK(vm.vectors[0] == &queues_source && vm.vectors[1] == &config_source);
    CHECK_EQ(fake->msix[1][0], 0xfee05000);
    CHECK_EQ(fake->msix[1][1], 0);
    CHECK_EQ(fake->msix[1][2], ARCH_VECTOR_FIRST);
    CHECK_EQ(fake->msix[1][3], 0);
    CHECK_EQ(fake->msix[0][2], ARCH_VECTOR_FIRST + 1);
    CHECK_EQ(fake->config_vector, 0);
    /* A reset makes it forget which; a second start needs no second attach. */
    CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
    CHECK_EQ(fake->config_vector, 0xffff);
    CHECK_EQ(lunik_virtio_queue_start(device, 0, &queue, 8, memory), LUNIK_OK);
    CHECK_EQ(fake->config_vector, 0);
    CHECK_EQ(fake->queues[0].vector, 1);
    CHECK_EQ(fake->msix[0][3], 0);
    CHECK_EQ(vm.notified, 1); /* at the attach */
    lunik_virtio_acknowledge(device);
    CHECK_EQ(vm.notified, 1);
}

TEST(one_message_serves_the_queues_when_there_is_only_one)
{
    struct vm_device *fake = add(true, 1, 0);
    struct virtio_device *device;
    struct virtqueue queue;

    vm_put32(fake, VM_CAP_MSIX, 0x11);
    device = lunik_virtio_take(1);
    REQUIRE(device != NULL);
    CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
    CHECK_EQ(lunik_virtio_queue_start(device, 0, &queue, 8, memory), LUNIK_OK);
    CHECK_EQ(lunik_virtio_attach(device, &queues_source, &config_source),
             LUNIK_OK);
    CHECK_EQ(fake->queues[0].vector, 0);
    CHECK_EQ(fake->msix[0][2], ARCH_VECTOR_FIRST);
    CHECK_EQ(vm.vector_count, 1);
    /* It does not say why it came: perhaps for the configuration. */
    CHECK_EQ(vm.notified, 2);
    lunik_virtio_acknowledge(device);
    CHECK_EQ(vm.notified, 3);
}

TEST(a_device_without_a_usable_interrupt_says_so)
{
    struct vm_device *fake = add(true, 1, 0);
    struct virtio_device *device;
    struct virtqueue queue;

    vm_put32(fake, VM_CAP_MSIX, 0);
    device = lunik_virtio_take(1);
    REQUIRE(device != NULL);
    CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
    CHECK_EQ(lunik_virtio_queue_start(device, 0, &queue, 8, memory), LUNIK_OK);
    CHECK_EQ(fake->queues[0].vector, 0xffff);
    CHECK_EQ(lunik_virtio_attach(device, &queues_source, NULL), LUNIK_ENOENT);
    add(false, 1, 0); /* no IOAPIC */
    device = lunik_virtio_take(1);
    CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
    CHECK_EQ(lunik_virtio_attach(device, &queues_source, NULL), LUNIK_ENOENT);
}

TEST(without_a_free_vector_nothing_is_attached)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        struct virtio_device *device;

        add(is_pci, 1, 0);
        vm.ioapics = 1;
        device = lunik_virtio_take(1);
        CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
        vm.vector_max = 0;
        CHECK_EQ(lunik_virtio_attach(device, &queues_source, NULL),
                 LUNIK_ENOMEM);
    }
}

/* ---- PCI functions that are not what they say ---- */

/* Returns what is found after 4 bytes of the function's space were changed. */
static struct virtio_device *take_with(unsigned at, uint32_t value)
{
    vm_put32(add(true, 1, 0), at, value);
    return lunik_virtio_take(1);
}

TEST(a_transitional_function_has_a_modern_side)
{
    struct vm_device *fake = add(true, 1, 0);

    vm_put32(fake, 0x00, 0x1000 << 16 | 0x1af4);
    vm_put32(fake, 0x2c, 1 << 16);
    CHECK(lunik_virtio_take(1) != NULL);
}

TEST(a_legacy_function_is_left_alone_with_a_line)
{
    CHECK(take_with(VM_CAP_COMMON, 0x05 | VM_CAP_NOTIFY << 8) == NULL);
    CHECK_CONTAINS(vm.log, "PCI 00:01.0 is left alone: it is legacy");
}

TEST(another_vendor_is_not_looked_at)
{
    CHECK(take_with(0x00, 0x10418086) == NULL);
    CHECK(take_with(0x00, 0x10801af4) == NULL);
    CHECK(take_with(0x00, 0x0fff1af4) == NULL);
    CHECK_STR_EQ(vm.log, "");
    CHECK_EQ(vm.mapped, 0);
}

TEST(a_function_without_an_address_is_skipped)
{
    struct vm_device *fake = add(true, 1, 0);

    vm_put32(fake, 0x20, 4);
    vm_put32(fake, 0x24, 0);
    CHECK(lunik_virtio_take(1) == NULL);
    CHECK_CONTAINS(vm.log, "the firmware gave it no addresses");
    CHECK_EQ(vm.mapped, 0);
}

TEST(blocks_outside_of_their_base_are_not_mapped)
{
    CHECK(take_with(VM_CAP_COMMON + 8, VM_BASE_BYTES) == NULL);
    CHECK(take_with(VM_CAP_COMMON + 8, VM_BASE_BYTES - 0x34) == NULL);
    CHECK(take_with(VM_CAP_COMMON + 8, 0xfffffffc) == NULL);
    CHECK(take_with(VM_CAP_COMMON + 8, 2) == NULL); /* not aligned */
    CHECK(take_with(VM_CAP_COMMON + 12, 0x37) == NULL);
    CHECK(take_with(VM_CAP_COMMON + 12, 0) == NULL);
    CHECK(take_with(VM_CAP_COMMON + 4, 3) == NULL); /* a base that is none */
    CHECK(take_with(VM_CAP_COMMON + 4, 0xff) == NULL);
    CHECK(take_with(VM_CAP_NOTIFY + 12, UINT32_MAX) == NULL);
    CHECK(take_with(VM_CAP_NOTIFY + 8, UINT32_MAX - 3) == NULL);
}

TEST(a_capability_too_short_for_itself_is_skipped)
{
    CHECK(take_with(VM_CAP_COMMON,
                    0x09 | VM_CAP_NOTIFY << 8 | 0x0f << 16 | 1 << 24) == NULL);
    CHECK(take_with(VM_CAP_NOTIFY,
                    0x09 | VM_CAP_CONFIG << 8 | 0x10 << 16 | 2 << 24) == NULL);
}

TEST(a_device_may_lack_a_configuration)
{
    struct virtio_device *device =
        take_with(VM_CAP_CONFIG, 0x05 | VM_CAP_MSIX << 8);
    uint8_t byte;

    REQUIRE(device != NULL);
    CHECK_EQ(lunik_virtio_read_config(device, 0, &byte, 1), LUNIK_EINVAL);
}

TEST(a_vector_table_outside_of_its_base_is_not_used)
{
    struct virtio_device *device =
        take_with(VM_CAP_MSIX + 4, (VM_BASE_BYTES - 16) | 4);

    REQUIRE(device != NULL);
    CHECK(device->bus.pci.msix == NULL);
}

TEST(a_capability_list_that_bites_its_tail_ends)
{
    struct virtio_device *device = take_with(VM_CAP_MSIX, 0x11 | 0x40 << 8);

    CHECK(device != NULL);
    vm_put32(add(true, 1, 0), 0x3c, 0x05 | VM_CAP_COMMON << 8);
    vm_put32(&vm.devices[0], 0x34, 0x3c);
    CHECK(lunik_virtio_take(1) == NULL); /* into the header */
    CHECK(take_with(VM_CAP_COMMON, 0x05 | VM_CAP_COMMON << 8) == NULL);
}

TEST(a_base_whose_size_is_no_size_is_not_used)
{
    static const uint32_t masks[] = { 0xfffff0f0, 0x0000ffff & ~0xfu,
                                      0xf0ffc000 };

    for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
        add(true, 1, 0)->base_mask = masks[i];
        CHECK(lunik_virtio_take(1) == NULL);
    }
}

TEST(probing_a_base_leaves_it_as_it_was)
{
    struct vm_device *fake = add(true, 1, 0);
    struct platform_pci_base base;
    uint8_t before[256];

    memcpy(before, fake->pci_space, sizeof(before));
    CHECK_EQ(platform_pci_base(1 << 3, 4, &base), LUNIK_OK);
    CHECK_EQ(base.base, PCI_AT);
    CHECK_EQ(base.size, VM_BASE_BYTES);
    CHECK_MEM_EQ(fake->pci_space, before, sizeof(before));
    CHECK_EQ(platform_pci_base(1 << 3, 6, &base), LUNIK_ENOENT);
    CHECK_EQ(platform_pci_base(1 << 3, 1000, &base), LUNIK_ENOENT);
}

TEST(no_room_for_mappings_is_no_device)
{
    add(true, 1, 0);
    vm.map_fails = true;
    CHECK(lunik_virtio_take(1) == NULL);
    add(false, 1, 0);
    vm.map_fails = true;
    CHECK(lunik_virtio_take(1) == NULL);
}

/* ---- Registers in memory ---- */

TEST(a_legacy_mmio_device_is_left_alone_with_the_flag_to_give)
{
    add(false, 1, 0)->version = 1;
    CHECK(lunik_virtio_take(1) == NULL);
    CHECK_CONTAINS(vm.log, "virtio-mmio.force-legacy=false");
    CHECK_CONTAINS(vm.log, "0xfeb00000");
    add(false, 1, 0)->version = 3;
    CHECK(lunik_virtio_take(1) == NULL);
    CHECK_CONTAINS(vm.log, "unknown version 3");
}

TEST(an_empty_place_is_passed_in_silence)
{
    add(false, 0, 0);
    CHECK(lunik_virtio_take(0) == NULL);
    CHECK_STR_EQ(vm.log, "");
}

static const char *const good_options[] = { "512@0xfeb00000:5",
                                            "4K@0xfeb00000:5",
                                            "0x200@4272947200:5",
                                            "512@0XFEB00000:5:7" };

TEST(launch_options_name_devices)
{
    for (size_t i = 0; i < sizeof(good_options) / sizeof(*good_options); i++) {
        struct virtio_device *device;

        add(false, 1, 0);
        vm.options[0] = good_options[i];
        device = lunik_virtio_take(1);
        if (!CHECK(device != NULL))
            continue;
        CHECK_EQ(device->bus.mmio.lines[0], 5);
        CHECK_EQ(device->bus.mmio.line_count, 1);
    }
}

static const char *const bad_options[] = {
    "",
    "512",
    "512@",
    "@0xfeb00000:5",
    "512@0xfeb00000",
    "512@0xfeb00000:",
    "512@0xfeb00000:5:",
    "512@0xfeb00000:5 ",
    "512@0xfeb00000:256",
    "512@0xfeb00002:5",
    "512@0x100:5",
    "1@0xfeb00000:5",
    "65G@0xfeb00000:5",
    "1M@0xfeb00000:5",
    "-1@0xfeb00000:5",
    "512@0xg:5",
    "512@0x:5",
    "512@0xffffffffffffffff:5",
    "512@0x1ffffffffffffffff:5",
    "512@99999999999999999999:5",
    "512@0x100000000feb00000:5",
    "18446744073709551615K@0xfeb00000:5"
};

TEST(malformed_launch_options_are_named_and_passed)
{
    for (size_t i = 0; i < sizeof(bad_options) / sizeof(*bad_options); i++) {
        add(false, 1, 0);
        vm.options[0] = bad_options[i];
        vm.options[1] = "512@0xfeb00000:6";
        CHECK(lunik_virtio_take(1) != NULL);
        CHECK_CONTAINS(vm.log, "not SIZE@BASE:LINE");
        CHECK_CONTAINS(vm.log, bad_options[i]);
    }
}

TEST(microvms_window_is_looked_at_when_nothing_is_named)
{
    static const struct {
        unsigned ioapics, count;
        uint32_t lines[2];
    } cases[] = { { 1, 2, { 16 + 2, 5 + 2 } }, { 2, 1, { 24 + 2, 0 } } };

    for (size_t i = 0; i < 2; i++) {
        struct virtio_device *device;

        reset();
        vm.ioapics = cases[i].ioapics;
        vm_add_mmio(MMIO_AT, 0, 0);
        vm_add_mmio(MMIO_AT + 2 * 512, 4, 0);
        device = lunik_virtio_take(4);
        REQUIRE(device != NULL);
        CHECK_EQ(device->bus.mmio.line_count, cases[i].count);
        CHECK_EQ(device->bus.mmio.lines[0], cases[i].lines[0]);
        CHECK_EQ(device->bus.mmio.lines[1], cases[i].lines[1]);
        CHECK_EQ(lunik_virtio_start(device, 0), LUNIK_OK);
        CHECK_EQ(lunik_virtio_attach(device, &queues_source, NULL), LUNIK_OK);
        for (unsigned n = 0; n < cases[i].count; n++)
            CHECK_EQ(vm.ioapic_routes[cases[i].lines[n] / 24]
                                     [0x10 + 2 * (cases[i].lines[n] % 24)],
                     ARCH_VECTOR_FIRST);
    }
}

TEST(a_machine_without_devices_has_none)
{
    reset();
    CHECK(lunik_virtio_take(4) == NULL);
    reset();
    vm.has_pci = true;
    CHECK(lunik_virtio_take(4) == NULL);
    CHECK_STR_EQ(vm.log, "");
}

/* ---- The IOAPIC ---- */

TEST(a_machine_without_ioapics_has_no_lines)
{
    reset();
    CHECK_EQ(platform_ioapic_lines(), 0);
    CHECK_EQ(platform_ioapic_route(4, false, false, 0x30), LUNIK_ENOENT);
    CHECK_EQ(vm.pic_masks[0], 0xff);
    CHECK_EQ(vm.pic_masks[1], 0xff);
}

TEST(all_lines_are_masked_until_they_are_routed)
{
    reset();
    vm.ioapics = 2;
    platform_ioapic_init();
    for (unsigned pin = 0; pin < 24; pin++)
        for (unsigned which = 0; which < 2; which++)
            CHECK_EQ(vm.ioapic_routes[which][0x10 + 2 * pin], 0x10000);
    CHECK_EQ(platform_ioapic_lines(), 48);
    CHECK_EQ(platform_ioapic_route(9, true, true, 0x31), LUNIK_OK);
    CHECK_EQ(vm.ioapic_routes[0][0x10 + 18], 0x31 | 1 << 13 | 1 << 15);
    CHECK_EQ(platform_ioapic_route(47, false, false, 0x32), LUNIK_OK);
    CHECK_EQ(vm.ioapic_routes[1][0x10 + 46], 0x32);
    CHECK_EQ(platform_ioapic_route(48, false, false, 0x32), LUNIK_ENOENT);
}

TEST(a_line_is_not_taken_from_its_owner)
{
    reset();
    vm.ioapics = 1;
    CHECK_EQ(platform_ioapic_route(9, true, true, 0x31), LUNIK_OK);
    CHECK_EQ(platform_ioapic_route(9, false, false, 0x32), LUNIK_EINVAL);
    CHECK_EQ(vm.ioapic_routes[0][0x10 + 18] & 0xff, 0x31);
    CHECK_EQ(platform_ioapic_route(9, true, true, 0x31), LUNIK_OK);
}
