/* SPDX-License-Identifier: MIT */
/*
 * net.h: network devices, as frames.
 *
 * A device is known by its name, "net0" for the first. Whoever opens it has it
 * alone: the IP stack of <lunik/socket.h>, where a program uses sockets, or
 * the program itself.
 *
 * Frames begin with their 14-byte Ethernet header and have no checksum at the
 * end. Nothing is copied on the way in or out: a received frame lies in the
 * device's buffers until it is released, and a sent one in the caller's until
 * he is told that it is done.
 *
 * A device that misbehaves is given up: it is marked broken, which is logged,
 * and every call answers LUNIK_EIO from then on. The image goes on without it.
 *
 * Context: task, or a source's poll. No function here waits, but
 * lunik_net_wait().
 */
#ifndef LUNIK_NET_H
#define LUNIK_NET_H

#include <lunik/attr.h>
#include <lunik/event.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lunik_net;

#define LUNIK_NET_NAME_MAX 15
#define LUNIK_NET_HEADER_SIZE 14 /* Ethernet */

/* What a device does for its user: bits of (features). */
#define LUNIK_NET_CHECKSUM_SEND 1u    /* fills in a TCP or UDP checksum */
#define LUNIK_NET_CHECKSUM_RECEIVE 2u /* says which ones it has checked */
#define LUNIK_NET_SEGMENT4 4u         /* cuts TCP over IPv4 (TSO4) */
#define LUNIK_NET_SEGMENT6 8u         /* cuts TCP over IPv6 (TSO6) */

struct lunik_net_info {
    char name[LUNIK_NET_NAME_MAX + 1];
    uint8_t address[6]; /* hardware address */
    uint16_t mtu;       /* bytes after the Ethernet header */
    unsigned features;  /* LUNIK_NET_… */
    size_t parts_max;   /* pieces of a frame to send, at least 18 */
};

/*
 * Opens the device called (name).
 * Returns: LUNIK_ENOENT if there is none, LUNIK_EINUSE if somebody has it,
 * LUNIK_ENOMEM, or LUNIK_EIO if it cannot be started.
 */
LUNIK_MUST_CHECK lunik_result lunik_net_open(const char *name,
                                             struct lunik_net **out);

/* Stops the device; frames not yet done are told of as done, and buffers not
 * yet released are gone. NULL: nothing. Not from a frame's (done). */
void lunik_net_close(struct lunik_net *net);

/* The name of the (index)th device, opened or not; NULL past the last. */
const char *lunik_net_name(size_t index);

void lunik_net_get_info(const struct lunik_net *net,
                        struct lunik_net_info *out);

/* Whether the cable is in. A device without such a notion always says yes. */
bool lunik_net_has_link(const struct lunik_net *net);
bool lunik_net_is_broken(const struct lunik_net *net);

/* ---- Receiving ---- */

/* What is known of a received frame's checksums. */
enum lunik_net_checksum {
    LUNIK_NET_UNCHECKED, /* nothing: check it */
    LUNIK_NET_CHECKED,   /* TCP or UDP checksum seen and good */
    LUNIK_NET_PARTIAL,   /* never left this host: not filled in, data is good */
};

/* Frames longer than this many buffers are dropped (64 KiB in 2 KiB each). */
#define LUNIK_NET_RECEIVE_PARTS_MAX 34

struct lunik_net_part {
    void *data; /* memory of the heap, pages or the image; never of a stack */
    size_t size;
};

/*
 * One frame, in parts. (tokens) name the device's buffers, one for each part:
 * they go back one by one, in any order, with lunik_net_release().
 * (is_scarce): the device has few buffers left; copy rather than keep.
 */
struct lunik_net_frame {
    size_t size;  /* of all parts */
    size_t count; /* parts, at least 1 */
    struct lunik_net_part parts[LUNIK_NET_RECEIVE_PARTS_MAX];
    uint32_t tokens[LUNIK_NET_RECEIVE_PARTS_MAX];
    enum lunik_net_checksum checksum;
    bool is_scarce;
};

/*
 * Takes the next frame. Every field of it was checked: parts lie within the
 * device's buffers; what the bytes say is the caller's to distrust.
 * Returns: LUNIK_EAGAIN when there is none.
 */
LUNIK_MUST_CHECK lunik_result lunik_net_receive(struct lunik_net *net,
                                                struct lunik_net_frame *out);

/* Gives one buffer back. It is the device's again at once. */
void lunik_net_release(struct lunik_net *net, uint32_t token);

/* ---- Sending ---- */

/* What the device is to do to a frame. Zeroed: nothing. Offsets in bytes from
 * the frame's start. */
struct lunik_net_offload {
    bool wants_checksum;      /* fill in the 16 bits at (checksum_start + */
    uint16_t checksum_start;  /* checksum_offset) with the sum from start to */
    uint16_t checksum_offset; /* the end; the pseudo-header's sum is there, */
                              /* with the whole length, also when cutting */
    uint16_t segment_size;    /* not 0: cut into segments of so many bytes */
    uint16_t header_size;     /* Ethernet, IP and TCP header, when cutting */
    bool is_ip6;              /* which kind of cutting */
};

/*
 * Sends one frame of (count) parts, without waiting and without copying:
 * (done)(arg) is called from a later poll, once the device no longer reads the
 * parts (or at once when it was given up or closed); (done) may be NULL for
 * memory that never changes. (offload) may be NULL. The device may wait for
 * more until lunik_net_flush().
 * Returns: LUNIK_EAGAIN when the queue is full: nothing was sent, and the
 *   handler is called when there is room. LUNIK_EINVAL: too many parts, an
 *   empty one, too long, or an offload that the device has not. LUNIK_EIO:
 * broken. (done) is not called for any of these.
 */
LUNIK_MUST_CHECK lunik_result
lunik_net_send(struct lunik_net *net, const struct lunik_net_part *parts,
               size_t count, const struct lunik_net_offload *offload,
               void (*done)(void *arg), void *arg);

/* Makes sure that the device sees what was sent. Cheap when nothing was. */
void lunik_net_flush(struct lunik_net *net);

/* Copies (size) bytes at (frame) and sends them, and flushes: for few frames.
 * Results as lunik_net_send(), and LUNIK_ENOMEM. */
LUNIK_MUST_CHECK lunik_result lunik_net_send_copy(struct lunik_net *net,
                                                  const void *frame,
                                                  size_t size);

/* ---- Waiting ---- */

/*
 * Sets what is called, from the event loop, when frames came, there is room
 * again, the link changed, or the device broke. It must not wait. It should
 * receive until LUNIK_EAGAIN: only then is it called again.
 */
void lunik_net_set_handler(struct lunik_net *net, void (*handler)(void *arg),
                           void *arg);

/* Waits for the same, for a program without a handler.
 * Returns: LUNIK_OK, LUNIK_ETIMEOUT, LUNIK_ECANCELED. */
LUNIK_MUST_CHECK lunik_result lunik_net_wait(struct lunik_net *net,
                                             uint64_t deadline_ns);

/* ---- Counting ---- */

struct lunik_net_counts {
    uint64_t received_frames, received_bytes;
    uint64_t sent_frames, sent_bytes;
    uint64_t dropped;    /* received, but malformed, too long or no room */
    uint64_t interrupts; /* times that it asked to be looked at */
};
void lunik_net_get_counts(const struct lunik_net *net,
                          struct lunik_net_counts *out);

#endif
