/* SPDX-License-Identifier: MIT */
/*
 * net_device.h: a network device as <lunik/net.h> and its driver share it.
 *
 * A driver embeds a struct lunik_net in its own state, first, and fills (ops)
 * and later (info). The core does what is alike for all devices: names, who
 * has it open, the handler, waiting. The calls of the ops come with a device
 * that is open and, but for close and release, not broken.
 *
 * Context: task.
 */
#ifndef LUNIK_NET_DEVICE_H
#define LUNIK_NET_DEVICE_H

#include <lunik/net.h>

/* Devices of all kinds together. */
#define LUNIK_NET_MAX 4

/* What a driver does. See <lunik/net.h> for what each is to promise. */
struct lunik_net_ops {
    /* Starts the device and fills (net->info) but for its name, and
     * (net->has_link). */
    lunik_result (*open)(struct lunik_net *net);
    /* Stops it, calls done for what was sent, and frees all. */
    void (*close)(struct lunik_net *net);
    lunik_result (*receive)(struct lunik_net *net, struct lunik_net_frame *out);
    void (*release)(struct lunik_net *net, uint32_t token);
    /* (count) and (offload) were checked against (net->info); (size) is that
     * of all parts. */
    lunik_result (*send)(struct lunik_net *net,
                         const struct lunik_net_part *parts, size_t count,
                         size_t size, const struct lunik_net_offload *offload,
                         void (*done)(void *arg), void *arg);
    void (*flush)(struct lunik_net *net);
};

struct lunik_net {
    const struct lunik_net_ops *ops;
    struct lunik_net_info info;
    struct lunik_net_counts counts;
    bool has_link;
    bool is_broken; /* for good */
    /* The core's own. */
    bool is_open;
    bool has_news; /* told of, and nobody has waited since */
    void (*handler)(void *arg);
    void *handler_arg;
    struct lunik_event event;
};

/* For drivers, from a source's poll or a timer: there is something new. */
void lunik_net_tell(struct lunik_net *net);

/* Given by the platform: its (index)th device, the same for the image's life.
 * NULL past the last one. */
struct lunik_net *platform_net(size_t index);

#endif
