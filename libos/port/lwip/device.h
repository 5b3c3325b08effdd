/* SPDX-License-Identifier: MIT */
/*
 * device.h: an interface: lwIP's netif on a device of <lunik/net.h>.
 *
 * Context: task. Nothing here waits.
 */
#ifndef LUNIK_LWIP_DEVICE_H
#define LUNIK_LWIP_DEVICE_H

#include "config.h"
#include "stack.h"
#include <lunik/net.h>

#include "lwip/acd.h"

/* Segments of TCP that become one frame: 64 KiB of the usual size. */
#define LUNIK_LWIP_JOIN_MAX 45

/* Frames of several segments, on their way. */
struct lunik_lwip_frame {
    struct lunik_lwip_frame *next; /* in the list of free ones */
    size_t count;
    struct pbuf *segments[LUNIK_LWIP_JOIN_MAX];
};

/* A frame that may still grow: see send.c. */
struct lunik_lwip_gather {
    size_t count; /* segments; 0: none is held back */
    size_t part_count;
    size_t size;    /* of the frame */
    size_t header;  /* of its first segment: Ethernet to TCP */
    size_t payload; /* of each segment but the last */
    bool is_ip6;
    bool is_full;  /* the last was shorter: no more */
    uint32_t next; /* sequence number that would follow */
    struct pbuf *segments[LUNIK_LWIP_JOIN_MAX];
    struct lunik_net_part parts[64];
};

struct lunik_lwip_device {
    struct netif netif;
    struct lunik_net *net;
    struct lunik_net_info info;
    struct lunik_lwip_config config;
    struct lunik_lwip_gather gather;
    struct acd acd; /* watches a static IPv4 address */
    size_t parts_max;
    uint16_t checks;    /* checksums that are ours to do */
    bool has_sent;      /* since the last flush */
    bool is_blocked;    /* the device's queue was full */
    bool has_refused;   /* segments of TCP, because of that */
    bool is_broken;     /* seen, and said */
    bool has_duplicate; /* the static address is somebody else's */
    uint32_t logged4;   /* the IPv4 address last logged */
    uint32_t logged6;   /* which IPv6 addresses were usable */
};

extern struct lunik_lwip_device *lunik_lwip_devices[LUNIK_LWIP_INTERFACES_MAX];

struct lunik_lwip_device *lunik_lwip_device_of(const struct netif *netif);

/* ---- receive.c ---- */

/* Takes all frames that the device has. False: all were segments of TCP. */
bool lunik_lwip_receive(struct lunik_lwip_device *device);

/* ---- send.c ---- */

err_t lunik_lwip_send(struct netif *netif, struct pbuf *frame);

/* Sends what was held back, and tells the device. */
void lunik_lwip_flush(struct lunik_lwip_device *device);

#endif
