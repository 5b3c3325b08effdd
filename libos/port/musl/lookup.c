/* SPDX-License-Identifier: MIT */
/*
 * lookup.c: names of hosts and services, under upstream's getaddrinfo() and
 * gethostbyname().
 *
 * There is no /etc here: hosts come from lunik_resolve(), services from a
 * small table.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <lunik/address.h>
#include <lunik/event.h>
#include <lunik/format.h>
#include <lunik/socket.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lookup.h"
#include "port.h"

/* ---- Hosts ---- */

static unsigned families_of(int family)
{
    switch (family) {
    case AF_INET:
        return LUNIK_IP4;
    case AF_INET6:
        return LUNIK_IP6;
    default:
        return LUNIK_IP4 | LUNIK_IP6;
    }
}

static void put(struct address *out, const struct lunik_address *address)
{
    memset(out, 0, sizeof(*out));
    out->family = address->family == LUNIK_IP4 ? AF_INET : AF_INET6;
    out->scopeid = address->zone;
    memcpy(out->addr, address->bytes, address->family == LUNIK_IP4 ? 4 : 16);
}

/* This machine: to listen at, or to connect to. */
static int own_addresses(struct address *out, unsigned families, bool is_any)
{
    static const struct lunik_address loopback4 = { .family = LUNIK_IP4,
                                                    .bytes = { 127, 0, 0, 1 } },
                                      loopback6 = { .family = LUNIK_IP6,
                                                    .bytes = { [15] = 1 } },
                                      any4 = { .family = LUNIK_IP4 },
                                      any6 = { .family = LUNIK_IP6 };
    int count = 0;

    if (families & LUNIK_IP4)
        put(&out[count++], is_any ? &any4 : &loopback4);
    if (families & LUNIK_IP6)
        put(&out[count++], is_any ? &any6 : &loopback6);
    return count;
}

/* RFC 6761: never asked for. */
static bool is_localhost(const char *name)
{
    static const char local[] = "localhost";
    size_t len = strlen(name), own = sizeof(local) - 1;

    if (len && name[len - 1] == '.')
        len--;
    if (len < own || strncasecmp(name + len - own, local, own) != 0)
        return false;
    return len == own || name[len - own - 1] == '.';
}

static int failure(lunik_result result)
{
    switch (result) {
    case LUNIK_ENOENT:
    case LUNIK_EINVAL:
        return EAI_NONAME;
    case LUNIK_ENOMEM:
        return EAI_MEMORY;
    case LUNIK_ECANCELED:
        errno = ECANCELED;
        return EAI_SYSTEM;
    default: /* no server, or none that answers */
        return EAI_AGAIN;
    }
}

static int resolve(struct address *out, const char *name, unsigned families)
{
    struct lunik_address found[MAXADDRS];
    lunik_result result;
    size_t count;
    int mine = lunik_port_wait_begin();

    result =
        lunik_resolve(name, families, LUNIK_NEVER, found, MAXADDRS, &count);
    lunik_port_wait_end(mine);
    if (result != LUNIK_OK)
        return failure(result);
    for (size_t i = 0; i < count; i++)
        put(&out[i], &found[i]);
    return (int)count;
}

static int find(struct address *out, const char *name, unsigned families,
                int flags)
{
    struct lunik_address literal;

    if (lunik_address_parse(name, &literal)) {
        if (!(literal.family & families))
            return EAI_NODATA;
        put(out, &literal);
        return 1;
    }
    if (flags & AI_NUMERICHOST)
        return EAI_NONAME;
    return is_localhost(name) ? own_addresses(out, families, false)
                              : resolve(out, name, families);
}

/* IPv4 addresses as IPv6 has them; all, or only where there are no others. */
static int map_to_ip6(struct address *list, int count, bool wants_all)
{
    bool has_ip6 = false;
    int kept = 0;

    for (int i = 0; i < count; i++)
        has_ip6 |= list[i].family == AF_INET6;
    for (int i = 0; i < count; i++) {
        struct address one = list[i];

        if (one.family == AF_INET) {
            if (has_ip6 && !wants_all)
                continue;
            memcpy(one.addr + 12, list[i].addr, 4);
            memset(one.addr, 0, 10);
            memset(one.addr + 10, 0xff, 2);
            one.family = AF_INET6;
        }
        list[kept++] = one;
    }
    return kept;
}

int __lookup_name(struct address list[static MAXADDRS], char canon[static 256],
                  const char *name, int family, int flags)
{
    bool maps = family == AF_INET6 && (flags & AI_V4MAPPED);
    unsigned families = maps ? LUNIK_IP4 | LUNIK_IP6 : families_of(family);
    size_t len = name ? strnlen(name, 256) : 0;
    int count;

    canon[0] = '\0';
    if (!name)
        return own_addresses(list, families_of(family), flags & AI_PASSIVE);
    if (len == 0 || len > 255)
        return EAI_NONAME;
    memcpy(canon, name, len + 1);
    count = find(list, name, families, flags);
    return count > 0 && maps ? map_to_ip6(list, count, flags & AI_ALL) : count;
}

/* ---- Services ---- */

struct known {
    const char *name;
    uint16_t port;
    bool has_tcp, has_udp;
};

static const struct known services[] = {
    { "echo", 7, true, true },
    { "discard", 9, true, true },
    { "daytime", 13, true, true },
    { "ftp", 21, true, false },
    { "ssh", 22, true, false },
    { "telnet", 23, true, false },
    { "smtp", 25, true, false },
    { "time", 37, true, true },
    { "domain", 53, true, true },
    { "tftp", 69, false, true },
    { "http", 80, true, false },
    { "pop3", 110, true, false },
    { "ntp", 123, false, true },
    { "imap", 143, true, false },
    { "snmp", 161, false, true },
    { "ldap", 389, true, false },
    { "https", 443, true, true },
    { "submissions", 465, true, false },
    { "syslog", 514, false, true },
    { "submission", 587, true, false },
    { "ldaps", 636, true, false },
    { "imaps", 993, true, false },
    { "pop3s", 995, true, false },
    { "mqtt", 1883, true, false },
    { "mysql", 3306, true, false },
    { "postgresql", 5432, true, false },
    { "redis", 6379, true, false },
    { "http-alt", 8080, true, false },
    { "secure-mqtt", 8883, true, false },
};

#define SERVICE_COUNT (sizeof(services) / sizeof(services[0]))

static bool has_protocol(const struct known *known, int proto)
{
    return proto == IPPROTO_UDP ? known->has_udp : known->has_tcp;
}

static int add_service(struct service *out, int port, int proto)
{
    out->port = (uint16_t)port;
    out->proto = (unsigned char)proto;
    out->socktype = proto == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    return 1;
}

/* What of TCP and UDP is asked for; false: they contradict each other. */
static bool protocols_of(int proto, int socktype, bool *tcp, bool *udp)
{
    *tcp = proto != IPPROTO_UDP && socktype != SOCK_DGRAM;
    *udp = proto != IPPROTO_TCP && socktype != SOCK_STREAM;
    if (proto != 0 && proto != IPPROTO_TCP && proto != IPPROTO_UDP)
        return false;
    if (socktype != 0 && socktype != SOCK_STREAM && socktype != SOCK_DGRAM)
        return false;
    return *tcp || *udp;
}

static int by_name(struct service *list, const char *name, bool tcp, bool udp)
{
    int count = 0;

    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (strcmp(services[i].name, name) != 0)
            continue;
        if (tcp && services[i].has_tcp)
            count += add_service(&list[count], services[i].port, IPPROTO_TCP);
        if (udp && services[i].has_udp)
            count += add_service(&list[count], services[i].port, IPPROTO_UDP);
    }
    return count ? count : EAI_SERVICE;
}

int __lookup_serv(struct service list[static MAXSERVS], const char *name,
                  int proto, int socktype, int flags)
{
    unsigned long port = 0;
    char *end = NULL;
    bool tcp, udp;
    int count = 0;

    if (!protocols_of(proto, socktype, &tcp, &udp))
        return socktype ? EAI_SOCKTYPE : EAI_SERVICE;
    if (name) {
        if (!*name)
            return EAI_SERVICE;
        if (*name >= '0' && *name <= '9')
            port = strtoul(name, &end, 10);
        if (!end || *end)
            return flags & AI_NUMERICSERV ? EAI_NONAME
                                          : by_name(list, name, tcp, udp);
        if (port > 65535)
            return EAI_SERVICE;
    }
    if (tcp)
        count += add_service(&list[count], (int)port, IPPROTO_TCP);
    if (udp)
        count += add_service(&list[count], (int)port, IPPROTO_UDP);
    return count;
}

static const struct known *by_port(int port, int proto)
{
    for (size_t i = 0; i < SERVICE_COUNT; i++)
        if (services[i].port == port && has_protocol(&services[i], proto))
            return &services[i];
    return NULL;
}

struct servent *getservbyport(int port, const char *protocol)
{
    static char *no_aliases[1], tcp[] = "tcp", udp[] = "udp";
    static struct servent entry;
    bool is_udp = protocol && strcmp(protocol, "udp") == 0;
    const struct known *known =
        by_port(ntohs((uint16_t)port), is_udp ? IPPROTO_UDP : IPPROTO_TCP);

    if (!known)
        return NULL;
    entry.s_name = (char *)(uintptr_t)known->name;
    entry.s_aliases = no_aliases;
    entry.s_port = port;
    entry.s_proto = is_udp ? udp : tcp;
    return &entry;
}

/* ---- The other way round ---- */

static bool to_address(const struct sockaddr *sa, socklen_t len,
                       struct lunik_address *out)
{
    struct sockaddr_in6 in6;
    struct sockaddr_in in4;

    memset(out, 0, sizeof(*out));
    if (sa->sa_family == AF_INET && len >= sizeof(in4)) {
        memcpy(&in4, sa, sizeof(in4));
        out->family = LUNIK_IP4;
        out->port = ntohs(in4.sin_port);
        memcpy(out->bytes, &in4.sin_addr, 4);
        return true;
    }
    if (sa->sa_family == AF_INET6 && len >= sizeof(in6)) {
        memcpy(&in6, sa, sizeof(in6));
        out->family = LUNIK_IP6;
        out->port = ntohs(in6.sin6_port);
        out->zone = in6.sin6_scope_id;
        memcpy(out->bytes, &in6.sin6_addr, 16);
        return true;
    }
    return false;
}

/* Addresses as numbers: nobody is asked for names. */
int getnameinfo(const struct sockaddr *restrict sa, socklen_t len,
                char *restrict node, socklen_t node_size,
                char *restrict service, socklen_t service_size, int flags)
{
    char text[LUNIK_ADDRESS_TEXT_MAX];
    struct lunik_address address;
    const struct known *known = NULL;
    size_t size;

    if (!to_address(sa, len, &address))
        return EAI_FAMILY;
    if (node && node_size) {
        if (flags & NI_NAMEREQD)
            return EAI_NONAME;
        size = lunik_address_format(&address, text) + 1;
        if (size > node_size)
            return EAI_OVERFLOW;
        memcpy(node, text, size);
    }
    if (service && service_size) {
        if (!(flags & NI_NUMERICSERV))
            known = by_port(address.port,
                            flags & NI_DGRAM ? IPPROTO_UDP : IPPROTO_TCP);
        if (known)
            size = lunik_format(text, sizeof(text), "%s", known->name) + 1;
        else
            size = lunik_format(text, sizeof(text), "%u", address.port) + 1;
        if (size > service_size)
            return EAI_OVERFLOW;
        memcpy(service, text, size);
    }
    return 0;
}
