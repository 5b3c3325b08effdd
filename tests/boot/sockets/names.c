/* SPDX-License-Identifier: MIT */
/* names.c: addresses, services and interfaces by name. */
#define _GNU_SOURCE
#include "check.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>

#define TEXT_MAX 96

/* Looks (host) and (service) up; the first result's text, as host and port. */
static int look_up(const char *host, const char *service, int family, int flags,
                   char out[TEXT_MAX])
{
    struct addrinfo hints = { .ai_family = family,
                              .ai_flags = flags,
                              .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;
    char node[64], port[16];
    int res = getaddrinfo(host, service, &hints, &list);

    out[0] = '\0';
    if (res)
        return res;
    CHECK_EQ(list->ai_socktype, SOCK_STREAM);
    CHECK_EQ(list->ai_protocol, IPPROTO_TCP);
    CHECK_EQ(getnameinfo(list->ai_addr, list->ai_addrlen, node, sizeof(node),
                         port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV),
             0);
    snprintf(out, TEXT_MAX, "%s %s", node, port);
    freeaddrinfo(list);
    return 0;
}

static void finds(const char *host, const char *service, int family, int flags,
                  const char *wanted)
{
    char text[TEXT_MAX];

    CHECK_EQ(look_up(host, service, family, flags, text), 0);
    if (strcmp(text, wanted) != 0)
        printf("%s is not %s\n", text, wanted);
    CHECK(strcmp(text, wanted) == 0);
}

static void fails(const char *host, const char *service, int family, int flags,
                  int wanted)
{
    char text[TEXT_MAX];

    CHECK_EQ(look_up(host, service, family, flags, text), wanted);
}

static void test_getaddrinfo(void)
{
    struct addrinfo *list, hints = { .ai_flags = AI_CANONNAME };
    int count = 0;

    finds("192.0.2.7", "80", AF_UNSPEC, 0, "192.0.2.7 80");
    finds("2001:DB8::0:7", "http", AF_UNSPEC, 0, "2001:db8::7 80");
    finds("192.0.2.7", NULL, AF_INET, AI_NUMERICHOST, "192.0.2.7 0");
    finds("192.0.2.7", "7", AF_INET6, AI_V4MAPPED, "::ffff:192.0.2.7 7");
    finds(NULL, "8080", AF_UNSPEC, AI_PASSIVE, "0.0.0.0 8080");
    finds(NULL, "8080", AF_INET6, AI_PASSIVE, ":: 8080");
    finds(NULL, "8080", AF_INET, 0, "127.0.0.1 8080");
    finds("localhost", "1", AF_INET, 0, "127.0.0.1 1");
    finds("LocalHost.", "1", AF_INET6, 0, "::1 1");
    finds("a.localhost", "1", AF_INET, 0, "127.0.0.1 1");
    fails("192.0.2.7", "80", AF_INET6, 0, EAI_NODATA);
    fails("host", "80", AF_UNSPEC, AI_NUMERICHOST, EAI_NONAME);
    fails("", "80", AF_UNSPEC, 0, EAI_NONAME);
    fails(NULL, NULL, AF_UNSPEC, 0, EAI_NONAME);
    fails("192.0.2.7", "nonsense", AF_UNSPEC, 0, EAI_SERVICE);
    fails("192.0.2.7", "http", AF_UNSPEC, AI_NUMERICSERV, EAI_NONAME);
    fails("192.0.2.7", "65536", AF_UNSPEC, 0, EAI_SERVICE);
    fails("192.0.2.7", "80x", AF_UNSPEC, 0, EAI_SERVICE);
    fails("192.0.2.7", "80", AF_UNIX, 0, EAI_FAMILY);
    fails("192.0.2.7", "80", AF_INET, 1 << 20, EAI_BADFLAGS);
    /* Without a device there is nobody to ask, and that is said at once. */
    fails("nobody.example", "80", AF_UNSPEC, 0, EAI_AGAIN);
    CHECK_EQ(getaddrinfo("localhost", "domain", &hints, &list), 0);
    CHECK(strcmp(list->ai_canonname, "localhost") == 0);
    for (struct addrinfo *at = list; at; at = at->ai_next)
        count++;
    CHECK_EQ(count, 4);
    freeaddrinfo(list);
    CHECK(strlen(gai_strerror(EAI_NONAME)) > 0);
}

static void test_old_calls(void)
{
    struct hostent *host = gethostbyname("192.0.2.9");
    struct servent *service = getservbyname("domain", "udp");

    CHECK(host && host->h_addrtype == AF_INET && host->h_length == 4);
    CHECK(host && memcmp(host->h_addr_list[0], "\xc0\0\2\x9", 4) == 0);
    host = gethostbyname("localhost");
    CHECK(host && memcmp(host->h_addr_list[0], "\x7f\0\0\1", 4) == 0);
    CHECK(service && ntohs((uint16_t)service->s_port) == 53);
    service = getservbyport(htons(443), "tcp");
    CHECK(service && strcmp(service->s_name, "https") == 0);
    CHECK(!getservbyport(htons(4), "tcp"));
}

static void test_getnameinfo(void)
{
    union any_address address;
    char text[8], port[8];
    socklen_t len = loopback(AF_INET, 80, &address);

    CHECK_EQ(getnameinfo(&address.any, len, text, sizeof(text), NULL, 0, 0),
             EAI_OVERFLOW);
    CHECK_EQ(getnameinfo(&address.any, len, NULL, 0, port, sizeof(port), 0), 0);
    CHECK(strcmp(port, "http") == 0);
    CHECK_EQ(getnameinfo(&address.any, len, NULL, 0, port, 2, 0), EAI_OVERFLOW);
    CHECK_EQ(getnameinfo(&address.any, len, text, sizeof(text), NULL, 0,
                         NI_NAMEREQD),
             EAI_NONAME);
    CHECK_EQ(getnameinfo(&address.any, 4, text, sizeof(text), NULL, 0, 0),
             EAI_FAMILY);
}

static void test_text(void)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN];

    CHECK_EQ(inet_pton(AF_INET6, "2001:db8::1", &address), 1);
    CHECK(inet_ntop(AF_INET6, &address, text, sizeof(text)) == text);
    CHECK(strcmp(text, "2001:db8::1") == 0);
    CHECK_EQ(inet_pton(AF_INET, "1.2.3", &address), 0);
    CHECK_EQ(inet_addr("1.2.3.4"), htonl(0x01020304));
    CHECK_EQ(ntohs(htons(0x1234)), 0x1234);
    CHECK_EQ(if_nametoindex("nothing"), 0);
    CHECK(if_indextoname(200, text) == NULL);
    CHECK_EQ(errno, ENXIO);
}

void test_names(void)
{
    test_getaddrinfo();
    test_old_calls();
    test_getnameinfo();
    test_text();
}
