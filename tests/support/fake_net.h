/* SPDX-License-Identifier: MIT */
/*
 * fake_net.h: two network devices with a cable between them, for tests of what
 * stands on <lunik/net.h>.
 *
 * A test program that has fake_net.c among its sources has "net0" and "net1":
 * what one sends, the other receives. A frame to an end that nobody has opened
 * waits for fake_net_take(), and fake_net_inject() puts one on the cable, so a
 * test can also play one end by hand. All is done at once and in order unless
 * the fields below say otherwise; the same seed gives the same run.
 *
 * Every received part is a block of its own of exactly its size, given back to
 * malloc() by the release: a sanitizer sees who reads past or after it. What
 * is sent is copied when the frame is sent, and the sender's (done) is called
 * from his next poll; in between, nobody may have changed it: that is checked.
 *
 * Works with the real event loop: tests on a fiber (TEST_ON_FIBER), or with
 * fake.h and its clock.
 */
#ifndef LUNIK_TEST_FAKE_NET_H
#define LUNIK_TEST_FAKE_NET_H

#include "net_device.h"

struct fake_net_end {
    struct lunik_net net; /* first */

    /* What the test may set, before the device is opened or at any time.
     * fake_net_reset() gives the values in parentheses. */
    unsigned features;   /* LUNIK_NET_… (0) */
    uint16_t mtu;        /* (1500) */
    size_t parts_max;    /* (18) */
    size_t part_size;    /* received frames come in such pieces (2034) */
    size_t receive_max;  /* frames that wait; more are lost (256) */
    size_t send_max;     /* frames not done; then EAGAIN (128) */
    bool joins_segments; /* takes what the other cuts, whole (false) */
    bool is_scarce;      /* says so with each frame (false) */
    bool holds_sends;    /* what is sent is not done, until... (false) */
    bool is_deaf;        /* what comes is lost (false) */
    unsigned budget;     /* frames for one poll (64) */

    /* Chances of 1000, of a frame on the way to this end (0). */
    unsigned lost, doubled, swapped, damaged;

    /* Called for each frame to this end, as it is on the wire (NULL). */
    void (*on_frame)(const uint8_t *frame, size_t size, void *arg);
    void *on_frame_arg;

    /* What a test may look at. */
    unsigned flushes; /* that had something to flush */
    size_t lent;      /* parts that the user has */
    size_t waiting;   /* frames that he has not received */
    size_t not_done;  /* frames whose done was not called */
};

/* net0 and net1. */
extern struct fake_net_end fake_net_ends[2];

/* Makes both ends new. They must be closed. */
void fake_net_reset(uint64_t seed);

/* Has (frame) arrive at end (index), whatever the fields above say. */
void fake_net_inject(unsigned index, const void *frame, size_t size,
                     enum lunik_net_checksum checksum);

/* Takes the oldest frame that waits at end (index), which nobody has open.
 * Returns its size, 0: there is none. */
size_t fake_net_take(unsigned index, void *out, size_t max);

/* Lets go of what (holds_sends) holds. */
void fake_net_finish_sends(unsigned index);

/* Pulls the cable, for both ends, or puts it back. */
void fake_net_set_link(bool has_link);

/* End (index) is given up, as a device that lied. For good: a reset makes it
 * whole. */
void fake_net_break(unsigned index);

#endif
