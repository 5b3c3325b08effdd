/* SPDX-License-Identifier: MIT */
/* address.c: the text of IP addresses, read strictly and written one way. */
#include <lunik/address.h>
#include <lunik/format.h>
#include <lunik/interface.h>
#include <lunik/panic.h>
#include <string.h>

#define GROUPS 8

/* Weak: an image may read addresses and have no interfaces. Their names are
 * then unknown, and zones are numbers. */
/* NOLINTNEXTLINE(readability-redundant-declaration): the header's is strong */
extern lunik_result lunik_interface_get(size_t index,
                                        struct lunik_interface *out) LUNIK_WEAK;

/* ---- Reading ---- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

/* Reads 1 to (max_digits) digits; moves (*at) past them. */
static bool read_number(const char **at, int base, unsigned max_digits,
                        unsigned *out)
{
    unsigned value = 0, count = 0;

    while (digit_of(**at) < base) {
        if (count++ == max_digits)
            return false;
        value = value * (unsigned)base + (unsigned)digit_of(**at);
        (*at)++;
    }
    *out = value;
    return count > 0;
}

/* Four numbers, none with a zero in front: other programs take those for
 * octal, and two readings of one address are one too many. */
static bool read_ip4(const char **at, uint8_t *out)
{
    for (int i = 0; i < 4; i++) {
        const char *start;
        unsigned value;

        if (i > 0 && **at != '.')
            return false;
        *at += i > 0;
        start = *at;
        if (!read_number(at, 10, 3, &value) || value > 255)
            return false;
        if (*start == '0' && *at - start > 1)
            return false;
        out[i] = (uint8_t)value;
    }
    return true;
}

/* The groups before or after "::", and perhaps an IPv4 address as the last
 * two. (*count): of groups so far. */
static bool read_groups(const char **at, uint8_t *bytes, size_t *count)
{
    for (;;) {
        const char *start = *at;
        unsigned value;

        if (*count == GROUPS || !read_number(at, 16, 4, &value))
            return false;
        if (**at == '.') {
            *at = start;
            if (*count > GROUPS - 2 || !read_ip4(at, bytes + 2 * *count))
                return false;
            *count += 2;
            return **at != ':';
        }
        bytes[2 * *count] = (uint8_t)(value >> 8);
        bytes[2 * *count + 1] = (uint8_t)value;
        (*count)++;
        if (**at != ':' || (*at)[1] == ':')
            return true;
        (*at)++;
    }
}

static bool read_ip6(const char **at, uint8_t *bytes)
{
    uint8_t tail[2 * GROUPS] = { 0 };
    size_t count = 0, tail_count = 0;

    if (**at != ':' && !read_groups(at, bytes, &count))
        return false;
    if ((*at)[0] != ':' || (*at)[1] != ':')
        return count == GROUPS;
    *at += 2;
    if (digit_of(**at) < 16 && !read_groups(at, tail, &tail_count))
        return false;
    /* "::" stands for at least one group. */
    if (count + tail_count >= GROUPS)
        return false;
    memcpy(bytes + 2 * (GROUPS - tail_count), tail, 2 * tail_count);
    return true;
}

static bool is_link_local(const struct lunik_address *address)
{
    const uint8_t *bytes = address->bytes;

    if (address->family != LUNIK_IP6)
        return false;
    return (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) ||
           (bytes[0] == 0xff && (bytes[1] & 0x0f) <= 2);
}

/* A name, or the number that lunik_address.zone is. */
static bool read_zone(const char *text, uint32_t *out)
{
    struct lunik_interface interface;
    const char *at = text;
    unsigned value;

    for (size_t i = 0; lunik_interface_get; i++) {
        if (lunik_interface_get(i, &interface) != LUNIK_OK)
            break;
        if (strcmp(interface.name, text) == 0) {
            *out = (uint32_t)i + 1;
            return true;
        }
    }
    if (*text == '0' || !read_number(&at, 10, 3, &value) || *at)
        return false;
    *out = value;
    return true;
}

bool lunik_address_parse(const char *text, struct lunik_address *out)
{
    const char *at = text;
    bool is_good;

    LUNIK_ASSERT(text != NULL);
    memset(out, 0, sizeof(*out));
    out->family = strchr(text, ':') ? LUNIK_IP6 : LUNIK_IP4;
    is_good = out->family == LUNIK_IP6 ? read_ip6(&at, out->bytes)
                                       : read_ip4(&at, out->bytes);
    if (is_good && *at == '%' && is_link_local(out))
        is_good = read_zone(at + 1, &out->zone);
    else if (*at)
        is_good = false;
    if (!is_good)
        memset(out, 0, sizeof(*out));
    return is_good;
}

/* ---- Writing ---- */

static unsigned group_of(const struct lunik_address *address, size_t i)
{
    return (unsigned)address->bytes[2 * i] << 8 | address->bytes[2 * i + 1];
}

/* The first of the longest runs of zeros, if two groups or more. */
static size_t longest_run(const struct lunik_address *address, size_t *count)
{
    size_t best = GROUPS, run = 0;

    *count = 1;
    for (size_t i = 0; i < GROUPS; i++) {
        run = group_of(address, i) == 0 ? run + 1 : 0;
        if (run > *count) {
            *count = run;
            best = i + 1 - run;
        }
    }
    return best;
}

static size_t write_ip4(const uint8_t *bytes, char *text, size_t size)
{
    return lunik_format(text, size, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2],
                        bytes[3]);
}

static size_t write_zone(uint32_t zone, char *text, size_t size)
{
    struct lunik_interface interface;

    if (lunik_interface_get &&
        lunik_interface_get(zone - 1, &interface) == LUNIK_OK)
        return lunik_format(text, size, "%%%s", interface.name);
    return lunik_format(text, size, "%%%u", zone);
}

static size_t write_ip6(const struct lunik_address *address, char *text,
                        size_t size)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    size_t len = 0, run, run_count;

    if (memcmp(address->bytes, mapped, sizeof(mapped)) == 0) {
        len = lunik_format(text, size, "::ffff:");
        return len + write_ip4(address->bytes + 12, text + len, size - len);
    }
    run = longest_run(address, &run_count);
    for (size_t i = 0; i < GROUPS; i++) {
        if (i == run) {
            text[len++] = ':';
            i += run_count - 1;
            if (i == GROUPS - 1)
                text[len++] = ':';
            continue;
        }
        if (i > 0)
            text[len++] = ':';
        len += lunik_format(text + len, size - len, "%x", group_of(address, i));
    }
    text[len] = '\0';
    return len;
}

size_t lunik_address_format(const struct lunik_address *address,
                            char text[LUNIK_ADDRESS_TEXT_MAX])
{
    size_t len;

    switch (address->family) {
    case LUNIK_IP4:
        return write_ip4(address->bytes, text, LUNIK_ADDRESS_TEXT_MAX);
    case LUNIK_IP6:
        len = write_ip6(address, text, LUNIK_ADDRESS_TEXT_MAX);
        if (address->zone)
            len += write_zone(address->zone, text + len,
                              LUNIK_ADDRESS_TEXT_MAX - len);
        return len;
    default:
        text[0] = '\0';
        return 0;
    }
}

/* ---- Comparing ---- */

static size_t size_of(const struct lunik_address *address)
{
    return address->family == LUNIK_IP6 ? 16 : 4;
}

bool lunik_address_is_same(const struct lunik_address *a,
                           const struct lunik_address *b)
{
    if (a->family != b->family)
        return false;
    if (a->family == 0)
        return true;
    return a->zone == b->zone && memcmp(a->bytes, b->bytes, size_of(a)) == 0;
}

bool lunik_address_is_any(const struct lunik_address *address)
{
    static const uint8_t any[16];

    return address->family &&
           memcmp(address->bytes, any, size_of(address)) == 0;
}
