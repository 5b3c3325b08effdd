/* SPDX-License-Identifier: MIT */
/*
 * test_net.c: <lunik/net.h> on a cable between two fake devices, and the fakes
 * themselves, which other tests stand on.
 */
#define TEST_ON_FIBER
#include "fake_net.h"

#include <lunik/mem.h>
#include <lunik/time.h>

#include "test.h"

static struct lunik_net *left, *right;
static unsigned called, finished;

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

static void begin(void)
{
    fake_net_reset(1);
    called = finished = 0;
    left = right = NULL;
}

static void open_both(void)
{
    if (lunik_net_open("net0", &left) != LUNIK_OK ||
        lunik_net_open("net1", &right) != LUNIK_OK)
        abort();
}

static void close_both(void)
{
    lunik_net_close(left);
    lunik_net_close(right);
}

/* Lets polls run. */
static void turn(void)
{
    if (lunik_sleep_until(lunik_time_after_ns(1)) != LUNIK_OK)
        abort();
}

static lunik_result send_text(struct lunik_net *net, const char *text)
{
    return lunik_net_send_copy(net, text, strlen(text));
}

/* Receives a frame whole and gives its parts back. */
static size_t take(struct lunik_net *net, uint8_t *out,
                   enum lunik_net_checksum *checksum)
{
    struct lunik_net_frame frame;
    size_t at = 0;

    if (lunik_net_receive(net, &frame) != LUNIK_OK)
        return 0;
    for (size_t i = 0; i < frame.count; i++) {
        memcpy(out + at, frame.parts[i].data, frame.parts[i].size);
        at += frame.parts[i].size;
    }
    for (size_t i = frame.count; i-- > 0;)
        lunik_net_release(net, frame.tokens[i]);
    if (checksum)
        *checksum = frame.checksum;
    CHECK_EQ(at, frame.size);
    return at;
}

/* ---- Names ---- */

TEST(devices_are_named_in_order)
{
    begin();
    CHECK_STR_EQ(lunik_net_name(0), "net0");
    CHECK_STR_EQ(lunik_net_name(1), "net1");
    CHECK(lunik_net_name(2) == NULL);
    CHECK(lunik_net_name(LUNIK_NET_MAX) == NULL);
    CHECK(lunik_net_name(SIZE_MAX) == NULL);
}

TEST(a_name_that_is_none_is_not_found)
{
    static const char *const names[] = { "net2",  "net4", "net", "",
                                         "net00", "NET0", "eth0" };

    begin();
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        left = (struct lunik_net *)(void *)&called;
        CHECK_EQ(lunik_net_open(names[i], &left), LUNIK_ENOENT);
        CHECK(left == NULL);
    }
}

TEST(who_opens_a_device_has_it_alone)
{
    begin();
    open_both();
    CHECK_EQ(lunik_net_open("net0", &left), LUNIK_EINUSE);
    CHECK(left == NULL);
    left = &fake_net_ends[0].net;
    close_both();
    open_both();
    close_both();
    lunik_net_close(NULL);
}

TEST(closing_what_is_closed_stops_the_image)
{
    begin();
    open_both();
    close_both();
    CHECK_DIES(LUNIK_EXIT_PANIC, lunik_net_close(left));
    CHECK_DIES(LUNIK_EXIT_PANIC, lunik_net_flush(left));
}

TEST(a_device_tells_what_it_is)
{
    struct lunik_net_info info;

    begin();
    fake_net_ends[1].mtu = 9000;
    fake_net_ends[1].features = LUNIK_NET_SEGMENT4;
    open_both();
    lunik_net_get_info(right, &info);
    CHECK_STR_EQ(info.name, "net1");
    CHECK_EQ(info.mtu, 9000);
    CHECK_EQ(info.features, LUNIK_NET_SEGMENT4);
    CHECK_EQ(info.parts_max, 18);
    CHECK_EQ(info.address[0], 2);
    CHECK_EQ(info.address[5], 2);
    close_both();
}

/* ---- Sending and receiving ---- */

TEST(what_one_sends_the_other_receives)
{
    uint8_t got[100];

    begin();
    open_both();
    CHECK_EQ(send_text(left, "to whom it may concern"), LUNIK_OK);
    CHECK_EQ(send_text(left, "a second, longer frame"), LUNIK_OK);
    CHECK_EQ(take(right, got, NULL), 22);
    CHECK_MEM_EQ(got, "to whom it may concern", 22);
    CHECK_EQ(take(right, got, NULL), 22);
    CHECK_MEM_EQ(got, "a second, longer frame", 22);
    CHECK_EQ(take(right, got, NULL), 0);
    CHECK_EQ(take(left, got, NULL), 0);
    CHECK_EQ(fake_net_ends[1].lent, 0);
    close_both();
}

TEST(parts_are_joined_on_the_wire_and_done_once_each)
{
    static char a[] = "abcdefg", b[] = "hijklmn", c[] = "o";
    const struct lunik_net_part parts[] = { { a, 7 }, { b, 7 }, { c, 1 } };
    uint8_t got[100];

    begin();
    open_both();
    for (int i = 0; i < 5; i++)
        CHECK_EQ(lunik_net_send(left, parts, 3, NULL, on_done, NULL), LUNIK_OK);
    CHECK_EQ(finished, 0); /* not from within */
    turn();
    CHECK_EQ(finished, 5);
    turn();
    CHECK_EQ(finished, 5);
    CHECK_EQ(take(right, got, NULL), 15);
    CHECK_MEM_EQ(got, "abcdefghijklmno", 15);
    close_both();
}

TEST(a_received_frame_comes_in_parts)
{
    struct lunik_net_frame frame;
    static uint8_t data[1400];

    begin();
    fake_net_ends[1].part_size = 100;
    open_both();
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    CHECK_EQ(lunik_net_send_copy(left, data, sizeof(data)), LUNIK_OK);
    CHECK_EQ(lunik_net_receive(right, &frame), LUNIK_OK);
    CHECK_EQ(frame.count, 14);
    CHECK_EQ(frame.size, sizeof(data));
    for (size_t i = 0; i < frame.count; i++) {
        CHECK_EQ(frame.parts[i].size, 100);
        CHECK_MEM_EQ(frame.parts[i].data, data + 100 * i, 100);
        lunik_net_release(right, frame.tokens[i]);
    }
    CHECK_DIES(LUNIK_EXIT_PANIC, lunik_net_release(right, frame.tokens[0]));
    CHECK_DIES(LUNIK_EXIT_PANIC, lunik_net_release(right, UINT32_MAX));
    close_both();
}

TEST(a_frame_that_cannot_be_is_refused)
{
    static uint8_t data[70000];
    struct lunik_net_part parts[20];
    const struct lunik_net_part none = { data, 0 };

    begin();
    open_both();
    CHECK_EQ(lunik_net_send_copy(left, data, 13), LUNIK_EINVAL);
    CHECK_EQ(lunik_net_send_copy(left, data, 14), LUNIK_OK);
    CHECK_EQ(lunik_net_send_copy(left, data, 1518), LUNIK_OK);
    CHECK_EQ(lunik_net_send_copy(left, data, 1519), LUNIK_EINVAL);
    CHECK_EQ(lunik_net_send_copy(left, data, 70000), LUNIK_EINVAL);
    for (size_t i = 0; i < 20; i++)
        parts[i] = (struct lunik_net_part) { data, 10 };
    CHECK_EQ(lunik_net_send(left, parts, 0, NULL, NULL, NULL), LUNIK_EINVAL);
    CHECK_EQ(lunik_net_send(left, &none, 1, NULL, NULL, NULL), LUNIK_EINVAL);
    CHECK_EQ(lunik_net_send(left, parts, 19, NULL, NULL, NULL), LUNIK_EINVAL);
    CHECK_EQ(lunik_net_send(left, parts, 18, NULL, NULL, NULL), LUNIK_OK);
    parts[1].size = SIZE_MAX - 10; /* does not wrap */
    CHECK_EQ(lunik_net_send(left, parts, 3, NULL, NULL, NULL), LUNIK_EINVAL);
    turn();
    close_both();
}

TEST(an_offload_that_the_device_has_not_is_refused)
{
    static uint8_t data[3000];
    const struct lunik_net_part part = { data, sizeof(data) };
    const struct lunik_net_part small = { data, 100 };
    const struct lunik_net_offload good = {
        .wants_checksum = true,
        .checksum_start = 34,
        .checksum_offset = 16,
        .segment_size = 1000,
        .header_size = 54,
    };
    struct lunik_net_offload bad;

    begin();
    open_both();
    CHECK_EQ(lunik_net_send(left, &part, 1, &good, NULL, NULL), LUNIK_EINVAL);
    close_both();
    fake_net_ends[0].features = LUNIK_NET_CHECKSUM_SEND | LUNIK_NET_SEGMENT4;
    open_both();
    CHECK_EQ(lunik_net_send(left, &part, 1, &good, NULL, NULL), LUNIK_OK);
    bad = good;
    bad.is_ip6 = true;
    CHECK_EQ(lunik_net_send(left, &part, 1, &bad, NULL, NULL), LUNIK_EINVAL);
    bad = good;
    bad.wants_checksum = false;
    CHECK_EQ(lunik_net_send(left, &part, 1, &bad, NULL, NULL), LUNIK_EINVAL);
    bad = good;
    bad.header_size = 3000;
    CHECK_EQ(lunik_net_send(left, &part, 1, &bad, NULL, NULL), LUNIK_EINVAL);
    bad = good;
    bad.header_size = 34;
    CHECK_EQ(lunik_net_send(left, &part, 1, &bad, NULL, NULL), LUNIK_EINVAL);
    bad = good;
    bad.segment_size = 1501;
    CHECK_EQ(lunik_net_send(left, &part, 1, &bad, NULL, NULL), LUNIK_EINVAL);
    bad = good;
    bad.segment_size = 0;
    CHECK_EQ(lunik_net_send(left, &part, 1, &bad, NULL, NULL), LUNIK_EINVAL);
    bad.checksum_start = 82;
    CHECK_EQ(lunik_net_send(left, &small, 1, &bad, NULL, NULL), LUNIK_OK);
    bad.checksum_start = 83;
    CHECK_EQ(lunik_net_send(left, &small, 1, &bad, NULL, NULL), LUNIK_EINVAL);
    bad.checksum_start = UINT16_MAX;
    bad.checksum_offset = UINT16_MAX;
    CHECK_EQ(lunik_net_send(left, &small, 1, &bad, NULL, NULL), LUNIK_EINVAL);
    turn();
    close_both();
}

TEST(a_full_queue_says_so_and_tells_when_there_is_room)
{
    begin();
    fake_net_ends[0].send_max = 4;
    open_both();
    lunik_net_set_handler(left, on_news, NULL);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(send_text(left, "full of frames"), LUNIK_OK);
    CHECK_EQ(send_text(left, "full of frames"), LUNIK_EAGAIN);
    CHECK_EQ(called, 0);
    turn();
    CHECK(called > 0);
    CHECK_EQ(send_text(left, "full of frames"), LUNIK_OK);
    turn();
    close_both();
}

TEST(a_copy_needs_memory_and_gives_it_back)
{
    struct lunik_mem_info before, after;

    begin();
    open_both();
    lunik_mem_get_info(&before);
    CHECK_EQ(send_text(left, "fourteen bytes"), LUNIK_OK);
    lunik_mem_get_info(&after);
    CHECK(after.heap_bytes > before.heap_bytes);
    turn();
    lunik_mem_get_info(&after);
    CHECK_EQ(after.heap_bytes, before.heap_bytes);
    CHECK_EQ(lunik_net_send_copy(left, "short", 5), LUNIK_EINVAL);
    lunik_mem_get_info(&after);
    CHECK_EQ(after.heap_bytes, before.heap_bytes);
    CHECK_EQ(fake_net_ends[0].flushes, 1);
    lunik_net_flush(left);
    CHECK_EQ(fake_net_ends[0].flushes, 1);
    close_both();
}

TEST(frames_that_are_counted_are_frames_that_came)
{
    struct lunik_net_counts counts;
    uint8_t got[100];

    begin();
    open_both();
    for (int i = 0; i < 3; i++)
        CHECK_EQ(send_text(left, "one, two, three"), LUNIK_OK);
    while (take(right, got, NULL))
        ;
    lunik_net_get_counts(left, &counts);
    CHECK_EQ(counts.sent_frames, 3);
    CHECK_EQ(counts.sent_bytes, 45);
    lunik_net_get_counts(right, &counts);
    CHECK_EQ(counts.received_frames, 3);
    CHECK_EQ(counts.received_bytes, 45);
    turn();
    close_both();
    open_both();
    lunik_net_get_counts(left, &counts);
    CHECK_EQ(counts.sent_frames, 0);
    close_both();
}

/* ---- Waiting ---- */

TEST(a_wait_ends_with_a_frame_or_in_time)
{
    uint8_t got[100];

    begin();
    open_both();
    turn();
    while (lunik_net_wait(right, 0) == LUNIK_OK)
        ;
    CHECK_EQ(lunik_net_wait(right, lunik_time_after_ns(LUNIK_NS_PER_MS)),
             LUNIK_ETIMEOUT);
    CHECK_EQ(send_text(left, "wake up, please"), LUNIK_OK);
    CHECK_EQ(lunik_net_wait(right, lunik_time_after_ns(LUNIK_NS_PER_S)),
             LUNIK_OK);
    CHECK_EQ(take(right, got, NULL), 15);
    /* News that came while nobody waited are not lost. */
    CHECK_EQ(send_text(left, "wake up, please"), LUNIK_OK);
    turn();
    CHECK_EQ(lunik_net_wait(right, lunik_time_after_ns(LUNIK_NS_PER_S)),
             LUNIK_OK);
    lunik_fiber_cancel(lunik_fiber_self());
    CHECK_EQ(lunik_net_wait(right, LUNIK_NEVER), LUNIK_ECANCELED);
    lunik_fiber_set_cancelled(false);
    close_both();
}

static void wait_for_end(void *arg)
{
    lunik_result *result = arg;

    *result = lunik_net_wait(right, LUNIK_NEVER);
}

TEST(a_close_ends_a_wait)
{
    lunik_result result = LUNIK_EIO;
    struct lunik_fiber *fiber;

    begin();
    open_both();
    CHECK_EQ(lunik_fiber_create("waits", wait_for_end, &result, &fiber),
             LUNIK_OK);
    turn();
    close_both();
    turn();
    CHECK_EQ(result, LUNIK_OK);
}

TEST(a_budget_lets_others_run)
{
    unsigned got = 0;
    uint8_t frame[100];

    begin();
    fake_net_ends[1].budget = 5;
    open_both();
    lunik_net_set_handler(right, on_news, NULL);
    for (int i = 0; i < 12; i++)
        CHECK_EQ(send_text(left, "a flood of them"), LUNIK_OK);
    turn();
    while (take(right, frame, NULL))
        got++;
    CHECK_EQ(got, 5);
    called = 0;
    turn();
    CHECK(called > 0);
    while (take(right, frame, NULL))
        got++;
    CHECK_EQ(got, 10);
    turn();
    while (take(right, frame, NULL))
        got++;
    CHECK_EQ(got, 12);
    close_both();
}

/* ---- Link, faults ---- */

TEST(a_pulled_cable_is_told_of_and_loses_frames)
{
    uint8_t got[100];

    begin();
    open_both();
    lunik_net_set_handler(right, on_news, NULL);
    CHECK(lunik_net_has_link(right));
    fake_net_set_link(false);
    turn();
    CHECK_EQ(called, 1);
    CHECK(!lunik_net_has_link(right));
    CHECK_EQ(send_text(left, "into the void.."), LUNIK_OK);
    fake_net_set_link(true);
    turn();
    CHECK(lunik_net_has_link(right));
    CHECK_EQ(take(right, got, NULL), 0);
    close_both();
}

TEST(a_broken_device_says_so_to_everything)
{
    struct lunik_net_frame frame;
    struct lunik_net_part part = { &called, 64 };

    begin();
    open_both();
    lunik_net_set_handler(right, on_news, NULL);
    CHECK_EQ(send_text(right, "on its way out.."), LUNIK_OK);
    fake_net_break(1);
    turn();
    CHECK(called > 0);
    CHECK(lunik_net_is_broken(right));
    CHECK(!lunik_net_has_link(right));
    CHECK_EQ(lunik_net_receive(right, &frame), LUNIK_EIO);
    CHECK_EQ(lunik_net_send(right, &part, 1, NULL, NULL, NULL), LUNIK_EIO);
    CHECK_EQ(send_text(right, "a broken device"), LUNIK_EIO);
    lunik_net_flush(right);
    CHECK_EQ(fake_net_ends[1].not_done, 0);
    CHECK(!lunik_net_is_broken(left));
    lunik_net_close(right);
    CHECK_EQ(lunik_net_open("net1", &right), LUNIK_EIO);
    lunik_net_close(left);
}

TEST(a_close_tells_of_all_that_was_sent)
{
    static char data[] = "not done yet...";
    const struct lunik_net_part part = { data, 15 };

    begin();
    fake_net_ends[0].holds_sends = true;
    open_both();
    for (int i = 0; i < 3; i++)
        CHECK_EQ(lunik_net_send(left, &part, 1, NULL, on_done, NULL), LUNIK_OK);
    turn();
    CHECK_EQ(finished, 0);
    close_both();
    CHECK_EQ(finished, 3);
    begin();
    fake_net_ends[0].holds_sends = true;
    open_both();
    CHECK_EQ(lunik_net_send(left, &part, 1, NULL, on_done, NULL), LUNIK_OK);
    turn();
    fake_net_finish_sends(0);
    turn();
    CHECK_EQ(finished, 1);
    close_both();
}

/* ---- The fakes ---- */

TEST(who_changes_a_frame_too_early_is_found)
{
    static char data[] = "do not touch me";
    const struct lunik_net_part part = { data, 15 };

    begin();
    open_both();
    CHECK_EQ(lunik_net_send(left, &part, 1, NULL, NULL, NULL), LUNIK_OK);
    data[3] = '!';
    CHECK_DIES(LUNIK_EXIT_PANIC, turn());
    CHECK_CONTAINS(test_output, "changed before it was done");
    data[3] = 'n';
    close_both();
}

TEST(a_bad_cable_loses_doubles_swaps_and_damages_the_same_way_each_time)
{
    uint8_t first[4000], second[4000], frame[100];
    size_t sizes[2] = { 0, 0 };

    for (int run = 0; run < 2; run++) {
        uint8_t *to = run ? second : first;

        begin();
        fake_net_ends[1].lost = 200;
        fake_net_ends[1].doubled = 200;
        fake_net_ends[1].swapped = 200;
        fake_net_ends[1].damaged = 200;
        open_both();
        for (int i = 0; i < 100; i++) {
            char text[20];

            snprintf(text, sizeof(text), "frame number %2d", i);
            CHECK_EQ(send_text(left, text), LUNIK_OK);
        }
        for (int i = 0; i < 5; i++) {
            turn();
            while (take(right, frame, NULL)) {
                memcpy(to + sizes[run], frame, 15);
                sizes[run] += 15;
            }
        }
        close_both();
    }
    CHECK(sizes[0] > 50 * 15 && sizes[0] < 150 * 15);
    CHECK_EQ(sizes[0], sizes[1]);
    CHECK_MEM_EQ(first, second, sizes[0]);
}

TEST(a_test_can_play_one_end_by_hand)
{
    uint8_t got[100];
    enum lunik_net_checksum checksum;

    begin();
    if (lunik_net_open("net0", &left) != LUNIK_OK)
        abort();
    CHECK_EQ(send_text(left, "to nobody at all"), LUNIK_OK);
    CHECK_EQ(fake_net_take(1, got, sizeof(got)), 16);
    CHECK_MEM_EQ(got, "to nobody at all", 16);
    CHECK_EQ(fake_net_take(1, got, sizeof(got)), 0);
    fake_net_inject(0, "x", 1, LUNIK_NET_CHECKED);
    CHECK_EQ(take(left, got, &checksum), 1);
    CHECK_EQ(checksum, LUNIK_NET_CHECKED);
    turn();
    lunik_net_close(left);
}

/* An IPv4 or IPv6 TCP frame of (payload) bytes, its checksum left to the
 * device; the pseudo-header's sum is in place. */
static size_t make_tcp(uint8_t *out, bool is_ip6, size_t payload)
{
    size_t ip_size = is_ip6 ? 40 : 20, tcp = 14 + ip_size, len = 20 + payload;
    uint32_t sum = 6 + (uint32_t)len;

    memset(out, 0, tcp + 20);
    out[12] = is_ip6 ? 0x86 : 0x08;
    out[13] = is_ip6 ? 0xdd : 0x00;
    out[14] = is_ip6 ? 0x60 : 0x45;
    if (is_ip6) {
        out[18] = (uint8_t)(len >> 8);
        out[19] = (uint8_t)len;
        out[20] = 6;
    } else {
        out[16] = (uint8_t)((len + 20) >> 8);
        out[17] = (uint8_t)(len + 20);
        out[23] = 6;
    }
    out[tcp - 1] = 9; /* of the destination's address */
    out[tcp + 7] = 100;
    out[tcp + 12] = 0x50;
    out[tcp + 13] = 0x19; /* FIN, PSH, ACK */
    for (size_t i = 0; i < payload; i++)
        out[tcp + 20 + i] = (uint8_t)(i * 7);
    for (size_t i = is_ip6 ? 22 : 26; i < tcp; i += 2)
        sum += (uint32_t)(out[i] << 8 | out[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    out[tcp + 16] = (uint8_t)(sum >> 8);
    out[tcp + 17] = (uint8_t)sum;
    return tcp + len;
}

/* Whether the TCP checksum of a whole segment is right. */
static bool is_right(const uint8_t *frame, size_t size, bool is_ip6)
{
    size_t tcp = is_ip6 ? 54 : 34;
    uint32_t sum = 6 + (uint32_t)(size - tcp);

    for (size_t i = is_ip6 ? 22 : 26; i < size; i++)
        sum += (uint32_t)frame[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

TEST(a_device_that_cuts_gives_whole_segments)
{
    static uint8_t sent[5000], got[5000];

    for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
        size_t size = make_tcp(sent, is_ip6, 2500), tcp = is_ip6 ? 54 : 34;
        const struct lunik_net_part part = { sent, size };
        const struct lunik_net_offload offload = {
            .wants_checksum = true,
            .checksum_start = (uint16_t)tcp,
            .checksum_offset = 16,
            .segment_size = 1000,
            .header_size = (uint16_t)(tcp + 20),
            .is_ip6 = is_ip6,
        };

        begin();
        fake_net_ends[0].features =
            LUNIK_NET_CHECKSUM_SEND | LUNIK_NET_SEGMENT4 | LUNIK_NET_SEGMENT6;
        open_both();
        CHECK_EQ(lunik_net_send(left, &part, 1, &offload, NULL, NULL),
                 LUNIK_OK);
        for (int i = 0; i < 3; i++) {
            enum lunik_net_checksum checksum;
            size_t len = i < 2 ? 1000 : 500;

            CHECK_EQ(take(right, got, &checksum), tcp + 20 + len);
            CHECK(is_right(got, tcp + 20 + len, is_ip6));
            CHECK_MEM_EQ(got + tcp + 20, sent + tcp + 20 + 1000 * i, len);
            CHECK_EQ(got[tcp + 6] << 8 | got[tcp + 7], 100 + 1000 * i);
            CHECK_EQ(got[tcp + 13], i < 2 ? 0x10 : 0x19);
            CHECK_EQ(got[is_ip6 ? 18 : 16] << 8 | got[is_ip6 ? 19 : 17],
                     (is_ip6 ? 20 : 40) + len);
        }
        CHECK_EQ(take(right, got, NULL), 0);
        turn();
        close_both();
    }
}

TEST(a_checksum_is_filled_in_or_said_to_be_missing)
{
    static uint8_t sent[5000], got[5000];
    size_t size = make_tcp(sent, false, 333);
    const struct lunik_net_part part = { sent, size };
    const struct lunik_net_offload offload = {
        .wants_checksum = true,
        .checksum_start = 34,
        .checksum_offset = 16,
    };
    enum lunik_net_checksum checksum;

    begin();
    fake_net_ends[0].features = LUNIK_NET_CHECKSUM_SEND;
    open_both();
    CHECK_EQ(lunik_net_send(left, &part, 1, &offload, NULL, NULL), LUNIK_OK);
    CHECK_EQ(take(right, got, &checksum), size);
    CHECK_EQ(checksum, LUNIK_NET_UNCHECKED);
    CHECK(is_right(got, size, false));
    turn();
    close_both();
    fake_net_ends[1].features = LUNIK_NET_CHECKSUM_RECEIVE;
    open_both();
    CHECK_EQ(lunik_net_send(left, &part, 1, &offload, NULL, NULL), LUNIK_OK);
    CHECK_EQ(take(right, got, &checksum), size);
    CHECK_EQ(checksum, LUNIK_NET_PARTIAL);
    CHECK_MEM_EQ(got, sent, size);
    turn();
    close_both();
}
