/* SPDX-License-Identifier: MIT */
/*
 * config.c: reads "ip=…" and "net0.ip=…" of the launch line.
 *
 * Strictly: what is not understood refuses the start, before the stack runs.
 */
#include "config.h"
#include <lunik/start.h>
#include <string.h>

#define TEXT_MAX 64 /* of one address */

/* ---- Words ---- */

static bool is_word(const char *at, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(at, word, len) == 0;
}

static bool read_address(const char *at, size_t len, struct lunik_address *out)
{
    char text[TEXT_MAX];

    if (len == 0 || len >= sizeof(text))
        return false;
    memcpy(text, at, len);
    text[len] = '\0';
    return lunik_address_parse(text, out) && out->zone == 0;
}

/* Digits only, without a zero in front. */
static bool read_number(const char *at, size_t len, unsigned max, unsigned *out)
{
    unsigned value = 0;

    if (len == 0 || len > 3 || (len > 1 && at[0] == '0'))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned char)at[i] - (unsigned)'0';

        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return value <= max;
}

/* An address that one machine can have. */
static bool is_host(const struct lunik_address *address)
{
    static const uint8_t loopback6[16] = { [15] = 1 };

    if (lunik_address_is_any(address))
        return false;
    if (address->family == LUNIK_IP4)
        return address->bytes[0] != 0 && address->bytes[0] != 127 &&
               address->bytes[0] < 224;
    return address->bytes[0] != 0xff &&
           memcmp(address->bytes, loopback6, 16) != 0;
}

/* ---- Parts ---- */

static bool add_address(struct lunik_lwip_config *config,
                        const struct lunik_address *address, unsigned prefix)
{
    size_t count = config->address_count;

    if (count == LUNIK_LWIP_CONFIG_ADDRESSES_MAX || !is_host(address))
        return false;
    /* lwIP knows no IPv6 prefix but /64. */
    if (address->family == LUNIK_IP4 ? prefix == 0 || prefix > 32
                                     : prefix != 64)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct lunik_address *other = &config->addresses[i].address;

        /* lwIP has one IPv4 address for an interface. */
        if (lunik_address_is_same(other, address) ||
            (address->family == LUNIK_IP4 && other->family == LUNIK_IP4))
            return false;
    }
    config->addresses[count].address = *address;
    config->addresses[count].prefix_len = (uint8_t)prefix;
    config->address_count++;
    return true;
}

static bool add_gateway(struct lunik_lwip_config *config, const char *at,
                        size_t len)
{
    struct lunik_address gateway, *to;

    if (!read_address(at, len, &gateway) || !is_host(&gateway))
        return false;
    to = gateway.family == LUNIK_IP4 ? &config->gateway4 : &config->gateway6;
    if (to->family)
        return false;
    *to = gateway;
    return true;
}

static bool add_dns(struct lunik_lwip_config *config, const char *at,
                    size_t len)
{
    struct lunik_address *to = &config->dns[config->dns_count];

    if (config->dns_count == LUNIK_LWIP_CONFIG_DNS_MAX)
        return false;
    if (!read_address(at, len, to) || lunik_address_is_any(to))
        return false;
    config->dns_count++;
    return true;
}

static bool has_family(const struct lunik_lwip_config *config, uint8_t family)
{
    for (size_t i = 0; i < config->address_count; i++)
        if (config->addresses[i].address.family == family)
            return true;
    return false;
}

static void clear(struct lunik_lwip_config *config)
{
    memset(config, 0, sizeof(*config));
    config->index = LUNIK_LWIP_EACH;
}

/* ---- net0.ip= ---- */

static bool read_prefixed(struct lunik_lwip_config *config, const char *at,
                          size_t len)
{
    const char *slash = memchr(at, '/', len);
    struct lunik_address address;
    unsigned prefix;

    return slash && read_address(at, (size_t)(slash - at), &address) &&
           read_number(slash + 1, len - (size_t)(slash + 1 - at), 128,
                       &prefix) &&
           add_address(config, &address, prefix);
}

static bool read_item(struct lunik_lwip_config *config, const char *at,
                      size_t len)
{
    if (is_word(at, len, "dhcp") && !config->has_dhcp)
        return config->has_dhcp = true;
    if (is_word(at, len, "slaac") && !config->has_slaac)
        return config->has_slaac = true;
    if (len > 3 && memcmp(at, "gw=", 3) == 0)
        return add_gateway(config, at + 3, len - 3);
    if (len > 4 && memcmp(at, "dns=", 4) == 0)
        return add_dns(config, at + 4, len - 4);
    return read_prefixed(config, at, len);
}

bool lunik_lwip_config_parse(const char *text, struct lunik_lwip_config *out)
{
    clear(out);
    if (strcmp(text, "off") == 0)
        return out->is_off = true;
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");

        if (!read_item(out, at, len))
            return false;
        at += len;
        if (!*at)
            break;
    }
    if (out->has_dhcp && has_family(out, LUNIK_IP4))
        return false;
    if (out->gateway4.family && !has_family(out, LUNIK_IP4))
        return false;
    if (out->gateway6.family && !has_family(out, LUNIK_IP6))
        return false;
    /* Of somewhere it must come. */
    return out->has_dhcp || out->has_slaac || out->address_count > 0;
}

/* ---- ip= ---- */

enum field {
    CLIENT,
    SERVER, /* of a file system by network: not used here */
    GATEWAY,
    NETMASK,
    HOST,
    DEVICE,
    AUTOCONF,
    DNS0,
    DNS1,
    FIELDS
};

struct fields {
    const char *at[FIELDS];
    size_t len[FIELDS];
};

/* Cuts at colons outside of brackets, and takes the brackets off. */
static bool cut(const char *text, struct fields *out)
{
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < FIELDS; i++) {
        size_t len;

        if (*text == '[') {
            const char *end = strchr(text, ']');

            if (!end || end == text + 1)
                return false;
            out->at[i] = text + 1;
            out->len[i] = (size_t)(end - text) - 1;
            if (!memchr(out->at[i], ':', out->len[i]))
                return false;
            text = end + 1;
        } else {
            len = strcspn(text, ":[]");
            out->at[i] = text;
            out->len[i] = len;
            text += len;
        }
        if (!*text)
            return true;
        if (*text++ != ':')
            return false;
    }
    return false; /* one field too many */
}

/* 255.255.255.0, or a number of bits. */
static bool read_netmask(const char *at, size_t len, unsigned *prefix)
{
    struct lunik_address mask;
    uint32_t bits;

    if (read_number(at, len, 128, prefix))
        return *prefix > 0;
    if (!read_address(at, len, &mask) || mask.family != LUNIK_IP4)
        return false;
    bits = (uint32_t)mask.bytes[0] << 24 | (uint32_t)mask.bytes[1] << 16 |
           (uint32_t)mask.bytes[2] << 8 | mask.bytes[3];
    if (bits == 0 || (~bits & (~bits + 1)) != 0)
        return false; /* a hole */
    *prefix = (unsigned)__builtin_popcount(bits);
    return true;
}

/* Without a netmask: that of the address's old class, as Linux has it. */
static unsigned default_prefix(const struct lunik_address *address)
{
    if (address->family == LUNIK_IP6)
        return 64;
    return address->bytes[0] < 128 ? 8 : address->bytes[0] < 192 ? 16 : 24;
}

static bool read_host(struct lunik_lwip_config *config, const char *at,
                      size_t len)
{
    if (len > LUNIK_LWIP_HOST_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = at[i];
        bool is_inner = c == '-' && i > 0 && i + 1 < len;

        if (!is_inner && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9'))
            return false;
    }
    memcpy(config->host, at, len);
    return true;
}

static bool read_device(struct lunik_lwip_config *config, const char *at,
                        size_t len)
{
    unsigned index;

    if (len == 0)
        return true;
    if (len != 4 || memcmp(at, "net", 3) != 0 ||
        !read_number(at + 3, 1, LUNIK_LWIP_INTERFACES_MAX - 1, &index))
        return false;
    config->index = (uint8_t)index;
    return true;
}

static bool is_none(const char *at, size_t len)
{
    return is_word(at, len, "off") || is_word(at, len, "none") ||
           is_word(at, len, "static");
}

static bool is_automatic(const char *at, size_t len)
{
    return is_word(at, len, "dhcp") || is_word(at, len, "on") ||
           is_word(at, len, "any") || is_word(at, len, "both");
}

static bool read_static(struct lunik_lwip_config *config,
                        const struct fields *fields)
{
    struct lunik_address client;
    unsigned prefix;

    if (!read_address(fields->at[CLIENT], fields->len[CLIENT], &client))
        return false;
    prefix = default_prefix(&client);
    if (fields->len[NETMASK] &&
        !read_netmask(fields->at[NETMASK], fields->len[NETMASK], &prefix))
        return false;
    if (!add_address(config, &client, prefix))
        return false;
    if (!fields->len[GATEWAY])
        return true;
    return add_gateway(config, fields->at[GATEWAY], fields->len[GATEWAY]) &&
           (client.family == LUNIK_IP4 ? config->gateway4.family
                                       : config->gateway6.family) != 0;
}

static bool read_fields(struct lunik_lwip_config *config,
                        const struct fields *fields)
{
    struct lunik_address unused;

    if (fields->len[SERVER] &&
        !read_address(fields->at[SERVER], fields->len[SERVER], &unused))
        return false;
    for (int i = DNS0; i <= DNS1; i++)
        if (fields->len[i] && !add_dns(config, fields->at[i], fields->len[i]))
            return false;
    return read_host(config, fields->at[HOST] ? fields->at[HOST] : "",
                     fields->len[HOST]) &&
           read_device(config, fields->at[DEVICE], fields->len[DEVICE]);
}

bool lunik_lwip_config_parse_linux(const char *text,
                                   struct lunik_lwip_config *out)
{
    struct fields fields;
    const char *how;
    size_t how_len;

    clear(out);
    if (strcmp(text, "off") == 0 || strcmp(text, "none") == 0)
        return out->is_off = true;
    out->has_slaac = true;
    if (is_automatic(text, strlen(text)))
        return out->has_dhcp = true;
    if (!*text || !cut(text, &fields) || !read_fields(out, &fields))
        return false;
    if (out->index == LUNIK_LWIP_EACH)
        out->index = 0;
    how = fields.at[AUTOCONF];
    how_len = fields.len[AUTOCONF];
    if (how_len && !is_none(how, how_len) && !is_automatic(how, how_len))
        return false;
    if (fields.len[CLIENT])
        return (how_len == 0 || is_none(how, how_len)) &&
               read_static(out, &fields);
    if (fields.len[GATEWAY] || fields.len[NETMASK])
        return false; /* they belong to an address */
    if (how_len && is_none(how, how_len)) {
        out->has_slaac = false;
        return out->is_off = true;
    }
    return out->has_dhcp = true;
}

/* ---- The launch line's ---- */

static bool is_valid(const char *value)
{
    struct lunik_lwip_config config;

    return lunik_lwip_config_parse(value, &config);
}

static bool is_valid_linux(const char *value)
{
    struct lunik_lwip_config config;

    return lunik_lwip_config_parse_linux(value, &config);
}

#define WANTED                                                              \
    "dhcp, slaac, off, or a list like 192.0.2.7/24,gw=192.0.2.1,dns=192.0." \
    "2.1"

LUNIK_OPTIONS const struct lunik_option lunik_lwip_options[] = {
    { "ip", is_valid_linux,
      "dhcp, off, or client:server:gateway:netmask:host:device:autoconf:dns:"
      "dns, with IPv6 addresses in []",
      false },
    { "net0.ip", is_valid, WANTED, false },
    { "net1.ip", is_valid, WANTED, false },
    { "net2.ip", is_valid, WANTED, false },
    { "net3.ip", is_valid, WANTED, false },
};

void lunik_lwip_config_find(size_t index, struct lunik_lwip_config *out)
{
    static const char names[][8] = { "net0.ip", "net1.ip", "net2.ip",
                                     "net3.ip" };
    const char *value = index < LUNIK_LWIP_INTERFACES_MAX
                            ? lunik_launch_option(names[index], 0)
                            : NULL;

    if (value && lunik_lwip_config_parse(value, out))
        return;
    value = lunik_launch_option("ip", 0);
    if (value && lunik_lwip_config_parse_linux(value, out) &&
        (out->index == index || out->index == LUNIK_LWIP_EACH))
        return;
    clear(out);
    out->has_dhcp = out->has_slaac = true;
}
