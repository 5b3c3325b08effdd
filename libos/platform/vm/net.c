/* SPDX-License-Identifier: MIT */
/* net.c: the network devices of this machine, in the order of their buses. */
#include "net.h"

static struct {
    struct lunik_net *devices[LUNIK_NET_MAX];
    size_t count;
    bool is_done; /* there are no more */
} found;

struct lunik_net *platform_net(size_t index)
{
    while (!found.is_done && found.count <= index &&
           found.count < LUNIK_NET_MAX) {
        struct lunik_net *net = platform_virtio_net_take();

        if (net)
            found.devices[found.count++] = net;
        else
            found.is_done = true;
    }
    return index < found.count ? found.devices[index] : NULL;
}
