/* SPDX-License-Identifier: MIT */
/*
 * addresses.c: which addresses an interface gets, what became of them, and
 * the name servers that came with them.
 */
#include "addresses.h"
#include <lunik/event.h>
#include <lunik/interface.h>
#include <lunik/log.h>
#include <string.h>

#include "lunik_hooks.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/ip_addr.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/prot/dhcp.h"

/* Signalled when an address became usable. */
static struct lunik_event usable;

/* Those of DHCP come first, then those of router advertisements. */
static ip_addr_t servers[DNS_MAX_SERVERS];
#define SERVERS4 LWIP_DHCP_MAX_DNS_SERVERS

/* ---- Forms ---- */

void lunik_lwip_to_address(const ip_addr_t *from, struct lunik_address *out)
{
    memset(out, 0, sizeof(*out));
    if (IP_IS_V4(from)) {
        out->family = LUNIK_IP4;
        memcpy(out->bytes, ip_2_ip4(from), 4);
    } else {
        out->family = LUNIK_IP6;
        memcpy(out->bytes, ip_2_ip6(from)->addr, 16);
        /* lwIP's zones are its interfaces' numbers from 1, the loop's first. */
        if (ip6_addr_zone(ip_2_ip6(from)) > 1)
            out->zone = ip6_addr_zone(ip_2_ip6(from)) - 1u;
    }
}

void lunik_lwip_from_address(const struct lunik_address *from, ip_addr_t *out)
{
    memset(out, 0, sizeof(*out));
    if (from->family == LUNIK_IP4) {
        IP_SET_TYPE(out, IPADDR_TYPE_V4);
        memcpy(ip_2_ip4(out), from->bytes, 4);
    } else {
        IP_SET_TYPE(out, IPADDR_TYPE_V6);
        memcpy(ip_2_ip6(out)->addr, from->bytes, 16);
        if (from->zone)
            ip6_addr_set_zone(ip_2_ip6(out), (u8_t)(from->zone + 1));
    }
}

/* ---- Name servers ---- */

/* lwIP's DHCP and ND tell of servers here, as they would lwIP's own DNS. */
void dns_setserver(u8_t index, const ip_addr_t *server)
{
    if (server && IP_IS_V6(server))
        index = (u8_t)(index + SERVERS4);
    else if (server && index >= SERVERS4)
        return;
    if (index >= DNS_MAX_SERVERS)
        return;
    if (server)
        servers[index] = *server;
    else
        memset(&servers[index], 0, sizeof(servers[index]));
}

const ip_addr_t *dns_getserver(u8_t index)
{
    return index < DNS_MAX_SERVERS ? &servers[index] : IP4_ADDR_ANY;
}

static size_t add_server(struct lunik_address *out, size_t count,
                         const struct lunik_address *server)
{
    if (count == LUNIK_NAMESERVERS_MAX || lunik_address_is_any(server))
        return count;
    for (size_t i = 0; i < count; i++)
        if (lunik_address_is_same(&out[i], server))
            return count;
    out[count] = *server;
    return count + 1;
}

size_t
lunik_interface_nameservers(struct lunik_address out[LUNIK_NAMESERVERS_MAX])
{
    struct lunik_address server;
    size_t count = 0;

    for (size_t i = 0; i < LUNIK_LWIP_INTERFACES_MAX; i++) {
        const struct lunik_lwip_device *device = lunik_lwip_devices[i];

        for (size_t j = 0; device && j < device->config.dns_count; j++)
            count = add_server(out, count, &device->config.dns[j]);
    }
    for (size_t i = 0; i < DNS_MAX_SERVERS; i++) {
        lunik_lwip_to_address(&servers[i], &server);
        count = add_server(out, count, &server);
    }
    return count;
}

/* ---- What became of them ---- */

static const char *source_name(char source)
{
    return source == 'd'   ? "from DHCP"
           : source == 'r' ? "from a router advertisement"
           : source == 'l' ? "link-local"
                           : "static";
}

static bool is_from_dhcp(const struct lunik_lwip_device *device)
{
    return device->config.has_dhcp;
}

static char source6(const struct lunik_lwip_device *device, size_t index)
{
    if (index == 0)
        return 'l';
    return netif_ip6_addr_isstatic(&device->netif, (s8_t)index) ? 's' : 'r';
}

static void log_address(const struct lunik_lwip_device *device,
                        const ip_addr_t *ip, unsigned prefix, char source,
                        const ip_addr_t *gateway)
{
    char text[LUNIK_ADDRESS_TEXT_MAX], gateway_text[LUNIK_ADDRESS_TEXT_MAX];
    struct lunik_address address;

    lunik_lwip_to_address(ip, &address);
    address.zone = 0;
    lunik_address_format(&address, text);
    gateway_text[0] = '\0';
    if (gateway && !ip_addr_isany(gateway)) {
        lunik_lwip_to_address(gateway, &address);
        lunik_address_format(&address, gateway_text);
    }
    lunik_log(LUNIK_LOG_INFO, "%s: %s/%u%s%s, %s", device->info.name, text,
              prefix, gateway_text[0] ? ", gateway " : "", gateway_text,
              source_name(source));
}

static unsigned prefix_of(const ip4_addr_t *mask)
{
    return (unsigned)__builtin_popcount(ip4_addr_get_u32(mask));
}

static void look4(struct lunik_lwip_device *device)
{
    const struct netif *netif = &device->netif;
    uint32_t now = ip4_addr_get_u32(netif_ip4_addr(netif));

    if (now == device->logged4)
        return;
    device->logged4 = now;
    if (now == 0) {
        if (is_from_dhcp(device))
            lunik_log(LUNIK_LOG_WARN, "%s: the address from DHCP is gone",
                      device->info.name);
        return;
    }
    log_address(device, netif_ip_addr4(netif),
                prefix_of(netif_ip4_netmask(netif)),
                is_from_dhcp(device) ? 'd' : 's', netif_ip_gw4(netif));
    lunik_event_signal(&usable);
}

static void look6(struct lunik_lwip_device *device, size_t index)
{
    const struct netif *netif = &device->netif;
    uint8_t state = netif_ip6_addr_state(netif, index);
    uint32_t bit = UINT32_C(1) << index, bad = bit << 16;

    if (ip6_addr_isduplicated(state) && !(device->logged6 & bad)) {
        device->logged6 |= bad;
        lunik_log(LUNIK_LOG_ERROR,
                  "%s: somebody else has the IPv6 address %s; it is not used",
                  device->info.name,
                  ip6addr_ntoa(netif_ip6_addr(netif, index)));
    }
    if (!ip6_addr_isvalid(state)) {
        device->logged6 &= ~bit;
        return;
    }
    device->logged6 &= ~bad;
    if (device->logged6 & bit)
        return;
    device->logged6 |= bit;
    log_address(device, netif_ip_addr6(netif, index), 64,
                source6(device, index), NULL);
    if (index > 0)
        lunik_event_signal(&usable);
}

static void on_status(struct netif *netif)
{
    struct lunik_lwip_device *device = lunik_lwip_device_of(netif);

    look4(device);
    for (size_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        look6(device, i);
}

/* ---- Giving them ---- */

static void on_conflict(struct netif *netif, acd_callback_enum_t what)
{
    struct lunik_lwip_device *device = lunik_lwip_device_of(netif);

    if (what == ACD_IP_OK)
        return;
    device->has_duplicate = true;
    lunik_log(LUNIK_LOG_ERROR,
              "%s: somebody else has the address %s; it is not used",
              device->info.name, ip4addr_ntoa(netif_ip4_addr(netif)));
    netif_set_addr(netif, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
}

/* The address is used at once, and watched: a start should not wait for
 * seconds, for a mistake that hardly anybody makes. */
static void set_static4(struct lunik_lwip_device *device,
                        const struct lunik_address *address, unsigned prefix)
{
    struct netif *netif = &device->netif;
    ip4_addr_t ip, mask, gateway = { 0 };

    memcpy(&ip, address->bytes, 4);
    ip4_addr_set_u32(&mask, lwip_htonl(UINT32_MAX << (32 - prefix)));
    if (device->config.gateway4.family)
        memcpy(&gateway, device->config.gateway4.bytes, 4);
    netif_set_addr(netif, &ip, &mask, &gateway);
    acd_add(netif, &device->acd, on_conflict);
    acd_start(netif, &device->acd, ip);
}

static void set_static6(struct lunik_lwip_device *device,
                        const struct lunik_address *address)
{
    ip_addr_t ip;
    s8_t index;

    lunik_lwip_from_address(address, &ip);
    if (netif_add_ip6_address(&device->netif, ip_2_ip6(&ip), &index) == ERR_OK)
        netif_ip6_addr_set_valid_life(&device->netif, index,
                                      IP6_ADDR_LIFE_STATIC);
}

void lunik_lwip_configure(struct lunik_lwip_device *device)
{
    const struct lunik_lwip_config *config = &device->config;
    struct netif *netif = &device->netif;

    if (config->host[0])
        netif_set_hostname(netif, config->host);
    netif_set_status_callback(netif, on_status);
    netif_set_ip6_autoconfig_enabled(netif, config->has_slaac);
    if (lunik_net_has_link(device->net))
        netif_set_link_up(netif);
    netif_set_up(netif);
    netif_create_ip6_linklocal_address(netif, 1);
    for (size_t i = 0; i < config->address_count; i++) {
        if (config->addresses[i].address.family == LUNIK_IP4)
            set_static4(device, &config->addresses[i].address,
                        config->addresses[i].prefix_len);
        else
            set_static6(device, &config->addresses[i].address);
    }
    if (config->has_dhcp && dhcp_start(netif) != ERR_OK)
        lunik_log(LUNIK_LOG_WARN, "%s: no memory for DHCP", device->info.name);
}

/* lwIP asks for the IPv6 router to (to) of an interface: a static one. */
const ip6_addr_t *lunik_lwip_gateway6(struct netif *netif, const ip6_addr_t *to)
{
    static ip_addr_t gateway;
    const struct lunik_lwip_device *device = netif->state;

    (void)to;
    if (!device || !device->config.gateway6.family)
        return NULL;
    lunik_lwip_from_address(&device->config.gateway6, &gateway);
    ip6_addr_assign_zone(ip_2_ip6(&gateway), IP6_UNICAST, netif);
    return ip_2_ip6(&gateway);
}

/* ---- <lunik/interface.h> ---- */

static void add4(const struct lunik_lwip_device *device,
                 struct lunik_interface *out)
{
    const struct netif *netif = &device->netif;
    struct lunik_interface_address *entry = &out->addresses[out->address_count];

    if (device->has_duplicate) {
        for (size_t i = 0; i < device->config.address_count; i++)
            if (device->config.addresses[i].address.family == LUNIK_IP4)
                entry->address = device->config.addresses[i].address;
        entry->is_duplicate = true;
    } else if (ip4_addr_isany(netif_ip4_addr(netif))) {
        return;
    } else {
        lunik_lwip_to_address(netif_ip_addr4(netif), &entry->address);
    }
    entry->prefix_len = (uint8_t)prefix_of(netif_ip4_netmask(netif));
    entry->source = is_from_dhcp(device) ? 'd' : 's';
    out->address_count++;
}

static void add6(const struct lunik_lwip_device *device, size_t index,
                 struct lunik_interface *out)
{
    const struct netif *netif = &device->netif;
    uint8_t state = netif_ip6_addr_state(netif, index);
    struct lunik_interface_address *entry = &out->addresses[out->address_count];

    if (ip6_addr_isinvalid(state))
        return;
    lunik_lwip_to_address(netif_ip_addr6(netif, index), &entry->address);
    entry->prefix_len = 64;
    entry->is_tentative = ip6_addr_istentative(state);
    entry->is_duplicate = ip6_addr_isduplicated(state);
    entry->source = source6(device, index);
    out->address_count++;
}

static void find_gateways(const struct lunik_lwip_device *device,
                          struct lunik_interface *out)
{
    const struct netif *netif = &device->netif;
    ip_addr_t ip = { 0 };

    if (!ip4_addr_isany(netif_ip4_gw(netif)))
        lunik_lwip_to_address(netif_ip_gw4(netif), &out->gateway4);
    out->gateway6 = device->config.gateway6;
    for (size_t i = 0; i < LWIP_ND6_NUM_ROUTERS && !out->gateway6.family; i++) {
        const struct nd6_neighbor_cache_entry *entry =
            default_router_list[i].neighbor_entry;

        if (!entry || entry->netif != netif ||
            default_router_list[i].invalidation_timer == 0)
            continue;
        IP_SET_TYPE_VAL(ip, IPADDR_TYPE_V6);
        ip6_addr_copy(*ip_2_ip6(&ip), entry->next_hop_address);
        lunik_lwip_to_address(&ip, &out->gateway6);
    }
}

lunik_result lunik_interface_get(size_t index, struct lunik_interface *out)
{
    const struct lunik_lwip_device *device =
        index < LUNIK_LWIP_INTERFACES_MAX ? lunik_lwip_devices[index] : NULL;

    memset(out, 0, sizeof(*out));
    if (!device)
        return LUNIK_ENOENT;
    memcpy(out->name, device->info.name, sizeof(out->name));
    memcpy(out->hardware, device->info.address, sizeof(out->hardware));
    out->mtu = device->info.mtu;
    out->has_link = lunik_net_has_link(device->net);
    out->is_broken = lunik_net_is_broken(device->net);
    add4(device, out);
    for (size_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        add6(device, i, out);
    find_gateways(device, out);
    return LUNIK_OK;
}

static bool is_usable(unsigned families)
{
    for (size_t i = 0; i < LUNIK_LWIP_INTERFACES_MAX; i++) {
        const struct lunik_lwip_device *device = lunik_lwip_devices[i];

        if (!device)
            continue;
        if ((families & LUNIK_IP4) &&
            !ip4_addr_isany(netif_ip4_addr(&device->netif)))
            return true;
        for (size_t j = 1;
             (families & LUNIK_IP6) && j < LWIP_IPV6_NUM_ADDRESSES; j++)
            if (ip6_addr_isvalid(netif_ip6_addr_state(&device->netif, j)))
                return true;
    }
    return false;
}

lunik_result lunik_interface_wait(unsigned families, uint64_t deadline_ns)
{
    if (!lunik_lwip_has_network())
        return LUNIK_ENOENT;
    while (!is_usable(families)) {
        lunik_result result = lunik_event_wait(&usable, deadline_ns);

        if (result != LUNIK_OK)
            return result;
    }
    return LUNIK_OK;
}
