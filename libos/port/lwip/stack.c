/* SPDX-License-Identifier: MIT */
/*
 * stack.c: starts the IP stack, its interfaces, and ends its turns.
 */
#include "stack.h"
#include "addresses.h"
#include "device.h"
#include "tcp_table.h"
#include "timers.h"
#include <lunik/event.h>
#include <lunik/log.h>
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <string.h>

#include "lunik_hooks.h"
#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/igmp.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/udp.h"
#include "netif/ethernet.h"

struct lunik_lwip_device *lunik_lwip_devices[LUNIK_LWIP_INTERFACES_MAX];

static struct {
    struct lunik_source source; /* for turns that a fiber begins */
    size_t device_count;
    bool is_started;
    bool is_in_turn;
} stack;

struct lunik_lwip_device *lunik_lwip_device_of(const struct netif *netif)
{
    return netif->state;
}

bool lunik_lwip_has_network(void)
{
    return stack.device_count > 0;
}

/* ---- Turns ---- */

void lunik_lwip_touched(void)
{
    if (!stack.is_in_turn && stack.is_started)
        lunik_source_notify(&stack.source);
}

/* What an interface sent to itself. Nobody could have damaged it. */
static void poll_loops(void)
{
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        uint16_t checks = netif->chksum_flags;

        if (!netif->loop_first)
            continue;
        NETIF_SET_CHECKSUM_CTRL(netif, NETIF_CHECKSUM_DISABLE_ALL);
        netif_poll(netif);
        NETIF_SET_CHECKSUM_CTRL(netif, checks);
    }
}

#define LOOPS_MAX 4 /* in a turn */

static void begin_turn(void)
{
    LUNIK_ASSERT(!stack.is_in_turn);
    stack.is_in_turn = true;
}

/* (is_all): see lunik_lwip_timers_update(). */
static void end_turn(bool is_all)
{
    /* What comes by the loop may be answered at once, by the loop: others are
     * to have their turn, too. */
    for (int i = 0; i < LOOPS_MAX; i++) {
        lunik_tcp_output_all();
        poll_loops();
        if (!lunik_tcp_has_output())
            break;
    }
    if (lunik_tcp_has_output())
        lunik_source_notify(&stack.source);
    for (size_t i = 0; i < stack.device_count; i++)
        lunik_lwip_flush(lunik_lwip_devices[i]);
    lunik_lwip_timers_update(is_all);
    stack.is_in_turn = false;
}

static void on_touched(void *arg)
{
    (void)arg;
    begin_turn();
    end_turn(false);
}

static void on_timer(void *arg)
{
    (void)arg;
    begin_turn();
    lunik_lwip_timers_run();
    end_turn(true);
}

/* An interface must not run lwIP's loop path behind our back. */
err_t lunik_lwip_loop_output(struct netif *netif, struct pbuf *pbuf)
{
    lunik_lwip_touched();
    return netif_loop_output(netif, pbuf);
}

/* ---- Devices ---- */

static void look_at_link(struct lunik_lwip_device *device)
{
    bool has_link = lunik_net_has_link(device->net);

    if (lunik_net_is_broken(device->net)) {
        if (!device->is_broken) {
            device->is_broken = true;
            netif_set_link_down(&device->netif);
        }
        return;
    }
    if (has_link == (bool)netif_is_link_up(&device->netif))
        return;
    lunik_log(LUNIK_LOG_INFO, "%s: link %s", device->info.name,
              has_link ? "up" : "down");
    if (has_link)
        netif_set_link_up(&device->netif);
    else
        netif_set_link_down(&device->netif);
}

static void on_device(void *arg)
{
    struct lunik_lwip_device *device = arg;
    bool is_all;

    begin_turn();
    look_at_link(device);
    is_all = lunik_lwip_receive(device);
    if (device->is_blocked) {
        device->is_blocked = false;
        lunik_lwip_flush(device);
        if (device->has_refused) {
            device->has_refused = false;
            tcp_txnow();
        }
    }
    end_turn(is_all);
}

static err_t init_netif(struct netif *netif)
{
    struct lunik_lwip_device *device = netif->state;

    netif->name[0] = 'n';
    netif->name[1] = 'e';
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = lunik_lwip_send;
    netif->mtu = device->info.mtu;
    netif->hwaddr_len = 6;
    memcpy(netif->hwaddr, device->info.address, 6);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
                   NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    device->checks = NETIF_CHECKSUM_ENABLE_ALL;
    if (device->info.features & LUNIK_NET_CHECKSUM_SEND)
        device->checks &= (uint16_t)~NETIF_CHECKSUM_GEN_TCP;
    NETIF_SET_CHECKSUM_CTRL(netif, device->checks);
    return ERR_OK;
}

/* Opens the device called (name); NULL, and a line in the log, if it cannot. */
static struct lunik_lwip_device *open_device(const char *name)
{
    struct lunik_lwip_device *device =
        lunik_mem_alloc_zeroed(1, sizeof(*device));
    size_t most =
        sizeof(device->gather.parts) / sizeof(device->gather.parts[0]);
    lunik_result result;

    if (!device)
        return NULL;
    result = lunik_net_open(name, &device->net);
    if (result != LUNIK_OK) {
        /* A program that has it for itself is welcome to it. */
        if (result != LUNIK_EINUSE)
            lunik_log(LUNIK_LOG_WARN, "%s: cannot be opened: %s", name,
                      lunik_result_text(result));
        lunik_mem_free(device);
        return NULL;
    }
    lunik_net_get_info(device->net, &device->info);
    device->parts_max =
        device->info.parts_max < most ? device->info.parts_max : most;
    return device;
}

/* The device called (name), the machine's (index)th. One that is off stays
 * with the program, if that wants it. */
static void add_device(const char *name, size_t index)
{
    struct lunik_lwip_config config;
    struct lunik_lwip_device *device;

    lunik_lwip_config_find(index, &config);
    if (config.is_off)
        return;
    device = open_device(name);
    if (!device)
        return;
    device->config = config;
    if (!netif_add_noaddr(&device->netif, device, init_netif, ethernet_input)) {
        lunik_log(LUNIK_LOG_WARN, "%s: no memory for it", name);
        lunik_net_close(device->net);
        lunik_mem_free(device);
        return;
    }
    if (stack.device_count == 0)
        netif_set_default(&device->netif);
    lunik_lwip_devices[stack.device_count++] = device;
    lunik_net_set_handler(device->net, on_device, device);
    lunik_lwip_configure(device);
}

/* ---- Start ---- */

/* As lwip_init() of upstream's init.c, whose checks do not know that our
 * bounds are variables. */
static void init_modules(void)
{
    mem_init();
    memp_init();
    netif_init();
    udp_init();
    tcp_init();
    igmp_init();
}

void lunik_lwip_start(void)
{
    struct lunik_mem_info info;
    const char *name;

    LUNIK_ASSERT(lunik_lwip_is_linked);
    if (stack.is_started)
        return;
    lunik_mem_get_info(&info);
    lunik_lwip_memory_init(info.free_bytes);
    lunik_tcp_init(lunik_lwip_memory_limit());
    lunik_lwip_timers_init(on_timer);
    stack.source.poll = on_touched;
    if (lunik_source_add(&stack.source) != LUNIK_OK)
        lunik_panic("network: no event source left");
    stack.is_started = true;
    begin_turn();
    init_modules();
    for (size_t i = 0; i < LUNIK_LWIP_INTERFACES_MAX; i++) {
        name = lunik_net_name(i);
        if (!name)
            break;
        add_device(name, i);
    }
    end_turn(true);
}
