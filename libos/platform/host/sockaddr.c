/* SPDX-License-Identifier: MIT */
/* sockaddr.c: addresses as Linux has them, and as <lunik/address.h> does. */
#include "host.h"
#include <arpa/inet.h>
#include <lunik/address.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

unsigned platform_host_address_to_linux(const struct lunik_address *address,
                                        int family,
                                        struct sockaddr_storage *out)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    if (family == AF_INET && address->family == LUNIK_IP4) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons(address->port);
        memcpy(&in4->sin_addr, address->bytes, 4);
        return sizeof(*in4);
    }
    if (family != AF_INET6)
        return 0;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address->port);
    if (address->family == LUNIK_IP6) {
        memcpy(&in6->sin6_addr, address->bytes, 16);
        in6->sin6_scope_id = platform_host_zone_to_linux(address->zone);
    } else if (address->family == LUNIK_IP4) {
        in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
        memcpy(in6->sin6_addr.s6_addr + 12, address->bytes, 4);
    } else {
        return 0;
    }
    return sizeof(*in6);
}

void platform_host_address_from_linux(const struct sockaddr *address,
                                      struct lunik_address *out)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    memset(out, 0, sizeof(*out));
    if (address->sa_family == AF_INET) {
        memcpy(&in4, address, sizeof(in4));
        out->family = LUNIK_IP4;
        out->port = ntohs(in4.sin_port);
        memcpy(out->bytes, &in4.sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        memcpy(&in6, address, sizeof(in6));
        out->port = ntohs(in6.sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
            out->family = LUNIK_IP4;
            memcpy(out->bytes, in6.sin6_addr.s6_addr + 12, 4);
            return;
        }
        out->family = LUNIK_IP6;
        memcpy(out->bytes, &in6.sin6_addr, 16);
        out->zone = platform_host_zone_from_linux(in6.sin6_scope_id);
    }
}
