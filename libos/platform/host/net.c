/* SPDX-License-Identifier: MIT */
/*
 * net.c: the network devices of a process: Linux's tap interfaces.
 *
 * The launch line names them, "tap=tap0", once for each device, in order. An
 * interface must be this user's (`ip tuntap add tap0 mode tap user NAME`), or
 * the process may make it. Its frames carry virtio's header, so checksums and
 * segments are left to Linux just as a virtual machine leaves them.
 */
#include "host.h"
#include "net_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <lunik/log.h>
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <lunik/random.h>
#include <lunik/start.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PARTS_MAX 64
#define FRAME_MAX (65535 + LUNIK_NET_HEADER_SIZE)
#define HEADER_SIZE sizeof(struct virtio_net_hdr)
#define BUFFER_SIZE ((HEADER_SIZE + FRAME_MAX + 15) & ~(size_t)15)
#define BUFFER_COUNT 16 /* of a whole frame each */
#define DONE_MAX 256    /* frames that are to be told of */
#define BUDGET 64

struct done {
    void (*fn)(void *arg);
    void *arg;
};

struct tap {
    struct lunik_net net; /* first */
    const char *interface;
    struct platform_host_watch watch;
    struct lunik_source source;
    uint8_t *buffers;
    struct done done[DONE_MAX];
    unsigned done_first, done_count;
    unsigned lent_count, budget;
    int fd; /* -1: closed */
    bool is_lent[BUFFER_COUNT];
    bool is_added; /* the source */
};

static struct tap taps[LUNIK_NET_MAX];

static bool is_interface(const char *value)
{
    size_t len = strlen(value);

    return len > 0 && len < IFNAMSIZ && !strchr(value, '/');
}

static const struct lunik_option options[] LUNIK_USED LUNIK_OPTIONS = {
    { "tap", is_interface, "the name of a tap interface", true },
};

static struct tap *tap_of(struct lunik_net *net)
{
    return (struct tap *)(void *)net;
}

/* ---- Polling ---- */

static LUNIK_COLD void fail(struct tap *tap, const char *what)
{
    if (tap->net.is_broken)
        return;
    lunik_log(LUNIK_LOG_ERROR,
              "net: the tap %s %s: %s; it is not used any more", tap->interface,
              what, strerror(errno));
    tap->net.is_broken = true;
    lunik_source_notify(&tap->source);
}

static void finish_sends(struct tap *tap)
{
    /* Those that are told may send, which adds behind. */
    for (unsigned left = tap->done_count; left > 0; left--) {
        struct done done = tap->done[tap->done_first];

        tap->done_first = (tap->done_first + 1) % DONE_MAX;
        tap->done_count--;
        if (done.fn)
            done.fn(done.arg);
    }
}

static void poll_tap(void *arg)
{
    struct tap *tap = arg;

    if (tap->fd < 0)
        return;
    tap->net.counts.interrupts++;
    tap->budget = BUDGET;
    finish_sends(tap);
    lunik_net_tell(&tap->net);
}

static void on_ready(struct platform_host_watch *watch, uint32_t events)
{
    struct tap *tap =
        (struct tap *)(void *)((uint8_t *)watch - offsetof(struct tap, watch));

    (void)events;
    lunik_source_notify(&tap->source);
}

/* ---- Receiving ---- */

static lunik_result receive(struct lunik_net *net, struct lunik_net_frame *out)
{
    struct tap *tap = tap_of(net);
    uint32_t token = 0;
    struct virtio_net_hdr header;
    uint8_t *buffer;
    ssize_t got;

    if (tap->lent_count == BUFFER_COUNT)
        return LUNIK_EAGAIN; /* a release tells */
    if (tap->budget == 0) {
        lunik_source_notify(&tap->source);
        return LUNIK_EAGAIN;
    }
    while (tap->is_lent[token])
        token++;
    buffer = tap->buffers + token * BUFFER_SIZE;
    got = read(tap->fd, buffer, BUFFER_SIZE);
    if (got < 0 && (errno == EBADFD || errno == ENODEV))
        fail(tap, "went away");
    if (tap->net.is_broken)
        return LUNIK_EIO;
    if (got < (ssize_t)(HEADER_SIZE + LUNIK_NET_HEADER_SIZE))
        return LUNIK_EAGAIN; /* none; or the interface is down */
    tap->budget--;
    memcpy(&header, buffer, HEADER_SIZE);
    tap->is_lent[token] = true;
    tap->lent_count++;
    out->size = (size_t)got - HEADER_SIZE;
    out->count = 1;
    out->parts[0] = (struct lunik_net_part) { buffer + HEADER_SIZE, out->size };
    out->tokens[0] = token;
    out->checksum =
        header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM   ? LUNIK_NET_PARTIAL
        : header.flags & VIRTIO_NET_HDR_F_DATA_VALID ? LUNIK_NET_CHECKED
                                                     : LUNIK_NET_UNCHECKED;
    out->is_scarce = tap->lent_count > BUFFER_COUNT / 2;
    net->counts.received_frames++;
    net->counts.received_bytes += out->size;
    return LUNIK_OK;
}

static void release(struct lunik_net *net, uint32_t token)
{
    struct tap *tap = tap_of(net);

    LUNIK_ASSERT(token < BUFFER_COUNT);
    LUNIK_ASSERT(tap->is_lent[token]);
    tap->is_lent[token] = false;
    /* Frames may have waited for it, and Linux tells of them only once. */
    if (tap->lent_count-- == BUFFER_COUNT)
        lunik_source_notify(&tap->source);
}

/* ---- Sending ---- */

static struct virtio_net_hdr
make_header(const struct lunik_net_offload *offload)
{
    struct virtio_net_hdr header = { .flags = 0 };

    if (!offload)
        return header;
    if (offload->wants_checksum) {
        header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        header.csum_start = offload->checksum_start;
        header.csum_offset = offload->checksum_offset;
    }
    if (offload->segment_size != 0) {
        header.gso_type = offload->is_ip6 ? VIRTIO_NET_HDR_GSO_TCPV6
                                          : VIRTIO_NET_HDR_GSO_TCPV4;
        header.gso_size = offload->segment_size;
        header.hdr_len = offload->header_size;
    }
    return header;
}

/* Linux copies the frame: only telling of that comes later. What it does not
 * take for another reason than room is lost, as on a cable. */
static lunik_result send_frame(struct lunik_net *net,
                               const struct lunik_net_part *parts, size_t count,
                               size_t size,
                               const struct lunik_net_offload *offload,
                               void (*done)(void *arg), void *arg)
{
    struct tap *tap = tap_of(net);
    struct virtio_net_hdr header = make_header(offload);
    struct iovec pieces[PARTS_MAX + 1] = { { &header, HEADER_SIZE } };

    lunik_source_notify(&tap->source);
    if (tap->done_count == DONE_MAX)
        return LUNIK_EAGAIN;
    for (size_t i = 0; i < count; i++)
        pieces[i + 1] = (struct iovec) { parts[i].data, parts[i].size };
    if (writev(tap->fd, pieces, (int)count + 1) < 0) {
        if (errno == EAGAIN)
            return LUNIK_EAGAIN;
        if (errno == EBADFD || errno == ENODEV) {
            fail(tap, "went away");
            return LUNIK_EIO;
        }
    }
    tap->done[(tap->done_first + tap->done_count++) % DONE_MAX] =
        (struct done) { done, arg };
    net->counts.sent_frames++;
    net->counts.sent_bytes += size;
    return LUNIK_OK;
}

static void flush(struct lunik_net *net)
{
    (void)net; /* sent is sent */
}

/* ---- Starting and stopping ---- */

static int open_interface(const char *name)
{
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    int header_size = HEADER_SIZE;
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

    if (fd < 0)
        return -1;
    memcpy(request.ifr_name, name, strlen(name) + 1);
    if (ioctl(fd, TUNSETIFF, &request) == 0 &&
        ioctl(fd, TUNSETVNETHDRSZ, &header_size) == 0)
        return fd;
    close(fd);
    return -1;
}

static uint16_t mtu_of(const char *name)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = { .ifr_mtu = 0 };
    bool is_known;

    memcpy(request.ifr_name, name, strlen(name) + 1);
    is_known = fd >= 0 && ioctl(fd, SIOCGIFMTU, &request) == 0;
    if (fd >= 0)
        close(fd);
    return is_known && request.ifr_mtu >= 68 && request.ifr_mtu <= UINT16_MAX
               ? (uint16_t)request.ifr_mtu
               : 1500;
}

static void fill_info(struct tap *tap)
{
    struct lunik_net_info *info = &tap->net.info;
    unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

    /* Linux's own end has the interface's address. */
    lunik_random_fill(info->address, sizeof(info->address));
    info->address[0] = (uint8_t)((info->address[0] & ~1u) | 2);
    info->mtu = mtu_of(tap->interface);
    info->parts_max = PARTS_MAX;
    /* What we take from Linux; what it takes from us is always all. */
    info->features =
        LUNIK_NET_CHECKSUM_SEND | LUNIK_NET_SEGMENT4 | LUNIK_NET_SEGMENT6;
    if (ioctl(tap->fd, TUNSETOFFLOAD, offloads) == 0)
        info->features |= LUNIK_NET_CHECKSUM_RECEIVE;
}

static lunik_result start_watching(struct tap *tap)
{
    tap->source = (struct lunik_source) { poll_tap, tap, tap->source.bit };
    if (!tap->is_added && lunik_source_add(&tap->source) != LUNIK_OK)
        return LUNIK_ENOMEM;
    tap->is_added = true;
    tap->watch = (struct platform_host_watch) { .fn = on_ready,
                                                .fd = tap->fd,
                                                .wants = EPOLLIN | EPOLLOUT };
    return platform_host_watch_add(&tap->watch);
}

static lunik_result open_tap(struct lunik_net *net)
{
    struct tap *tap = tap_of(net);
    lunik_result result;

    tap->buffers = lunik_mem_alloc(BUFFER_COUNT * BUFFER_SIZE);
    if (!tap->buffers)
        return LUNIK_ENOMEM;
    tap->fd = open_interface(tap->interface);
    if (tap->fd < 0) {
        lunik_log(LUNIK_LOG_ERROR, "net: the tap %s cannot be opened: %s",
                  tap->interface, strerror(errno));
        result = LUNIK_EIO;
        goto free;
    }
    fill_info(tap);
    result = start_watching(tap);
    if (result != LUNIK_OK)
        goto close;
    memset(tap->is_lent, 0, sizeof(tap->is_lent));
    tap->lent_count = tap->done_first = tap->done_count = 0;
    tap->budget = BUDGET;
    net->has_link = true;
    return LUNIK_OK;

close:
    close(tap->fd);
    tap->fd = -1;
free:
    lunik_mem_free(tap->buffers);
    return result;
}

static void close_tap(struct lunik_net *net)
{
    struct tap *tap = tap_of(net);

    platform_host_watch_remove(&tap->watch);
    close(tap->fd);
    tap->fd = -1;
    net->is_broken = true; /* who is told of his frames does not send */
    finish_sends(tap);
    net->is_broken = false; /* the interface may be there again */
    lunik_mem_free(tap->buffers);
    tap->buffers = NULL;
}

static const struct lunik_net_ops ops = {
    .open = open_tap,
    .close = close_tap,
    .receive = receive,
    .release = release,
    .send = send_frame,
    .flush = flush,
};

struct lunik_net *platform_net(size_t index)
{
    const char *interface;

    if (index >= LUNIK_NET_MAX)
        return NULL;
    interface = lunik_launch_option("tap", index);
    if (!interface)
        return NULL;
    if (!taps[index].net.ops) {
        taps[index].net.ops = &ops;
        taps[index].interface = interface;
        taps[index].fd = -1;
    }
    return &taps[index].net;
}
