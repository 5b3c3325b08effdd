/* SPDX-License-Identifier: MIT */
/* resolve.c: names, by Linux's own resolver in a thread. */
#include "host.h"
#include "platform.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <lunik/interface.h>
#include <lunik/socket.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NAME_MAX_LEN 253
#define RESOLV_CONF "/etc/resolv.conf"

struct lookup {
    struct platform_host_job job; /* first */
    char name[NAME_MAX_LEN + 2];
    struct addrinfo hints;
    struct addrinfo *found;
    int failed;
};

static void run(struct platform_host_job *job)
{
    struct lookup *lookup = (struct lookup *)(void *)job;

    lookup->failed =
        getaddrinfo(lookup->name, NULL, &lookup->hints, &lookup->found);
}

static void drop(struct platform_host_job *job)
{
    struct lookup *lookup = (struct lookup *)(void *)job;

    if (lookup->found)
        freeaddrinfo(lookup->found);
    free(lookup);
}

/* "192.0.2.1", "2001:db8::1", "fe80::1%eth0". */
static bool parse(const char *text, struct lunik_address *out)
{
    char head[INET6_ADDRSTRLEN];
    const char *zone = strchr(text, '%');
    size_t len = zone ? (size_t)(zone - text) : strlen(text);
    unsigned index = 0;

    memset(out, 0, sizeof(*out));
    if (len >= sizeof(head))
        return false;
    memcpy(head, text, len);
    head[len] = '\0';
    if (!zone && inet_pton(AF_INET, head, out->bytes) == 1) {
        out->family = LUNIK_IP4;
        return true;
    }
    if (zone && (index = if_nametoindex(zone + 1)) == 0)
        return false;
    if (inet_pton(AF_INET6, head, out->bytes) != 1)
        return false;
    out->family = LUNIK_IP6;
    out->zone = platform_host_zone_from_linux(index);
    return true;
}

/* Labels of 1 to 63 bytes, and the last one not all digits: Linux would take
 * "127.1" or "017.0.0.1" for addresses. */
static bool is_name(const char *name)
{
    size_t total = strlen(name), label = 0;
    bool is_number = true;

    if (total == 0 || total > NAME_MAX_LEN + (name[total - 1] == '.'))
        return false;
    for (const char *at = name; *at; at++) {
        unsigned char c = (unsigned char)*at;

        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            if (at[1])
                is_number = true;
        } else if (c <= ' ' || c == 0x7f || strchr("/:%@[]", c) ||
                   ++label > 63) {
            return false;
        } else if (!isdigit(c)) {
            is_number = false;
        }
    }
    return !is_number;
}

static lunik_result from_resolver(int failed)
{
    switch (failed) {
    case 0:
        return LUNIK_OK;
    case EAI_AGAIN:
        return LUNIK_ETIMEOUT;
    case EAI_MEMORY:
        return LUNIK_ENOMEM;
    case EAI_SYSTEM:
        return LUNIK_EUNREACHABLE;
    default:
        return LUNIK_ENOENT;
    }
}

static size_t take(const struct addrinfo *found, unsigned families,
                   struct lunik_address *out, size_t max)
{
    size_t count = 0;

    for (; found && count < max; found = found->ai_next) {
        platform_host_address_from_linux(found->ai_addr, &out[count]);
        if (out[count].family & families)
            count++;
    }
    return count;
}

lunik_result lunik_resolve(const char *name, unsigned families,
                           uint64_t deadline_ns, struct lunik_address *out,
                           size_t max, size_t *count_out)
{
    struct lunik_address address;
    struct lookup *lookup;
    lunik_result result;

    *count_out = 0;
    if (parse(name, &address)) {
        if (!(address.family & families) || max == 0)
            return LUNIK_ENOENT;
        *out = address;
        *count_out = 1;
        return LUNIK_OK;
    }
    if (!is_name(name))
        return LUNIK_EINVAL;
    lookup = calloc(1, sizeof(*lookup));
    if (!lookup)
        return LUNIK_ENOMEM;
    memcpy(lookup->name, name, strlen(name) + 1); /* is_name() bounds it */
    lookup->job.run = run;
    lookup->job.drop = drop;
    lookup->hints.ai_socktype = SOCK_STREAM;
    lookup->hints.ai_family = families == LUNIK_IP4   ? AF_INET
                              : families == LUNIK_IP6 ? AF_INET6
                                                      : AF_UNSPEC;
    result = platform_host_job_run(&lookup->job, deadline_ns);
    if (result != LUNIK_OK)
        return result;
    result = from_resolver(lookup->failed);
    if (result == LUNIK_OK) {
        *count_out = take(lookup->found, families, out, max);
        result = *count_out ? LUNIK_OK : LUNIK_ENOENT;
    }
    drop(&lookup->job);
    return result;
}

size_t
lunik_interface_nameservers(struct lunik_address out[LUNIK_NAMESERVERS_MAX])
{
    FILE *file = fopen(RESOLV_CONF, "re");
    char line[256], text[80];
    size_t count = 0;

    while (file && count < LUNIK_NAMESERVERS_MAX &&
           fgets(line, sizeof(line), file))
        if (sscanf(line, " nameserver %79s", text) == 1 &&
            parse(text, &out[count]))
            out[count++].port = 53;
    if (file)
        fclose(file);
    return count;
}
