/* SPDX-License-Identifier: MIT */
/*
 * interface.c: <lunik/interface.h> as Linux has it.
 *
 * The interfaces in Linux's order, the loopback last: a program that looks at
 * the first one means the network, and one that runs where there is only the
 * loopback still finds something to serve on.
 */
#include "host.h"
#include "platform.h"
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <lunik/event.h>
#include <lunik/interface.h>
#include <lunik/time.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define INTERFACES_MAX 64
/* How often a wait looks again. */
#define LOOK_NS (200 * LUNIK_NS_PER_MS)

static unsigned loopback_index(void)
{
    return if_nametoindex("lo");
}

/* Linux's indexes, the loopback's last. Returns how many. */
static size_t list(unsigned out[INTERFACES_MAX])
{
    struct if_nameindex *all = if_nameindex();
    unsigned loopback = loopback_index();
    size_t count = 0;

    for (struct if_nameindex *at = all; at && at->if_index; at++)
        if (at->if_index != loopback && count < INTERFACES_MAX - 1)
            out[count++] = at->if_index;
    if (loopback)
        out[count++] = loopback;
    if (all)
        if_freenameindex(all);
    return count;
}

uint32_t platform_host_zone_from_linux(uint32_t index)
{
    unsigned all[INTERFACES_MAX];
    size_t count = index ? list(all) : 0;

    for (size_t i = 0; i < count; i++)
        if (all[i] == index)
            return (uint32_t)i + 1;
    return 0;
}

uint32_t platform_host_zone_to_linux(uint32_t zone)
{
    unsigned all[INTERFACES_MAX];

    return zone && zone <= list(all) ? all[zone - 1] : 0;
}

/* ---- One interface ---- */

static uint8_t prefix_len(const struct sockaddr *mask)
{
    const uint8_t *bytes;
    size_t size;
    uint8_t bits = 0;

    if (!mask)
        return 0;
    if (mask->sa_family == AF_INET) {
        bytes = (const uint8_t *)&((const struct sockaddr_in *)mask)->sin_addr;
        size = 4;
    } else {
        bytes =
            (const uint8_t *)&((const struct sockaddr_in6 *)mask)->sin6_addr;
        size = 16;
    }
    for (size_t i = 0; i < size; i++)
        bits = (uint8_t)(bits + __builtin_popcount(bytes[i]));
    return bits;
}

static bool is_link_local(const struct lunik_address *address)
{
    const uint8_t *at = address->bytes;

    return address->family == LUNIK_IP6
               ? at[0] == 0xfe && (at[1] & 0xc0) == 0x80
               : at[0] == 169 && at[1] == 254;
}

static void add(struct lunik_interface *out, const struct ifaddrs *at)
{
    struct lunik_interface_address *new = &out->addresses[out->address_count];
    struct sockaddr_ll hardware;

    if (at->ifa_addr->sa_family == AF_PACKET) {
        memcpy(&hardware, at->ifa_addr, sizeof(hardware));
        if (hardware.sll_halen == sizeof(out->hardware))
            memcpy(out->hardware, hardware.sll_addr, sizeof(out->hardware));
        return;
    }
    if (out->address_count == LUNIK_INTERFACE_ADDRESSES_MAX ||
        (at->ifa_addr->sa_family != AF_INET &&
         at->ifa_addr->sa_family != AF_INET6))
        return;
    memset(new, 0, sizeof(*new));
    platform_host_address_from_linux(at->ifa_addr, &new->address);
    new->prefix_len = prefix_len(at->ifa_netmask);
    new->source = is_link_local(&new->address) ? 'l' : 's';
    out->address_count++;
}

static uint16_t mtu_of(const char *name)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq ask = { 0 };
    int mtu = 0;

    if (fd < 0)
        return 0;
    snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", name);
    if (ioctl(fd, SIOCGIFMTU, &ask) == 0)
        mtu = ask.ifr_mtu;
    close(fd);
    return mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)mtu;
}

/* The gateways stand in two tables of /proc; of several the first. */
static void find_gateway4(const char *name, struct lunik_address *out)
{
    FILE *file = fopen("/proc/net/route", "re");
    char line[256], device[IFNAMSIZ];
    unsigned to, by, flags;

    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%15s %x %x %x", device, &to, &by, &flags) != 4 ||
            to != 0 || by == 0 || strcmp(device, name) != 0)
            continue;
        out->family = LUNIK_IP4;
        memcpy(out->bytes, &by, 4); /* as the kernel holds it */
        break;
    }
    if (file)
        fclose(file);
}

static void find_gateway6(const char *name, struct lunik_address *out)
{
    FILE *file = fopen("/proc/net/ipv6_route", "re");
    char line[256], to[33], by[33], device[IFNAMSIZ];
    unsigned to_len;

    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%32s %x %*s %*s %32s %*s %*s %*s %*s %15s", to,
                   &to_len, by, device) != 4 ||
            to_len != 0 || strspn(by, "0") == 32 || strcmp(device, name) != 0)
            continue;
        out->family = LUNIK_IP6;
        for (size_t i = 0; i < 16; i++) {
            char digits[3] = { by[2 * i], by[2 * i + 1], '\0' };

            out->bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
        }
        break;
    }
    if (file)
        fclose(file);
}

lunik_result lunik_interface_get(size_t index, struct lunik_interface *out)
{
    unsigned all[INTERFACES_MAX];
    char name[IFNAMSIZ];
    struct ifaddrs *addresses;

    memset(out, 0, sizeof(*out));
    if (index >= list(all) || !if_indextoname(all[index], name))
        return LUNIK_ENOENT;
    snprintf(out->name, sizeof(out->name), "%s", name);
    out->mtu = mtu_of(name);
    if (getifaddrs(&addresses) == 0) {
        for (struct ifaddrs *at = addresses; at; at = at->ifa_next) {
            if (strcmp(at->ifa_name, name) != 0)
                continue;
            out->has_link |= (at->ifa_flags & IFF_RUNNING) != 0;
            if (at->ifa_addr)
                add(out, at);
        }
        freeifaddrs(addresses);
    }
    find_gateway4(name, &out->gateway4);
    find_gateway6(name, &out->gateway6);
    return LUNIK_OK;
}

/* ---- All of them ---- */

/* True if a program may talk to others by now. */
static bool is_up(unsigned families, size_t *count_out)
{
    struct lunik_interface interface;
    size_t index = 0;

    for (; lunik_interface_get(index, &interface) == LUNIK_OK; index++)
        for (size_t i = 0; i < interface.address_count; i++)
            if (interface.addresses[i].address.family & families &&
                interface.addresses[i].source != 'l') {
                *count_out = index + 1;
                return true;
            }
    *count_out = index;
    return false;
}

lunik_result lunik_interface_wait(unsigned families, uint64_t deadline_ns)
{
    size_t count;

    while (!is_up(families, &count)) {
        uint64_t next = platform_monotonic_ns() + LOOK_NS;
        lunik_result result;

        if (count == 0)
            return LUNIK_ENOENT;
        if (next > deadline_ns && platform_monotonic_ns() >= deadline_ns)
            return LUNIK_ETIMEOUT;
        result = lunik_sleep_until(next < deadline_ns ? next : deadline_ns);
        if (result != LUNIK_OK)
            return result;
    }
    return LUNIK_OK;
}
