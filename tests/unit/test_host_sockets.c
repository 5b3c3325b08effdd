/* SPDX-License-Identifier: MIT */
/* test_host_sockets.c: descriptors, sockets and names of the host platform. */
#define TEST_ON_FIBER
#include "../contract/contract.h"
#include "host.h"

#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <lunik/event.h>
#include <lunik/host.h>
#include <lunik/interface.h>
#include <lunik/mem.h>
#include <lunik/socket.h>
#include <lunik/time.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#define SOON (5 * LUNIK_NS_PER_S)

static uint64_t within(uint64_t ns)
{
    return lunik_time_monotonic_ns() + ns;
}

static bool sleep_ms(unsigned ms)
{
    return lunik_sleep_until(within(ms * LUNIK_NS_PER_MS)) == LUNIK_OK;
}

/* ---- The contract ---- */

TEST(ip4_sockets_keep_the_contract)
{
    struct lunik_address own = { .family = LUNIK_IP4,
                                 .bytes = { 127, 0, 0, 1 } };

    CHECK_EQ(contract_socket(&own), 0);
}

TEST(ip6_sockets_keep_the_contract)
{
    struct lunik_address own = { .family = LUNIK_IP6, .bytes = { [15] = 1 } };
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 at = { .sin6_family = AF_INET6,
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    bool has6 = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;

    close(fd);
    if (!has6)
        SKIP("no IPv6 loopback here");
    CHECK_EQ(contract_socket(&own), 0);
}

/* ---- Watches ---- */

struct seen {
    struct platform_host_watch watch; /* first */
    unsigned calls;
    uint32_t events;
    struct platform_host_watch *removes;
    struct lunik_event event;
};

static void see(struct platform_host_watch *watch, uint32_t events)
{
    struct seen *seen = (struct seen *)(void *)watch;

    seen->calls++;
    seen->events |= events;
    if (seen->removes)
        platform_host_watch_remove(seen->removes);
    lunik_event_signal(&seen->event);
}

static struct seen watch_of(int fd, uint32_t wants)
{
    return (struct seen) { .watch = { .fn = see, .fd = fd, .wants = wants } };
}

TEST(a_descriptor_that_becomes_readable_wakes_the_idle_loop)
{
    struct seen seen;
    int ends[2];

    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    seen = watch_of(ends[0], EPOLLIN);
    REQUIRE(platform_host_watch_add(&seen.watch) == LUNIK_OK);
    CHECK(sleep_ms(5));
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK_EQ(lunik_event_wait(&seen.event, within(SOON)), LUNIK_OK);
    CHECK_EQ(seen.calls, 1);
    CHECK(seen.events & EPOLLIN);
    platform_host_watch_remove(&seen.watch);
    platform_host_watch_remove(&seen.watch);
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK(sleep_ms(5));
    CHECK_EQ(seen.calls, 1);
    close(ends[0]);
    close(ends[1]);
}

TEST(what_is_ready_already_is_told_once_when_the_watch_is_added)
{
    struct seen seen;
    int ends[2];

    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    seen = watch_of(ends[1], EPOLLOUT);
    REQUIRE(platform_host_watch_add(&seen.watch) == LUNIK_OK);
    CHECK(sleep_ms(10));
    CHECK_EQ(seen.calls, 1);
    platform_host_watch_remove(&seen.watch);
    close(ends[0]);
    close(ends[1]);
}

TEST(two_watches_share_a_descriptor_and_may_remove_each_other)
{
    struct seen first, second;
    int ends[2];

    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    first = watch_of(ends[0], EPOLLIN);
    second = watch_of(ends[0], EPOLLIN);
    REQUIRE(platform_host_watch_add(&first.watch) == LUNIK_OK);
    REQUIRE(platform_host_watch_add(&second.watch) == LUNIK_OK);
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK(sleep_ms(5));
    CHECK_EQ(first.calls, 1);
    CHECK_EQ(second.calls, 1);
    first.removes = &second.watch;
    second.removes = &first.watch;
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK(sleep_ms(5));
    CHECK_EQ(first.calls + second.calls, 3);
    platform_host_watch_remove(&first.watch);
    platform_host_watch_remove(&second.watch);
    close(ends[0]);
    close(ends[1]);
}

static bool busy;

static void be_busy(void *arg)
{
    (void)arg;
    while (busy)
        lunik_fiber_yield();
}

TEST(a_busy_loop_still_looks_at_descriptors)
{
    struct lunik_fiber *fiber;
    struct seen seen;
    int ends[2];

    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    seen = watch_of(ends[0], EPOLLIN);
    REQUIRE(platform_host_watch_add(&seen.watch) == LUNIK_OK);
    busy = true;
    REQUIRE(lunik_fiber_create("busy", be_busy, NULL, &fiber) == LUNIK_OK);
    CHECK(sleep_ms(5));
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK_EQ(lunik_event_wait(&seen.event, within(SOON)), LUNIK_OK);
    busy = false;
    platform_host_watch_remove(&seen.watch);
    close(ends[0]);
    close(ends[1]);
}

TEST(nothing_ticks_while_only_descriptors_are_waited_for)
{
    struct seen seen;
    uint64_t before;
    int ends[2];

    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    seen = watch_of(ends[0], EPOLLIN);
    REQUIRE(platform_host_watch_add(&seen.watch) == LUNIK_OK);
    CHECK(sleep_ms(20));
    before = lunik_event_progress();
    CHECK(sleep_ms(200));
    CHECK(lunik_event_progress() - before < 12);
    platform_host_watch_remove(&seen.watch);
    close(ends[0]);
    close(ends[1]);
}

TEST(what_cannot_be_waited_for_is_refused)
{
    struct seen file = watch_of(open("/proc/self/exe", O_RDONLY), EPOLLIN);
    struct seen none = watch_of(-1, EPOLLIN);

    CHECK_EQ(platform_host_watch_add(&file.watch), LUNIK_EINVAL);
    CHECK_EQ(platform_host_watch_add(&none.watch), LUNIK_EINVAL);
    close(file.watch.fd);
}

/* ---- Linux's blocking calls ---- */

static int later_fd;

static void write_later(void *arg)
{
    (void)arg;
    if (sleep_ms(20))
        CHECK_EQ(write(later_fd, "x", 1), 1);
}

TEST(poll_waits_for_one_fiber_alone)
{
    struct lunik_fiber *fiber;
    struct pollfd fds[2];
    uint64_t before;
    int ends[2];

    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    fds[0] = (struct pollfd) { .fd = ends[0], .events = POLLIN };
    fds[1] = (struct pollfd) { .fd = -1 };
    CHECK_EQ(lunik_host_poll(fds, 2, 0), 0);
    before = lunik_time_monotonic_ns();
    CHECK_EQ(lunik_host_poll(fds, 2, 10), 0);
    CHECK(lunik_time_monotonic_ns() - before >= 10 * LUNIK_NS_PER_MS);
    CHECK_EQ(lunik_host_poll(NULL, 0, 1), 0);
    later_fd = ends[1];
    REQUIRE(lunik_fiber_create("late", write_later, NULL, &fiber) == LUNIK_OK);
    CHECK_EQ(lunik_host_poll(fds, 2, -1), 1);
    CHECK_EQ(fds[0].revents, POLLIN);
    CHECK_EQ(fds[1].revents, 0);
    close(ends[0]);
    fds[0].fd = 9999;
    CHECK_EQ(lunik_host_poll(fds, 1, 1000), 1);
    CHECK_EQ(fds[0].revents, POLLNVAL);
    close(ends[1]);
}

TEST(poll_takes_many_descriptors_and_the_same_one_twice)
{
    struct pollfd fds[40];
    struct lunik_fiber *fiber;
    int ends[2];

    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    for (size_t i = 0; i < 40; i++)
        fds[i] = (struct pollfd) { .fd = ends[0], .events = POLLIN };
    later_fd = ends[1];
    REQUIRE(lunik_fiber_create("late", write_later, NULL, &fiber) == LUNIK_OK);
    CHECK_EQ(lunik_host_poll(fds, 40, 5000), 40);
    close(ends[0]);
    close(ends[1]);
}

static struct lunik_fiber *waiting;
static int waiting_result, waiting_errno;

static void poll_for_ever(void *arg)
{
    struct pollfd fds = { .fd = *(int *)arg, .events = POLLIN };

    waiting_result = lunik_host_poll(&fds, 1, -1);
    waiting_errno = errno;
    waiting = NULL;
}

TEST(a_cancelled_poll_says_so)
{
    int ends[2];

    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    REQUIRE(lunik_fiber_create("waits", poll_for_ever, &ends[0], &waiting) ==
            LUNIK_OK);
    CHECK(sleep_ms(2));
    REQUIRE(waiting != NULL);
    lunik_fiber_cancel(waiting);
    CHECK(sleep_ms(2));
    CHECK(waiting == NULL);
    CHECK_EQ(waiting_result, -1);
    CHECK_EQ(waiting_errno, ECANCELED);
    close(ends[0]);
    close(ends[1]);
}

TEST(a_fibers_own_bound_ends_a_poll)
{
    struct pollfd none = { .fd = -1 };

    lunik_fiber_set_deadline(within(5 * LUNIK_NS_PER_MS));
    errno = 0;
    CHECK_EQ(lunik_host_poll(&none, 1, 10000), -1);
    CHECK_EQ(errno, ETIMEDOUT);
    lunik_fiber_set_deadline(LUNIK_NEVER);
}

TEST(select_sorts_descriptors_into_its_sets)
{
    struct timeval soon = { .tv_usec = 5000 }, bad = { .tv_sec = -1 };
    fd_set in, out;
    int ends[2];

    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(ends[0], &in);
    CHECK_EQ(lunik_host_select(ends[1] + 1, &in, NULL, NULL, &soon), 0);
    CHECK(!FD_ISSET(ends[0], &in));
    FD_SET(ends[0], &in);
    FD_SET(ends[1], &out);
    CHECK_EQ(lunik_host_select(ends[1] + 1, &in, &out, NULL, NULL), 1);
    CHECK(!FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
    CHECK_EQ(write(ends[1], "x", 1), 1);
    FD_SET(ends[0], &in);
    CHECK_EQ(lunik_host_select(ends[1] + 1, &in, &out, NULL, NULL), 2);
    CHECK_EQ(lunik_host_select(0, NULL, NULL, NULL, &soon), 0);
    CHECK_EQ(lunik_host_select(-1, NULL, NULL, NULL, NULL), -1);
    CHECK_EQ(lunik_host_select(FD_SETSIZE + 1, &in, NULL, NULL, NULL), -1);
    CHECK_EQ(lunik_host_select(1, NULL, NULL, NULL, &bad), -1);
    CHECK_EQ(errno, EINVAL);
    close(ends[0]);
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    CHECK_EQ(lunik_host_select(ends[0] + 1, &in, NULL, NULL, NULL), -1);
    CHECK_EQ(errno, EBADF);
    close(ends[1]);
}

/* ---- Names ---- */

TEST(a_name_is_found_while_others_run)
{
    struct lunik_address found[4];
    size_t count = 0;

    REQUIRE(lunik_resolve("localhost", LUNIK_IP4, within(SOON), found, 4,
                          &count) == LUNIK_OK);
    CHECK_EQ(count, 1);
    CHECK_EQ(found[0].family, LUNIK_IP4);
    CHECK_EQ(found[0].bytes[0], 127);
    REQUIRE(lunik_resolve("localhost", LUNIK_IP4 | LUNIK_IP6, within(SOON),
                          found, 4, &count) == LUNIK_OK);
    CHECK(count >= 1);
}

static unsigned resolved;

static void resolve_localhost(void *arg)
{
    struct lunik_address found;
    size_t count;

    (void)arg;
    if (lunik_resolve("localhost", LUNIK_IP4, LUNIK_NEVER, &found, 1, &count) ==
        LUNIK_OK)
        resolved++;
}

TEST(more_lookups_than_threads_all_end)
{
    struct lunik_fiber *fiber;
    uint64_t end = within(SOON);

    for (size_t i = 0; i < 100; i++)
        REQUIRE(lunik_fiber_create("looks up", resolve_localhost, NULL,
                                   &fiber) == LUNIK_OK);
    while (resolved < 100 && lunik_time_monotonic_ns() < end)
        CHECK(sleep_ms(2));
    CHECK_EQ(resolved, 100);
}

struct slow {
    struct platform_host_job job; /* first */
    bool *is_dropped;
};

static void run_slowly(struct platform_host_job *job)
{
    (void)job;
    usleep(50000);
}

static void drop_slow(struct platform_host_job *job)
{
    struct slow *slow = (struct slow *)(void *)job;

    *slow->is_dropped = true;
    free(slow);
}

static bool is_dropped;

static struct platform_host_job *make_slow(void)
{
    struct slow *slow = calloc(1, sizeof(*slow));

    is_dropped = false;
    slow->job.run = run_slowly;
    slow->job.drop = drop_slow;
    slow->is_dropped = &is_dropped;
    return &slow->job;
}

TEST(a_job_that_its_caller_left_is_dropped_when_it_is_done)
{
    uint64_t before = lunik_time_monotonic_ns();

    CHECK_EQ(platform_host_job_run(make_slow(), within(LUNIK_NS_PER_MS)),
             LUNIK_ETIMEOUT);
    CHECK(lunik_time_monotonic_ns() - before < 45 * LUNIK_NS_PER_MS);
    CHECK(!is_dropped);
    CHECK(sleep_ms(150));
    CHECK(is_dropped);
}

TEST(a_job_that_ran_is_its_callers_again)
{
    struct platform_host_job *job = make_slow();

    REQUIRE(platform_host_job_run(job, within(SOON)) == LUNIK_OK);
    CHECK(!is_dropped);
    job->drop(job);
}

TEST(getaddrinfo_finds_numbers_and_names)
{
    struct addrinfo hints = { .ai_family = AF_INET,
                              .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    struct sockaddr_in at;

    REQUIRE(lunik_host_getaddrinfo("127.0.0.1", "80", &hints, &found) == 0);
    memcpy(&at, found->ai_addr, sizeof(at));
    CHECK_EQ(ntohs(at.sin_port), 80);
    freeaddrinfo(found);
    REQUIRE(lunik_host_getaddrinfo("localhost", NULL, &hints, &found) == 0);
    memcpy(&at, found->ai_addr, sizeof(at));
    CHECK_EQ(ntohl(at.sin_addr.s_addr), INADDR_LOOPBACK);
    freeaddrinfo(found);
    hints.ai_flags = AI_NUMERICHOST;
    CHECK_EQ(lunik_host_getaddrinfo("localhost", NULL, &hints, &found),
             EAI_NONAME);
    lunik_fiber_cancel(lunik_fiber_self());
    hints.ai_flags = 0;
    CHECK_EQ(lunik_host_getaddrinfo("localhost", NULL, &hints, &found),
             EAI_SYSTEM);
    CHECK_EQ(errno, ECANCELED);
    lunik_fiber_set_cancelled(false);
}

/* ---- Interfaces ---- */

TEST(the_loopback_is_the_last_interface)
{
    struct lunik_interface interface, last = { 0 };
    size_t count = 0;
    bool has_it = false;

    while (lunik_interface_get(count, &interface) == LUNIK_OK) {
        last = interface;
        count++;
    }
    REQUIRE(count > 0);
    CHECK_STR_EQ(last.name, "lo");
    for (size_t i = 0; i < last.address_count; i++)
        has_it |= last.addresses[i].address.family == LUNIK_IP4 &&
                  last.addresses[i].address.bytes[0] == 127 &&
                  last.addresses[i].prefix_len == 8;
    CHECK(has_it);
    CHECK(last.has_link);
    CHECK_EQ(platform_host_zone_to_linux((uint32_t)count + 1), 0);
    CHECK_EQ(platform_host_zone_from_linux(
                 platform_host_zone_to_linux((uint32_t)count)),
             count);
    CHECK_EQ(lunik_interface_wait(LUNIK_IP4, within(SOON)), LUNIK_OK);
}
