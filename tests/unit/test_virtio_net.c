/* SPDX-License-Identifier: MIT */
/*
 * test_virtio_net.c: virtio network devices that are honest, slow, full, small
 * and gone, and every lie that they can tell.
 */
#include "../../libos/drivers/virtio/discover.c"

#define found net_found
#include "../../libos/platform/vm/net.c"
#undef found

#include "machine/net_machine.h"
#include "test.h"

#define AT UINT64_C(0x900000000)
#define ALL                                                                    \
    (NET_FEATURE_CSUM | NET_FEATURE_GUEST_CSUM | NET_FEATURE_MTU |             \
     NET_FEATURE_GUEST_TSO4 | NET_FEATURE_GUEST_TSO6 | NET_FEATURE_HOST_TSO4 | \
     NET_FEATURE_HOST_TSO6 | NET_FEATURE_MRG_RXBUF | NET_FEATURE_STATUS |      \
     NET_FEATURE_MAC | VIRTIO_FEATURE_EVENT_INDEX)

static struct vm_device *host;
static struct lunik_net *net;
static uint8_t bytes[70000];
static unsigned called, finished;
static const struct net_header plain;

static void on_news(void *arg)
{
    (void)arg;
    called++;
}

static void on_done(void *arg)
{
    (void)arg;
    finished++;
}

static void reset(void)
{
    lunik_net_close(net);
    net = NULL;
    machine_reset();
    net_reset();
    memset(&found, 0, sizeof(found));
    memset(&net_found, 0, sizeof(net_found));
    vm.ioapics = 1;
    called = finished = 0;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
}

/* A machine with one device of these features. */
static void make(bool is_pci, uint64_t features, uint32_t queue_size)
{
    reset();
    vm.options[0] = is_pci ? NULL : "512@0x900000000:6";
    host = net_add(is_pci, AT, features, queue_size);
}

static void make_open(bool is_pci, uint64_t features)
{
    make(is_pci, features, 256);
    if (lunik_net_open("net0", &net) != LUNIK_OK)
        abort();
    vm_poll();
    lunik_net_set_handler(net, on_news, NULL);
}

static struct virtio_net *state(void)
{
    return net_of(net);
}

static unsigned features_of(void)
{
    struct lunik_net_info info;

    lunik_net_get_info(net, &info);
    return info.features;
}

/* ---- Starting ---- */

TEST(a_machine_without_a_device_has_no_name_for_one)
{
    reset();
    CHECK(lunik_net_name(0) == NULL);
    CHECK_EQ(lunik_net_open("net0", &net), LUNIK_ENOENT);
}

TEST(devices_are_found_in_order_and_no_more_than_four)
{
    struct lunik_net_info info;

    reset();
    for (unsigned i = 0; i < 4; i++)
        net_add(true, AT + i * UINT64_C(0x10000), 0, 64)->config[5] =
            (uint8_t)i;
    CHECK_STR_EQ(lunik_net_name(3), "net3");
    CHECK(lunik_net_name(4) == NULL);
    CHECK_EQ(lunik_net_open("net2", &net), LUNIK_OK);
    lunik_net_get_info(net, &info);
    CHECK_EQ(info.address[5], 2);
    CHECK_STR_EQ(info.name, "net2");
}

TEST(without_memory_for_it_there_is_no_device)
{
    make(true, ALL, 256);
    net_vm.alloc_fails = true;
    CHECK(lunik_net_name(0) == NULL);
}

TEST(what_the_device_offers_and_we_know_is_agreed_on)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        struct lunik_net_info info;

        make_open(is_pci, ALL | (uint64_t)1 << 10 | (uint64_t)1 << 17 |
                              (uint64_t)1 << 22 | (uint64_t)1 << 40);
        CHECK_EQ(host->accepted, ALL | VIRTIO_FEATURE_VERSION_1);
        lunik_net_get_info(net, &info);
        CHECK_STR_EQ(info.name, "net0");
        CHECK_EQ(info.features, LUNIK_NET_CHECKSUM_SEND |
                                    LUNIK_NET_CHECKSUM_RECEIVE |
                                    LUNIK_NET_SEGMENT4 | LUNIK_NET_SEGMENT6);
        CHECK_EQ(info.mtu, 1500);
        CHECK_EQ(info.parts_max, NET_PARTS_MAX);
        CHECK_MEM_EQ(info.address, host->config, 6);
        CHECK(lunik_net_has_link(net));
        CHECK_EQ(host->status, 15);
        CHECK_STR_EQ(vm.log, "");
    }
}

TEST(segments_need_checksums)
{
    make_open(true, ALL & ~NET_FEATURE_CSUM);
    CHECK_EQ(features_of(), LUNIK_NET_CHECKSUM_RECEIVE);
    CHECK_EQ(host->accepted & (NET_FEATURE_HOST_TSO4 | NET_FEATURE_HOST_TSO6),
             0);
    CHECK(host->accepted & NET_FEATURE_GUEST_TSO4);
    make_open(true, ALL & ~NET_FEATURE_GUEST_CSUM);
    CHECK_EQ(host->accepted & (NET_FEATURE_GUEST_TSO4 | NET_FEATURE_GUEST_TSO6),
             0);
    CHECK(host->accepted & NET_FEATURE_HOST_TSO6);
}

TEST(joined_segments_need_merged_buffers_and_room_for_them)
{
    const uint64_t joined = NET_FEATURE_GUEST_TSO4 | NET_FEATURE_GUEST_TSO6;

    make_open(true, ALL & ~NET_FEATURE_MRG_RXBUF);
    CHECK_EQ(host->accepted & joined, 0);
    make(true, ALL, 32);
    CHECK_EQ(lunik_net_open("net0", &net), LUNIK_OK);
    CHECK_EQ(host->accepted & joined, 0);
    CHECK(host->accepted & NET_FEATURE_MRG_RXBUF);
    make(true, ALL, 64);
    CHECK_EQ(lunik_net_open("net0", &net), LUNIK_OK);
    CHECK_EQ(host->accepted & joined, joined);
    make(true, ALL, 256);
    net_vm.memory = 5 << 20;
    CHECK_EQ(lunik_net_open("net0", &net), LUNIK_OK);
    CHECK_EQ(host->accepted & joined, 0);
}

TEST(buffers_follow_the_memory_of_the_machine)
{
    static const struct {
        uint64_t mib;
        unsigned buffers;
    } cases[] = {
        { 4, 32 }, { 8, 64 }, { 16, 128 }, { 32, 256 }, { 900, 256 }
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        make(true, ALL, 1024);
        net_vm.memory = cases[i].mib << 20;
        CHECK_EQ(lunik_net_open("net0", &net), LUNIK_OK);
        CHECK_EQ(host->queues[0].size, cases[i].buffers);
        CHECK_EQ(vm_words(&host->queues[0], 1)[1], cases[i].buffers);
        CHECK(host->queues[1].size >= 64);
        CHECK(net_vm.pages_used * LUNIK_PAGE_SIZE <
              cases[i].buffers * (size_t)2048 + 40000);
    }
}

TEST(where_memory_is_short_the_device_gets_less)
{
    make(true, ALL, 256);
    net_vm.pages_max = 60;
    CHECK_EQ(lunik_net_open("net0", &net), LUNIK_OK);
    CHECK_EQ(host->queues[0].size, 64);
    lunik_net_close(net);
    net = NULL;
    CHECK_EQ(net_vm.pages_used, 0);
    net_vm.pages_max = 10;
    CHECK_EQ(lunik_net_open("net0", &net), LUNIK_ENOMEM);
    CHECK(net == NULL);
    net_vm.pages_max = 1000;
    CHECK_EQ(lunik_net_open("net0", &net), LUNIK_OK);
}

TEST(a_device_of_few_features_works)
{
    struct lunik_net_info info;
    struct lunik_net_frame in;

    make_open(false, 0);
    CHECK_EQ(host->accepted, NET_FEATURE_MAC | VIRTIO_FEATURE_VERSION_1);
    lunik_net_get_info(net, &info);
    CHECK_EQ(info.features, 0);
    CHECK_EQ(info.mtu, 1500);
    CHECK(lunik_net_has_link(net));
    CHECK(net_give(host, &plain, bytes, 100));
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
    CHECK_EQ(in.size, 100);
    CHECK_MEM_EQ(in.parts[0].data, bytes, 100);
    lunik_net_release(net, in.tokens[0]);
}

TEST(an_mtu_is_taken_as_far_as_frames_fit)
{
    struct lunik_net_info info;

    for (int merges = 0; merges < 2; merges++) {
        make(true, NET_FEATURE_MTU | (merges ? NET_FEATURE_MRG_RXBUF : 0), 256);
        host->config[10] = 0x28;
        host->config[11] = 0x23; /* 9000 */
        CHECK_EQ(lunik_net_open("net0", &net), LUNIK_OK);
        lunik_net_get_info(net, &info);
        CHECK_EQ(info.mtu, merges ? 9000 : 2046 - 12 - 14);
    }
}

/* Each makes the device one that cannot be used. */
static void without_address(void)
{
    host->features &= ~NET_FEATURE_MAC;
}
static void with_a_group_address(void)
{
    host->config[0] |= 1;
}
static void with_a_tiny_mtu(void)
{
    host->config[10] = 67;
    host->config[11] = 0;
}
static void that_refuses(void)
{
    host->refuses_features = true;
}
static void that_never_resets(void)
{
    host->never_resets = true;
    host->status = 4;
}
static void whose_configuration_moves(void)
{
    host->config_moves = true;
}
static void without_a_receive_queue(void)
{
    host->queues[0].max = 0;
}
static void without_a_send_queue(void)
{
    host->queues[1].max = 0;
}
static void with_a_short_send_queue(void)
{
    host->queues[1].max = 16;
}
static void of_old(void)
{
    host->features &= ~VIRTIO_FEATURE_VERSION_1;
}
static void without_interrupts(void)
{
    vm.vector_max = 0;
}
static void without_a_source(void)
{
    vm.adding_fails = true;
}

TEST(a_device_that_cannot_be_used_is_given_up)
{
    static void (*const faults[])(void) = {
        without_address,         with_a_group_address,
        with_a_tiny_mtu,         that_refuses,
        that_never_resets,       whose_configuration_moves,
        without_a_receive_queue, without_a_send_queue,
        with_a_short_send_queue, of_old,
        without_interrupts,      without_a_source,
    };

    for (int is_pci = 0; is_pci < 2; is_pci++)
        for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
            make(is_pci, ALL, 256);
            faults[i]();
            if (lunik_net_open("net0", &net) != LUNIK_EIO)
                test_failed(__FILE__, __LINE__, "fault %zu: opened", i);
            CHECK(net == NULL);
            CHECK_CONTAINS(vm.log, "it is not used any more");
            CHECK_EQ(lunik_net_open("net0", &net), LUNIK_EIO);
            /* Memory that it may still write to is not given back. */
            CHECK_EQ(net_vm.pages_used > 0, host->never_resets);
        }
}

/* ---- Receiving ---- */

TEST(a_frame_lies_where_the_device_put_it)
{
    struct lunik_net_frame in;

    for (int is_pci = 0; is_pci < 2; is_pci++) {
        make_open(is_pci, ALL);
        CHECK_EQ(lunik_net_receive(net, &in), LUNIK_EAGAIN);
        CHECK(net_give(host, &plain, bytes, 60));
        CHECK(net_give(host, &plain, bytes + 1, 1514));
        net_interrupt();
        CHECK(vm_poll());
        CHECK_EQ(called, 1);
        CHECK_EQ(host->cause, is_pci ? VIRTIO_CAUSE_QUEUE : 0);
        CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
        CHECK_EQ(in.size, 60);
        CHECK_EQ(in.count, 1);
        CHECK_EQ(in.checksum, LUNIK_NET_UNCHECKED);
        CHECK(!in.is_scarce);
        CHECK_MEM_EQ(in.parts[0].data, bytes, 60);
        CHECK_EQ(((uintptr_t)in.parts[0].data + 14) % 4, 0);
        lunik_net_release(net, in.tokens[0]);
        CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
        CHECK_EQ(in.size, 1514);
        CHECK_MEM_EQ(in.parts[0].data, bytes + 1, 1514);
        lunik_net_release(net, in.tokens[0]);
        CHECK_EQ(lunik_net_receive(net, &in), LUNIK_EAGAIN);
        CHECK_EQ(state()->lent_count, 0);
    }
}

TEST(merged_frames_of_all_lengths_come_whole)
{
    struct lunik_net_frame in;

    make_open(true, ALL);
    for (size_t size = 14; size <= 65549; size += size / 3 + 1) {
        size_t at = 0;

        if (!CHECK(net_give(host, &plain, bytes, size)))
            break;
        REQUIRE(lunik_net_receive(net, &in) == LUNIK_OK);
        CHECK_EQ(in.size, size);
        CHECK_EQ(in.count, (size + 12 + 2045) / 2046);
        for (size_t i = 0; i < in.count; i++) {
            CHECK_MEM_EQ(in.parts[i].data, bytes + at, in.parts[i].size);
            at += in.parts[i].size;
        }
        CHECK_EQ(at, size);
        for (size_t i = in.count; i-- > 0;)
            lunik_net_release(net, in.tokens[i]);
        CHECK_EQ(lunik_net_receive(net, &in), LUNIK_EAGAIN);
        vm_poll();
    }
    CHECK(!lunik_net_is_broken(net));
}

TEST(a_frame_of_more_parts_than_there_can_be_is_dropped)
{
    struct lunik_net_frame in;
    struct lunik_net_counts counts;

    make_open(true, ALL);
    CHECK(net_give(host, &plain, bytes, 34 * 2046 - 12));
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
    CHECK_EQ(in.count, 34);
    for (size_t i = 0; i < in.count; i++)
        lunik_net_release(net, in.tokens[i]);
    CHECK(net_give(host, &plain, bytes, 34 * 2046 - 11));
    CHECK(net_give(host, &plain, bytes, 99));
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
    CHECK_EQ(in.size, 99);
    lunik_net_release(net, in.tokens[0]);
    CHECK_EQ(state()->lent_count, 0);
    lunik_net_get_counts(net, &counts);
    CHECK_EQ(counts.dropped, 1);
    CHECK_EQ(counts.received_frames, 2);
}

TEST(a_frame_without_an_ethernet_header_is_dropped)
{
    struct lunik_net_frame in;
    struct lunik_net_counts counts;

    make_open(true, ALL);
    for (size_t size = 0; size < 14; size++)
        CHECK(net_give(host, &plain, bytes, size));
    CHECK(net_give(host, &plain, bytes, 14));
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
    CHECK_EQ(in.size, 14);
    lunik_net_release(net, in.tokens[0]);
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_EAGAIN);
    lunik_net_get_counts(net, &counts);
    CHECK_EQ(counts.dropped, 14);
    CHECK_EQ(counts.received_bytes, 14);
    CHECK(!lunik_net_is_broken(net));
}

TEST(what_is_known_of_checksums_is_passed_on)
{
    static const struct {
        uint8_t flags;
        enum lunik_net_checksum wanted;
    } cases[] = {
        { 0, LUNIK_NET_UNCHECKED },
        { NET_FLAG_CHECKED, LUNIK_NET_CHECKED },
        { NET_FLAG_NEEDS_CHECKSUM, LUNIK_NET_PARTIAL },
        { NET_FLAG_NEEDS_CHECKSUM | NET_FLAG_CHECKED, LUNIK_NET_PARTIAL },
        { 0xfc, LUNIK_NET_UNCHECKED },
    };

    for (int agreed = 0; agreed < 2; agreed++) {
        make_open(true, agreed ? ALL : ALL & ~NET_FEATURE_GUEST_CSUM);
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
            struct net_header header = { .flags = cases[i].flags,
                                         .checksum_start = 34,
                                         .checksum_offset = 16 };
            struct lunik_net_frame in;

            CHECK(net_give(host, &header, bytes, 60));
            CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
            CHECK_EQ(in.checksum,
                     agreed ? cases[i].wanted : LUNIK_NET_UNCHECKED);
            lunik_net_release(net, in.tokens[0]);
        }
    }
}

TEST(joined_segments_that_were_agreed_on_are_taken)
{
    for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
        struct net_header header = {
            .segment_type = is_ip6 ? NET_SEGMENT_TCP6 : NET_SEGMENT_TCP4,
            .flags = NET_FLAG_NEEDS_CHECKSUM,
            .segment_size = 1448,
            .header_size = UINT16_MAX, /* a hint, and not believed */
            .checksum_start = 34,
            .checksum_offset = 16,
        };
        struct lunik_net_frame in;

        make_open(true, ALL);
        CHECK(net_give(host, &header, bytes, 60000));
        CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
        CHECK_EQ(in.size, 60000);
        CHECK_EQ(in.checksum, LUNIK_NET_PARTIAL);
        for (size_t i = 0; i < in.count; i++)
            lunik_net_release(net, in.tokens[i]);
    }
}

TEST(buffers_go_back_in_batches_and_never_all_wait)
{
    static struct lunik_net_frame in[256];
    struct vm_queue *queue;
    uint16_t published;

    make_open(true, ALL);
    queue = &host->queues[0];
    for (unsigned i = 0; i < 256; i++) {
        CHECK(net_give(host, &plain, bytes, 60));
        net_interrupt();
        vm_poll();
        CHECK_EQ(lunik_net_receive(net, &in[i]), LUNIK_OK);
        CHECK_EQ(in[i].is_scarce, i + 1 > 126);
    }
    CHECK(!net_give(host, &plain, bytes, 60)); /* all are with the user */
    published = vm_words(queue, 1)[1];
    lunik_net_release(net, in[0].tokens[0]);
    CHECK_EQ(vm_words(queue, 1)[1], (uint16_t)(published + 1));
    for (unsigned i = 1; i < 32; i++)
        lunik_net_release(net, in[i].tokens[0]);
    CHECK_EQ(vm_words(queue, 1)[1], (uint16_t)(published + 32));
    for (unsigned i = 32; i < 63; i++)
        lunik_net_release(net, in[i].tokens[0]);
    CHECK_EQ(vm_words(queue, 1)[1], (uint16_t)(published + 32));
    lunik_net_release(net, in[63].tokens[0]);
    CHECK_EQ(vm_words(queue, 1)[1], (uint16_t)(published + 64));
    lunik_net_release(net, in[64].tokens[0]);
    CHECK_EQ(vm_words(queue, 1)[1], (uint16_t)(published + 64));
    CHECK_EQ(lunik_net_receive(net, &in[0]), LUNIK_EAGAIN);
    CHECK_EQ(vm_words(queue, 1)[1], (uint16_t)(published + 65));
    CHECK_EQ(state()->lent_count, 256 - 65);
}

TEST(a_buffer_released_twice_stops_the_image)
{
    struct lunik_net_frame in;

    make_open(true, ALL);
    CHECK(net_give(host, &plain, bytes, 60));
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
    lunik_net_release(net, in.tokens[0]);
    CHECK_DIES(65, lunik_net_release(net, in.tokens[0]));
    CHECK_DIES(65, lunik_net_release(net, 256));
    CHECK_DIES(65, lunik_net_release(net, UINT32_MAX));
}

TEST(a_flood_leaves_time_for_others)
{
    struct lunik_net_frame in;
    unsigned got = 0, turns = 0;

    make_open(true, ALL);
    for (int i = 0; i < 200; i++)
        CHECK(net_give(host, &plain, bytes, 60));
    net_interrupt();
    while (vm_poll() && turns++ < 10) {
        unsigned now = 0;

        while (lunik_net_receive(net, &in) == LUNIK_OK) {
            lunik_net_release(net, in.tokens[0]);
            now++;
        }
        CHECK(now <= NET_BUDGET);
        got += now;
    }
    CHECK_EQ(got, 200);
    CHECK(turns >= 4);
    CHECK(turns <= 6);
}

TEST(interrupts_are_asked_for_only_when_nothing_is_left)
{
    for (int has_index = 0; has_index < 2; has_index++) {
        uint64_t features = has_index ? ALL : ALL & ~VIRTIO_FEATURE_EVENT_INDEX;
        struct vm_queue *queue;
        struct lunik_net_frame in;

        make_open(true, features);
        queue = &host->queues[0];
        CHECK_EQ(lunik_net_receive(net, &in), LUNIK_EAGAIN);
        for (unsigned i = 0; i < 3; i++) {
            CHECK(net_give(host, &plain, bytes, 60));
            if (i == 0) {
                CHECK(net_wants_interrupt(queue, has_index, 0));
                net_interrupt();
                vm_poll();
            } else {
                CHECK(!net_wants_interrupt(queue, has_index, (uint16_t)i));
            }
        }
        for (unsigned i = 0; i < 3; i++) {
            CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
            lunik_net_release(net, in.tokens[0]);
        }
        CHECK_EQ(lunik_net_receive(net, &in), LUNIK_EAGAIN);
        CHECK(net_give(host, &plain, bytes, 60));
        CHECK(net_wants_interrupt(queue, has_index, 3));
    }
}

/* Gives a frame when the driver shows it new buffers. */
static void serve_late(struct vm_device *device, uint16_t index)
{
    device->serve = NULL;
    if (index == 0)
        net_give(device, &plain, bytes, 77);
}

TEST(a_frame_that_comes_while_interrupts_are_asked_for_is_not_missed)
{
    struct lunik_net_frame in;

    make_open(true, ALL);
    CHECK(net_give(host, &plain, bytes, 60));
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
    lunik_net_release(net, in.tokens[0]);
    host->serve = serve_late;
    /* It wants to know of the buffer after the 256 of the start. */
    vm_words(&host->queues[0], 2)[2 + 4 * 256] = 256;
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
    CHECK_EQ(in.size, 77);
    lunik_net_release(net, in.tokens[0]);
}

/* ---- Sending ---- */

static uint8_t sent[70000];
static struct net_header sent_header;

/* Takes one frame that was sent; its size, 0: none. */
static size_t take_sent(bool finishes)
{
    struct vm_queue *queue = &host->queues[1];
    struct net_chain chain;
    size_t size = 0;

    if (!net_take(queue, &chain))
        return 0;
    CHECK_EQ(chain.parts[0].size, sizeof(sent_header));
    memcpy(&sent_header, chain.parts[0].data, sizeof(sent_header));
    for (unsigned i = 0; i < chain.count; i++)
        CHECK(!chain.parts[i].is_writable);
    for (unsigned i = 1; i < chain.count; i++) {
        memcpy(sent + size, chain.parts[i].data, chain.parts[i].size);
        size += chain.parts[i].size;
    }
    if (finishes)
        vm_put(queue, chain.id, 0);
    return size;
}

static lunik_result send_one(size_t size)
{
    const struct lunik_net_part part = { bytes, size };

    return lunik_net_send(net, &part, 1, NULL, on_done, NULL);
}

TEST(what_is_sent_arrives_in_one_piece_with_one_bell)
{
    const struct lunik_net_part parts[] = { { bytes, 14 },
                                            { bytes + 14, 20 },
                                            { bytes + 34, 1000 } };

    for (int is_pci = 0; is_pci < 2; is_pci++) {
        unsigned bells;

        make_open(is_pci, ALL);
        bells = host->bells;
        for (int i = 0; i < 5; i++)
            CHECK_EQ(lunik_net_send(net, parts, 3, NULL, on_done, NULL),
                     LUNIK_OK);
        CHECK_EQ(take_sent(true), 0);
        lunik_net_flush(net);
        CHECK_EQ(host->bells, bells + 1);
        lunik_net_flush(net);
        CHECK_EQ(host->bells, bells + 1);
        for (int i = 0; i < 5; i++) {
            CHECK_EQ(take_sent(true), 1034);
            CHECK_MEM_EQ(sent, bytes, 1034);
            CHECK_EQ(sent_header.flags, 0);
            CHECK_EQ(sent_header.segment_type, 0);
            CHECK_EQ(sent_header.segment_size, 0);
        }
        CHECK_EQ(take_sent(true), 0);
        CHECK_EQ(finished, 0); /* not from within a call */
        net_interrupt();
        vm_poll();
        CHECK_EQ(finished, 5);
    }
}

TEST(the_device_is_told_what_to_do_with_a_frame)
{
    const struct lunik_net_part part = { bytes, 5000 };
    struct lunik_net_offload offload = {
        .wants_checksum = true,
        .checksum_start = 34,
        .checksum_offset = 16,
        .segment_size = 1460,
        .header_size = 54,
    };

    make_open(true, ALL);
    CHECK_EQ(lunik_net_send(net, &part, 1, &offload, NULL, NULL), LUNIK_OK);
    offload.is_ip6 = true;
    CHECK_EQ(lunik_net_send(net, &part, 1, &offload, NULL, NULL), LUNIK_OK);
    lunik_net_flush(net);
    CHECK_EQ(take_sent(true), 5000);
    CHECK_EQ(sent_header.flags, NET_FLAG_NEEDS_CHECKSUM);
    CHECK_EQ(sent_header.segment_type, NET_SEGMENT_TCP4);
    CHECK_EQ(sent_header.segment_size, 1460);
    CHECK_EQ(sent_header.header_size, 54);
    CHECK_EQ(sent_header.checksum_start, 34);
    CHECK_EQ(sent_header.checksum_offset, 16);
    CHECK_EQ(take_sent(true), 5000);
    CHECK_EQ(sent_header.segment_type, NET_SEGMENT_TCP6);
    /* Headers are used again, and do not remember. */
    net_interrupt();
    vm_poll();
    CHECK_EQ(send_one(60), LUNIK_OK);
    lunik_net_flush(net);
    CHECK_EQ(take_sent(true), 60);
    CHECK_EQ(sent_header.flags, 0);
    CHECK_EQ(sent_header.segment_type, 0);
    CHECK_EQ(sent_header.segment_size, 0);
    CHECK_EQ(sent_header.checksum_start, 0);
}

TEST(a_device_without_offloads_gets_none)
{
    const struct lunik_net_part part = { bytes, 1000 };
    const struct lunik_net_offload offload = { .wants_checksum = true };

    make_open(true, NET_FEATURE_MRG_RXBUF);
    CHECK_EQ(lunik_net_send(net, &part, 1, &offload, NULL, NULL), LUNIK_EINVAL);
    CHECK_EQ(state()->out.added, 0);
}

TEST(many_frames_do_not_wait_for_a_flush)
{
    make_open(true, ALL);
    for (int i = 0; i < 31; i++)
        CHECK_EQ(send_one(60), LUNIK_OK);
    CHECK_EQ(take_sent(true), 0);
    CHECK_EQ(send_one(60), LUNIK_OK);
    CHECK_EQ(take_sent(true), 60);
}

TEST(sent_frames_cause_no_interrupts_and_are_told_of_in_time)
{
    for (int has_index = 0; has_index < 2; has_index++) {
        make_open(true, has_index ? ALL : ALL & ~VIRTIO_FEATURE_EVENT_INDEX);
        for (int i = 0; i < 10; i++) {
            CHECK_EQ(send_one(60), LUNIK_OK);
            lunik_net_flush(net);
            CHECK_EQ(take_sent(true), 60);
            CHECK(
                !net_wants_interrupt(&host->queues[1], has_index, (uint16_t)i));
        }
        CHECK_EQ(finished, 0);
        CHECK(net_vm.deadline_ns - vm.now_ns <= 50 * LUNIK_NS_PER_MS);
        CHECK(net_run_timer());
        CHECK_EQ(finished, 10);
        /* Nothing is on its way: no more timers, and none without need. */
        CHECK(!net_run_timer());
        lunik_net_flush(net);
        CHECK(!net_run_timer());
        CHECK_EQ(send_one(60), LUNIK_OK);
        lunik_net_flush(net);
        CHECK(net_run_timer());
        CHECK_EQ(finished, 10);
        CHECK_EQ(take_sent(true), 60);
        CHECK(net_run_timer());
        CHECK_EQ(finished, 11);
        CHECK(!net_run_timer());
        CHECK_EQ(called, 0);
    }
}

TEST(a_full_queue_asks_for_an_interrupt_and_has_room_again)
{
    for (int has_index = 0; has_index < 2; has_index++) {
        unsigned count = 0;

        make_open(true, has_index ? ALL : ALL & ~VIRTIO_FEATURE_EVENT_INDEX);
        while (send_one(60) == LUNIK_OK && count < 1000)
            count++;
        CHECK_EQ(count, 128);
        CHECK_EQ(send_one(60), LUNIK_EAGAIN);
        CHECK_EQ(take_sent(true), 60);
        CHECK(net_wants_interrupt(&host->queues[1], has_index, 0));
        net_interrupt();
        vm_poll();
        CHECK(called > 0);
        CHECK_EQ(finished, 1);
        CHECK_EQ(send_one(60), LUNIK_OK);
        CHECK_EQ(send_one(60), LUNIK_EAGAIN);
        while (take_sent(true))
            ;
        net_interrupt();
        vm_poll();
        CHECK_EQ(finished, 129);
    }
}

TEST(places_that_the_device_has_left_are_used_without_a_poll)
{
    make_open(true, ALL);
    for (unsigned i = 0; i < 128; i++) {
        CHECK_EQ(send_one(60), LUNIK_OK);
        lunik_net_flush(net);
        take_sent(true);
    }
    CHECK_EQ(finished, 0);
    CHECK_EQ(send_one(60), LUNIK_OK); /* and tells of nobody from within */
    CHECK_EQ(finished, 0);
    vm_poll();
    CHECK_EQ(finished, 128);
    lunik_net_flush(net);
    CHECK_EQ(take_sent(true), 60);
    net_interrupt();
    vm_poll();
    CHECK_EQ(finished, 129);
}

TEST(a_sender_that_never_lets_polls_run_is_stopped_by_the_bound)
{
    unsigned count = 0;

    make_open(true, ALL);
    while (count < 1000 && send_one(60) == LUNIK_OK) {
        lunik_net_flush(net);
        take_sent(true);
        count++;
    }
    CHECK_EQ(count, 256); /* each place's owner has yet to be told */
    vm_poll();
    CHECK_EQ(finished, 256);
    CHECK_EQ(send_one(60), LUNIK_OK);
}

static void send_again(void *arg)
{
    unsigned *left = arg;
    const struct lunik_net_part part = { bytes, 60 };

    finished++;
    if (*left > 0) {
        --*left;
        CHECK_EQ(lunik_net_send(net, &part, 1, NULL, send_again, left),
                 LUNIK_OK);
    }
}

static void send_in_vain(void *arg)
{
    (void)arg;
    finished++;
    CHECK_EQ(send_one(60), LUNIK_EIO);
}

TEST(who_is_told_at_the_end_cannot_send)
{
    const struct lunik_net_part part = { bytes, 60 };

    for (int closes = 0; closes < 2; closes++) {
        make_open(true, ALL);
        for (int i = 0; i < 3; i++)
            CHECK_EQ(lunik_net_send(net, &part, 1, NULL, send_in_vain, NULL),
                     LUNIK_OK);
        if (closes) {
            lunik_net_close(net);
            net = NULL;
        } else {
            vm_put(&host->queues[1], 999, 0);
            lunik_net_flush(net);
            CHECK(net_run_timer());
            vm_poll();
        }
        CHECK_EQ(finished, 3);
    }
}

TEST(who_is_told_may_send_the_next)
{
    const struct lunik_net_part part = { bytes, 60 };
    unsigned left = 5;

    make_open(true, ALL);
    CHECK_EQ(lunik_net_send(net, &part, 1, NULL, send_again, &left), LUNIK_OK);
    for (int i = 0; i < 6; i++) {
        lunik_net_flush(net);
        CHECK_EQ(take_sent(true), 60);
        net_interrupt();
        vm_poll();
    }
    CHECK_EQ(finished, 6);
    /* A close tells, too, and nothing more can be sent then. */
    left = 0;
    CHECK_EQ(lunik_net_send(net, &part, 1, NULL, send_again, &left), LUNIK_OK);
    lunik_net_close(net);
    net = NULL;
    CHECK_EQ(finished, 7);
}

static void serve_at_once(struct vm_device *device, uint16_t index)
{
    struct net_chain chain;

    while (index == 1 && net_take(&device->queues[1], &chain))
        vm_put(&device->queues[1], chain.id, 0);
}

static void send_for_ever(void *arg)
{
    const struct lunik_net_part part = { bytes, 60 };

    (void)arg;
    finished++;
    if (finished > 100000)
        abort();
    if (lunik_net_send(net, &part, 1, NULL, send_for_ever, NULL) == LUNIK_OK)
        lunik_net_flush(net);
}

TEST(a_poll_ends_although_who_is_told_sends_more_each_time)
{
    make_open(true, ALL);
    host->serve = serve_at_once;
    for (int i = 0; i < 40; i++)
        send_for_ever(NULL);
    for (int i = 0; i < 8; i++) {
        unsigned before = finished;

        net_interrupt();
        vm_poll();
        CHECK(finished > before);
        CHECK(finished - before <= 512);
    }
    CHECK(vm.pending != 0); /* it comes back to the rest */
    host->serve = NULL;
}

TEST(a_copy_is_freed_when_it_was_sent)
{
    make_open(true, ALL);
    CHECK_EQ(lunik_net_send_copy(net, bytes, 300), LUNIK_OK);
    CHECK_EQ(net_vm.blocks, 1);
    CHECK_EQ(take_sent(true), 300);
    CHECK_MEM_EQ(sent, bytes, 300);
    CHECK(net_run_timer());
    CHECK_EQ(net_vm.blocks, 0);
    net_vm.alloc_fails = true;
    CHECK_EQ(lunik_net_send_copy(net, bytes, 300), LUNIK_ENOMEM);
}

/* ---- Lies ---- */

/* What the device does to the next frame that it gives: its header, how many
 * bytes it says are in the first buffer, and which buffer that is. */
struct lie {
    const char *what; /* a part of the log's line */
    struct net_header header;
    bool keeps_count; /* the header's, instead of 1 */
    uint32_t size;    /* 0: honest */
    uint32_t id;      /* 0: honest */
    uint16_t index;   /* what is added to the index; 0: 1 */
};

static const struct lie lies[] = {
    { .what = "names a descriptor that does not exist", .id = 256 },
    { .what = "names a descriptor that does not exist", .id = UINT32_MAX },
    { .what = "past the end of a buffer", .size = 2047 },
    { .what = "past the end of a buffer", .size = UINT32_MAX },
    { .what = "less than a header", .size = 11 },
    { .what = "more requests than it was given", .index = 257 },
    { .what = "more requests than it was given", .index = UINT16_MAX },
    { .what = "merges no buffer", .keeps_count = true },
    { .what = "merges no buffer, or more than it has",
      .header = { .buffer_count = 257 },
      .keeps_count = true },
    { .what = "promises more buffers than it fills",
      .header = { .buffer_count = 2 },
      .keeps_count = true },
    { .what = "promises more buffers than it fills",
      .header = { .buffer_count = 256 },
      .keeps_count = true },
    { .what = "not agreed on", .header = { .segment_type = 3 } },
    { .what = "not agreed on", .header = { .segment_type = 0x81 } },
    { .what = "not agreed on", .header = { .segment_type = 0xff } },
    { .what = "segments of no size", .header = { .segment_type = 1 } },
    { .what = "segments of no size", .header = { .segment_type = 4 } },
    { .what = "outside of the frame",
      .header = { .flags = 1, .checksum_start = 43, .checksum_offset = 16 } },
    { .what = "outside of the frame",
      .header = { .flags = 1,
                  .checksum_start = UINT16_MAX,
                  .checksum_offset = UINT16_MAX } },
};

static void tell(const struct lie *lie)
{
    struct vm_queue *queue = &host->queues[0];
    uint16_t *used = vm_words(queue, 2);
    struct net_header header = lie->header;
    struct net_chain chain;

    if (!net_take(queue, &chain))
        abort();
    if (!lie->keeps_count)
        header.buffer_count = 1;
    memcpy(chain.parts[0].data, &header, sizeof(header));
    vm_put(queue, lie->id ? lie->id : chain.id, lie->size ? lie->size : 72);
    if (lie->index)
        used[1] = (uint16_t)(used[1] + lie->index - 1);
}

/* After a lie: everything says LUNIK_EIO, the image and its memory live. */
static void check_given_up(const char *what)
{
    struct lunik_net_frame in;

    CHECK_CONTAINS(vm.log, what);
    CHECK_CONTAINS(vm.log, "it is not used any more");
    CHECK(lunik_net_is_broken(net));
    CHECK(!lunik_net_has_link(net));
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_EIO);
    CHECK_EQ(send_one(60), LUNIK_EIO);
    lunik_net_flush(net);
    CHECK(host->status & VIRTIO_STATUS_FAILED);
    CHECK(!host->queues[0].enabled); /* it was stopped */
    called = 0;
    CHECK(vm_poll());
    CHECK_EQ(called, 1);
    CHECK(!vm_poll());
}

TEST(a_device_that_lies_about_a_frame_is_given_up)
{
    for (int is_pci = 0; is_pci < 2; is_pci++)
        for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
            struct lunik_net_frame in, kept;

            make_open(is_pci, ALL);
            CHECK(net_give(host, &plain, bytes, 60));
            CHECK_EQ(lunik_net_receive(net, &kept), LUNIK_OK);
            CHECK_EQ(send_one(60), LUNIK_OK);
            tell(&lies[i]);
            net_interrupt();
            vm_poll();
            if (lunik_net_receive(net, &in) != LUNIK_EIO)
                test_failed(__FILE__, __LINE__, "lie %zu was believed", i);
            check_given_up(lies[i].what);
            CHECK_EQ(finished, 1);
            /* What came before it is still there, and is given back. */
            CHECK_MEM_EQ(kept.parts[0].data, bytes, 60);
            lunik_net_release(net, kept.tokens[0]);
            lunik_net_close(net);
            CHECK_EQ(net_vm.pages_used, 0);
            CHECK_EQ(lunik_net_open("net0", &net), LUNIK_EIO);
        }
}

TEST(a_buffer_that_is_returned_twice_is_a_lie)
{
    struct lunik_net_frame in;
    struct net_chain chain;

    make_open(true, ALL);
    REQUIRE(net_take(&host->queues[0], &chain));
    memset(chain.parts[0].data, 0, 12);
    chain.parts[0].data[10] = 1;
    vm_put(&host->queues[0], chain.id, 72);
    vm_put(&host->queues[0], chain.id, 72);
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_EIO);
    check_given_up("returns a request that it does not have");
}

TEST(an_empty_part_of_a_merged_frame_is_a_lie)
{
    struct lunik_net_frame in;
    struct net_chain chain;

    make_open(true, ALL);
    for (int i = 0; i < 2; i++) {
        REQUIRE(net_take(&host->queues[0], &chain));
        memset(chain.parts[0].data, 0, 12);
        chain.parts[0].data[10] = 2;
        vm_put(&host->queues[0], chain.id, i == 0 ? 72 : 0);
    }
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_EIO);
    check_given_up("merges an empty buffer");
}

TEST(a_count_is_not_looked_at_where_nothing_is_merged)
{
    struct lunik_net_frame in;
    const struct lie many = { .header = { .buffer_count = 999 },
                              .keeps_count = true };

    make_open(true, ALL & ~NET_FEATURE_MRG_RXBUF);
    tell(&many);
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
    CHECK_EQ(in.count, 1);
    lunik_net_release(net, in.tokens[0]);
}

TEST(joined_segments_that_were_not_agreed_on_are_a_lie)
{
    static const uint64_t without[] = { NET_FEATURE_GUEST_TSO4,
                                        NET_FEATURE_GUEST_TSO6 };

    for (int i = 0; i < 2; i++) {
        struct lunik_net_frame in;
        const struct lie joined = {
            .header = { .segment_type = i ? 4 : 1, .segment_size = 1000 },
        };

        make_open(true, ALL & ~without[i]);
        tell(&joined);
        CHECK_EQ(lunik_net_receive(net, &in), LUNIK_EIO);
        check_given_up("not agreed on");
    }
}

TEST(a_device_that_lies_about_what_was_sent_is_given_up)
{
    for (int how = 0; how < 4; how++) {
        make_open(true, ALL);
        CHECK_EQ(send_one(60), LUNIK_OK);
        CHECK_EQ(send_one(60), LUNIK_OK);
        lunik_net_flush(net);
        if (how == 0)
            vm_put(&host->queues[1], 999, 0);
        else if (how == 1)
            vm_put(&host->queues[1], 7, 0); /* none of ours */
        else if (how == 2)
            vm_put(&host->queues[1], 0, 1); /* it may not write */
        else
            vm_words(&host->queues[1], 2)[1] = 3;
        if (how % 2) {
            net_interrupt();
            vm_poll();
        } else {
            CHECK(net_run_timer());
            vm_poll();
        }
        CHECK(lunik_net_is_broken(net));
        CHECK(called > 0);
        CHECK_EQ(finished, 2);
        CHECK_EQ(send_one(60), LUNIK_EIO);
    }
}

TEST(a_lie_that_a_full_queue_brings_out_is_found)
{
    unsigned count = 0;

    make_open(true, ALL);
    while (count < 128 && send_one(60) == LUNIK_OK)
        count++;
    vm_put(&host->queues[1], 999, 0);
    CHECK_EQ(send_one(60), LUNIK_EIO);
    vm_poll();
    CHECK_EQ(finished, 128);
    CHECK(lunik_net_is_broken(net));
}

TEST(a_broken_device_that_does_not_stop_keeps_its_memory)
{
    struct lunik_net_frame in;

    make_open(true, ALL);
    host->never_resets = true;
    tell(&lies[0]);
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_EIO);
    vm_poll();
    lunik_net_close(net);
    net = NULL;
    CHECK(net_vm.pages_used > 0);
}

/* ---- Link, reset, close ---- */

static void config_interrupt(bool is_pci)
{
    host->cause |= VIRTIO_CAUSE_CONFIG;
    if (is_pci)
        lunik_source_notify(vm.vectors[1]);
    else
        net_interrupt();
    while (vm_poll())
        ;
}

TEST(the_link_is_followed)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        make_open(is_pci, ALL);
        host->config[6] = 0;
        config_interrupt(is_pci);
        CHECK(!lunik_net_has_link(net));
        CHECK(called > 0);
        CHECK_EQ(host->cause & (is_pci ? 0 : VIRTIO_CAUSE_CONFIG), 0);
        host->config[6] = 1;
        called = 0;
        config_interrupt(is_pci);
        CHECK(lunik_net_has_link(net));
        CHECK(called > 0);
    }
    make(true, ALL, 256);
    host->config[6] = 0;
    CHECK_EQ(lunik_net_open("net0", &net), LUNIK_OK);
    CHECK(!lunik_net_has_link(net));
}

TEST(a_device_that_asks_for_a_reset_is_given_up)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        make_open(is_pci, ALL);
        CHECK_EQ(send_one(60), LUNIK_OK);
        host->status |= VIRTIO_STATUS_NEEDS_RESET;
        config_interrupt(is_pci);
        CHECK(lunik_net_is_broken(net));
        CHECK_EQ(finished, 1);
        CHECK(called > 0);
        CHECK_CONTAINS(vm.log, "asks for a reset");
    }
}

TEST(a_configuration_that_never_stands_still_is_given_up)
{
    make_open(true, ALL);
    host->config_moves = true;
    config_interrupt(true);
    CHECK(lunik_net_is_broken(net));
    CHECK_CONTAINS(vm.log, "stand still");
}

TEST(a_closed_device_stands_still_and_opens_again)
{
    for (int is_pci = 0; is_pci < 2; is_pci++) {
        make_open(is_pci, ALL);
        for (int i = 0; i < 40; i++) {
            struct lunik_net_frame in;

            CHECK(net_give(host, &plain, bytes, 60));
            net_interrupt();
            vm_poll();
            CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
            CHECK_EQ(in.size, 60); /* it is not released before the end */
            CHECK_EQ(send_one(60), LUNIK_OK);
            lunik_net_flush(net);
            lunik_net_close(net);
            CHECK_EQ(finished, (unsigned)i + 1);
            CHECK_EQ(host->status, 0);
            CHECK_EQ(net_vm.pages_used, 0);
            CHECK(!net_run_timer());
            net_interrupt(); /* a late one */
            vm_poll();
            host->queues[0].max = host->queues[1].max = 256;
            CHECK_EQ(lunik_net_open("net0", &net), LUNIK_OK);
            CHECK_EQ(vm.vector_count, is_pci ? 2 : 1);
            CHECK_EQ(vm.source_count, 2);
            CHECK_EQ(host->config_vector, is_pci ? 0 : 0xffff);
        }
    }
}

TEST(a_device_that_does_not_stop_at_a_close_keeps_its_memory)
{
    make_open(true, ALL);
    CHECK_EQ(send_one(60), LUNIK_OK);
    host->never_resets = true;
    lunik_net_close(net);
    net = NULL;
    CHECK_EQ(finished, 1);
    CHECK(net_vm.pages_used > 0);
    CHECK_EQ(lunik_net_open("net0", &net), LUNIK_EIO);
}

TEST(an_answer_is_waited_for_and_counted)
{
    struct lunik_net_counts counts;
    struct lunik_net_frame in;

    make_open(true, ALL);
    lunik_net_set_handler(net, NULL, NULL);
    CHECK_EQ(lunik_net_wait(net, vm.now_ns + 1), LUNIK_OK); /* it is there */
    CHECK_EQ(lunik_net_wait(net, vm.now_ns + 1), LUNIK_ETIMEOUT);
    CHECK(net_give(host, &plain, bytes, 60));
    net_interrupt();
    vm_poll();
    CHECK_EQ(lunik_net_wait(net, vm.now_ns + 1), LUNIK_OK);
    CHECK_EQ(lunik_net_receive(net, &in), LUNIK_OK);
    lunik_net_release(net, in.tokens[0]);
    CHECK_EQ(send_one(100), LUNIK_OK);
    lunik_net_get_counts(net, &counts);
    CHECK_EQ(counts.received_frames, 1);
    CHECK_EQ(counts.received_bytes, 60);
    CHECK_EQ(counts.sent_frames, 1);
    CHECK_EQ(counts.sent_bytes, 100);
    CHECK_EQ(counts.interrupts, 2); /* one is that of the start */
    CHECK_EQ(counts.dropped, 0);
    reset();
}
