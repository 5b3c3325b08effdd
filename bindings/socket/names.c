/* SPDX-License-Identifier: MIT */
/* names.c: the older calls for names, which LuaSocket's dns functions use. */
#include "calls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define ADDRESSES_MAX 16
#define NAME_MAX_LEN 255

/* What is lent: LuaSocket copies it before anything else can run. */
static struct in_addr addresses[ADDRESSES_MAX];
static char *list[ADDRESSES_MAX + 1];
static char *no_aliases[1];
static char name_text[NAME_MAX_LEN + 1];
static struct hostent entry;

static struct hostent *lend(const char *name, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        list[i] = (char *)&addresses[i];
    list[count] = NULL;
    strncpy(name_text, name, NAME_MAX_LEN);
    entry = (struct hostent) {
        .h_name = name_text,
        .h_aliases = no_aliases,
        .h_addrtype = AF_INET,
        .h_length = sizeof(struct in_addr),
        .h_addr_list = list,
    };
    return &entry;
}

struct hostent *lunik_luasocket_gethostbyname(const char *name)
{
    struct addrinfo hints = { .ai_family = AF_INET,
                              .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL, *at;
    size_t count = 0;

    if (lunik_luasocket_getaddrinfo(name, NULL, &hints, &found) != 0) {
        h_errno = HOST_NOT_FOUND;
        return NULL;
    }
    for (at = found; at != NULL && count < ADDRESSES_MAX; at = at->ai_next) {
        const struct sockaddr_in *in = (const void *)at->ai_addr;

        addresses[count++] = in->sin_addr;
    }
    freeaddrinfo(found);
    return lend(name, count);
}

struct hostent *lunik_luasocket_gethostbyaddr(const void *address,
                                              socklen_t size, int family)
{
    char text[INET_ADDRSTRLEN];

    if (family != AF_INET || size != sizeof(addresses[0])) {
        h_errno = HOST_NOT_FOUND;
        return NULL;
    }
    memcpy(&addresses[0], address, size);
    if (addresses[0].s_addr == htonl(INADDR_LOOPBACK))
        return lend("localhost", 1);
    inet_ntop(AF_INET, &addresses[0], text, sizeof(text));
    return lend(text, 1);
}
