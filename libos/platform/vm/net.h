/* SPDX-License-Identifier: MIT */
/* net.h: the hooks through which drivers give network devices. */
#ifndef LUNIK_PLATFORM_VM_NET_H
#define LUNIK_PLATFORM_VM_NET_H

#include "net_device.h"

/* The next virtio network device that was not asked for yet; NULL: no more, or
 * no memory. Context: task. */
struct lunik_net *platform_virtio_net_take(void);

#endif
