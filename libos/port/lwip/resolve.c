/* SPDX-License-Identifier: MIT */
/*
 * resolve.c: lunik_resolve(): names asked from DNS servers, and kept for as
 * long as they hold.
 *
 * A fiber that asks waits by itself; nobody else does. Each question goes out
 * from a port of its own, chosen at random, with a random number; only the
 * server that was asked can answer it. Servers are tried in turn, three times
 * round with more patience each time.
 */
#include "addresses.h"
#include "dns_message.h"
#include "stack.h"
#include <lunik/event.h>
#include <lunik/interface.h>
#include <lunik/mem.h>
#include <lunik/random.h>
#include <lunik/socket.h>
#include <string.h>

#include "lwip/udp.h"

#define DNS_PORT 53
#define ROUNDS 3
#define PATIENCE_NS LUNIK_NS_PER_S /* doubled with each round */
#define CONFIGURE_NS (10 * LUNIK_NS_PER_S)
#define TCP_NS (5 * LUNIK_NS_PER_S)
#define ALIASES_MAX 4
#define MESSAGE_MAX 4096 /* by TCP */
#define DATAGRAM_MAX 1500
#define ASKING_MAX 1024 /* questions on their way */
#define PORT_TRIES 32

/* ---- Cache ---- */

#define CACHE_MAX 64

struct entry {
    uint64_t until_ns;
    uint16_t type;
    size_t count; /* 0: known not to be */
    struct lunik_address addresses[LUNIK_DNS_ADDRESSES_MAX];
    char name[LUNIK_DNS_NAME_MAX + 1];
};

static struct {
    struct entry *entries[CACHE_MAX];
    size_t asking;
} cache;

/* A name is never longer than there is room. */
static void copy_name(char out[LUNIK_DNS_NAME_MAX + 1], const char *name)
{
    memcpy(out, name, strlen(name) + 1);
}

static struct entry *find_entry(const char *name, uint16_t type)
{
    uint64_t now_ns = lunik_time_monotonic_ns();

    for (size_t i = 0; i < CACHE_MAX; i++) {
        struct entry *entry = cache.entries[i];

        if (entry && entry->type == type && entry->until_ns > now_ns &&
            strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

/* An empty place, or that of the one that ends first. */
static size_t place_for(const char *name, uint16_t type)
{
    size_t best = 0;

    for (size_t i = 0; i < CACHE_MAX; i++) {
        const struct entry *entry = cache.entries[i];

        if (!entry)
            return i;
        if (entry->type == type && strcmp(entry->name, name) == 0)
            return i;
        if (entry->until_ns < cache.entries[best]->until_ns)
            best = i;
    }
    return best;
}

static void remember(const char *name, uint16_t type,
                     const struct lunik_dns_answer *answer)
{
    size_t at = place_for(name, type);
    struct entry *entry = cache.entries[at];

    if (answer->ttl == 0)
        return;
    if (!entry) {
        entry = lunik_mem_alloc_sized(sizeof(*entry));
        if (!entry)
            return;
        cache.entries[at] = entry;
    }
    entry->until_ns = lunik_time_after_ns(answer->ttl * LUNIK_NS_PER_S);
    entry->type = type;
    entry->count = answer->count;
    memcpy(entry->addresses, answer->addresses, sizeof(entry->addresses));
    copy_name(entry->name, name);
}

/* ---- One question, at one server ---- */

struct asking {
    struct lunik_dns_question question;
    struct lunik_dns_answer answer;
    enum lunik_dns_verdict verdict; /* LUNIK_DNS_IGNORE: none yet */
    struct lunik_event *event;
    struct udp_pcb *udp;
};

static void on_datagram(void *arg, struct udp_pcb *udp, struct pbuf *pbuf,
                        const ip_addr_t *from, u16_t port)
{
    static uint8_t buffer[DATAGRAM_MAX];
    struct asking *asking = arg;
    u16_t size = pbuf_copy_partial(pbuf, buffer, sizeof(buffer), 0);

    (void)udp;
    (void)from;
    (void)port;
    pbuf_free(pbuf);
    if (asking->verdict != LUNIK_DNS_IGNORE)
        return;
    asking->verdict =
        lunik_dns_read_answer(&asking->question, buffer, size, &asking->answer);
    if (asking->verdict != LUNIK_DNS_IGNORE)
        lunik_event_signal(asking->event);
}

static void stop(struct asking *asking)
{
    if (!asking->udp)
        return;
    udp_remove(asking->udp);
    asking->udp = NULL;
    cache.asking--;
}

static bool bind_random(struct udp_pcb *udp)
{
    for (int i = 0; i < PORT_TRIES; i++)
        if (udp_bind(udp, NULL, (u16_t)(0x8000 | lunik_random_u64())) == ERR_OK)
            return true;
    return false;
}

static bool open_udp(struct asking *asking, const ip_addr_t *server)
{
    if (cache.asking >= ASKING_MAX)
        return false;
    asking->udp = udp_new_ip_type(IP_GET_TYPE(server));
    if (!asking->udp)
        return false;
    cache.asking++;
    udp_recv(asking->udp, on_datagram, asking);
    if (bind_random(asking->udp) &&
        udp_connect(asking->udp, server, DNS_PORT) == ERR_OK)
        return true;
    stop(asking);
    return false;
}

/* Sends the question; false: it could not even be sent. */
static bool ask(struct asking *asking, const struct lunik_address *server)
{
    uint8_t query[LUNIK_DNS_QUERY_MAX];
    struct pbuf *pbuf;
    ip_addr_t to;
    size_t size;
    err_t err = ERR_MEM;

    stop(asking);
    asking->verdict = LUNIK_DNS_IGNORE;
    asking->question.id = (uint16_t)lunik_random_u64();
    lunik_lwip_from_address(server, &to);
    if (!open_udp(asking, &to))
        return false;
    size = lunik_dns_write_query(&asking->question, query);
    pbuf = pbuf_alloc(PBUF_TRANSPORT, (u16_t)size, PBUF_RAM);
    if (pbuf) {
        memcpy(pbuf->payload, query, size);
        err = udp_send(asking->udp, pbuf);
        pbuf_free(pbuf);
        lunik_lwip_touched();
    }
    return err == ERR_OK;
}

/* ---- The same by TCP ---- */

static lunik_result send_all(struct lunik_socket *socket, const uint8_t *data,
                             size_t size, uint64_t deadline_ns)
{
    while (size > 0) {
        size_t sent;
        lunik_result result =
            lunik_socket_try_send(socket, data, size, 0, NULL, &sent);

        if (result == LUNIK_EAGAIN)
            result = lunik_socket_wait(socket, LUNIK_WRITABLE, deadline_ns);
        else if (result == LUNIK_OK)
            data += sent, size -= sent;
        if (result != LUNIK_OK)
            return result;
    }
    return LUNIK_OK;
}

static lunik_result receive_all(struct lunik_socket *socket, uint8_t *out,
                                size_t size, uint64_t deadline_ns)
{
    while (size > 0) {
        size_t got;
        lunik_result result =
            lunik_socket_try_receive(socket, out, size, &got, NULL);

        if (result == LUNIK_EAGAIN)
            result = lunik_socket_wait(socket, LUNIK_READABLE, deadline_ns);
        else if (result == LUNIK_OK && got == 0)
            result = LUNIK_ECLOSED;
        else if (result == LUNIK_OK)
            out += got, size -= got;
        if (result != LUNIK_OK)
            return result;
    }
    return LUNIK_OK;
}

static lunik_result talk(struct lunik_socket *socket, struct asking *asking,
                         const struct lunik_address *server, uint8_t *buffer,
                         uint64_t deadline_ns)
{
    struct lunik_address to = *server;
    size_t size = lunik_dns_write_query(&asking->question, buffer + 2);
    lunik_result result;

    to.port = DNS_PORT;
    result = lunik_socket_try_connect(socket, &to);
    if (result == LUNIK_EAGAIN)
        result = lunik_socket_wait(socket, LUNIK_WRITABLE, deadline_ns);
    if (result != LUNIK_OK)
        return result;
    buffer[0] = (uint8_t)(size >> 8);
    buffer[1] = (uint8_t)size;
    result = send_all(socket, buffer, size + 2, deadline_ns);
    if (result == LUNIK_OK)
        result = receive_all(socket, buffer, 2, deadline_ns);
    if (result != LUNIK_OK)
        return result;
    size = (size_t)buffer[0] << 8 | buffer[1];
    if (size > MESSAGE_MAX)
        return LUNIK_EINVAL;
    result = receive_all(socket, buffer, size, deadline_ns);
    if (result == LUNIK_OK)
        asking->verdict = lunik_dns_read_answer(&asking->question, buffer, size,
                                                &asking->answer);
    return result;
}

/* The verdict is LUNIK_DNS_FAILED where that did not help. */
static lunik_result ask_by_tcp(struct asking *asking,
                               const struct lunik_address *server,
                               uint64_t deadline_ns)
{
    uint64_t patience_ns = lunik_time_after_ns(TCP_NS);
    struct lunik_socket *socket;
    uint8_t *buffer;
    lunik_result result;

    asking->verdict = LUNIK_DNS_FAILED;
    result = lunik_socket_open(LUNIK_STREAM, server->family, &socket);
    if (result != LUNIK_OK)
        return LUNIK_OK;
    buffer = lunik_mem_alloc_sized(MESSAGE_MAX);
    if (buffer) {
        result = talk(socket, asking, server, buffer,
                      patience_ns < deadline_ns ? patience_ns : deadline_ns);
        lunik_mem_free_sized(buffer, MESSAGE_MAX);
    }
    lunik_socket_close(socket);
    if (asking->verdict == LUNIK_DNS_TRUNCATED ||
        asking->verdict == LUNIK_DNS_IGNORE)
        asking->verdict = LUNIK_DNS_FAILED;
    return result == LUNIK_ECANCELED ? result : LUNIK_OK;
}

/* ---- One name, both families ---- */

struct lookup {
    struct lunik_event event;
    struct asking askings[2];
    size_t count;     /* of askings */
    unsigned aliases; /* followed */
    uint64_t deadline_ns;
};

static bool is_settled(const struct asking *asking)
{
    return asking->verdict == LUNIK_DNS_ANSWER ||
           asking->verdict == LUNIK_DNS_NONE;
}

static bool is_over(const struct lookup *lookup)
{
    for (size_t i = 0; i < lookup->count; i++)
        if (lookup->askings[i].verdict == LUNIK_DNS_IGNORE)
            return false;
    return true;
}

/* Asks one server for all that is not settled, and waits. */
static lunik_result try_server(struct lookup *lookup,
                               const struct lunik_address *server,
                               uint64_t patience_ns)
{
    uint64_t until_ns = lunik_time_after_ns(patience_ns);
    lunik_result result = LUNIK_OK;

    if (until_ns > lookup->deadline_ns)
        until_ns = lookup->deadline_ns;
    for (size_t i = 0; i < lookup->count; i++)
        if (!is_settled(&lookup->askings[i]) &&
            !ask(&lookup->askings[i], server))
            lookup->askings[i].verdict = LUNIK_DNS_FAILED;
    while (!is_over(lookup) && result == LUNIK_OK)
        result = lunik_event_wait(&lookup->event, until_ns);
    for (size_t i = 0; i < lookup->count; i++) {
        struct asking *asking = &lookup->askings[i];

        stop(asking);
        if (result != LUNIK_ECANCELED && asking->verdict == LUNIK_DNS_TRUNCATED)
            result = ask_by_tcp(asking, server, lookup->deadline_ns);
    }
    return result == LUNIK_ECANCELED ? result : LUNIK_OK;
}

/* An answer that named only another name: that is asked for instead. */
static bool follow(struct lookup *lookup)
{
    bool has_more = false;

    for (size_t i = 0; i < lookup->count; i++) {
        struct asking *asking = &lookup->askings[i];

        if (asking->verdict != LUNIK_DNS_ALIAS)
            continue;
        if (lookup->aliases >= ALIASES_MAX) {
            asking->verdict = LUNIK_DNS_NONE;
            asking->answer.ttl = 0;
            continue;
        }
        copy_name(asking->question.name, asking->answer.alias);
        asking->verdict = LUNIK_DNS_FAILED;
        has_more = true;
    }
    lookup->aliases += has_more;
    return has_more;
}

static bool all_settled(const struct lookup *lookup)
{
    for (size_t i = 0; i < lookup->count; i++)
        if (!is_settled(&lookup->askings[i]))
            return false;
    return true;
}

static lunik_result ask_servers(struct lookup *lookup,
                                const struct lunik_address *servers,
                                size_t count)
{
    for (unsigned round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++) {
            lunik_result result;

            do {
                result = try_server(lookup, &servers[i], PATIENCE_NS << round);
                if (result != LUNIK_OK)
                    return result;
            } while (follow(lookup));
            if (all_settled(lookup))
                return LUNIK_OK;
            if (lunik_time_monotonic_ns() >= lookup->deadline_ns)
                return LUNIK_ETIMEOUT;
        }
    return LUNIK_ETIMEOUT;
}

/* ---- Names that need no server ---- */

static bool is_localhost(const char *name)
{
    size_t len = strlen(name);

    return strcmp(name, "localhost") == 0 ||
           (len > 10 && strcmp(name + len - 10, ".localhost") == 0);
}

struct result {
    struct lunik_address *out;
    size_t max, count;
};

static void add(struct result *to, const struct lunik_address *addresses,
                size_t count)
{
    for (size_t i = 0; i < count && to->count < to->max; i++)
        to->out[to->count++] = addresses[i];
}

static void add_localhost(struct result *to, unsigned families)
{
    struct lunik_address ip4 = { .family = LUNIK_IP4,
                                 .bytes = { 127, 0, 0, 1 } };
    struct lunik_address ip6 = { .family = LUNIK_IP6, .bytes = { [15] = 1 } };

    if (families & LUNIK_IP4)
        add(to, &ip4, 1);
    if (families & LUNIK_IP6)
        add(to, &ip6, 1);
}

/* ---- All of it ---- */

/* Whether an address of (family) would be of use: one of ours is of it, that
 * others can reach. */
static bool has_address(uint8_t family)
{
    struct lunik_interface interface;

    for (size_t i = 0; lunik_interface_get(i, &interface) == LUNIK_OK; i++)
        for (size_t j = 0; j < interface.address_count; j++) {
            const struct lunik_interface_address *at = &interface.addresses[j];

            if (at->address.family == family && at->source != 'l' &&
                !at->is_tentative && !at->is_duplicate)
                return true;
        }
    return false;
}

/* The servers; an interface that still waits for DHCP is waited for. */
static lunik_result find_servers(struct lunik_address *servers, size_t *count,
                                 uint64_t deadline_ns)
{
    uint64_t patience_ns = lunik_time_after_ns(CONFIGURE_NS);
    lunik_result result;

    *count = lunik_interface_nameservers(servers);
    if (*count > 0)
        return LUNIK_OK;
    if (!lunik_lwip_has_network())
        return LUNIK_EUNREACHABLE;
    result = lunik_interface_wait(LUNIK_IP4 | LUNIK_IP6,
                                  patience_ns < deadline_ns ? patience_ns
                                                            : deadline_ns);
    if (result == LUNIK_ECANCELED)
        return result;
    *count = lunik_interface_nameservers(servers);
    if (*count > 0)
        return LUNIK_OK;
    return result == LUNIK_ETIMEOUT && deadline_ns < patience_ns
               ? LUNIK_ETIMEOUT
               : LUNIK_EUNREACHABLE;
}

static void prepare(struct lookup *lookup, const char *name, uint16_t type,
                    size_t *known)
{
    struct asking *asking = &lookup->askings[lookup->count++];
    const struct entry *entry = find_entry(name, type);

    memset(asking, 0, sizeof(*asking));
    asking->event = &lookup->event;
    asking->question.type = type;
    copy_name(asking->question.name, name);
    asking->verdict = LUNIK_DNS_FAILED;
    if (!entry)
        return;
    asking->verdict = entry->count ? LUNIK_DNS_ANSWER : LUNIK_DNS_NONE;
    asking->answer.count = entry->count;
    memcpy(asking->answer.addresses, entry->addresses,
           sizeof(entry->addresses));
    (*known)++;
}

/* What was found, and what is to be said if nothing was. */
static lunik_result conclude(struct lookup *lookup, const char *name,
                             lunik_result result, struct result *to)
{
    bool is_none = true;

    for (size_t i = 0; i < lookup->count; i++) {
        struct asking *asking = &lookup->askings[i];

        if (asking->verdict == LUNIK_DNS_ANSWER)
            add(to, asking->answer.addresses, asking->answer.count);
        if (is_settled(asking) && asking->answer.ttl > 0)
            remember(name, asking->question.type, &asking->answer);
        if (!is_settled(asking))
            is_none = false;
    }
    if (result == LUNIK_ECANCELED)
        return result;
    if (to->count > 0)
        return LUNIK_OK;
    return is_none ? LUNIK_ENOENT : result == LUNIK_OK ? LUNIK_ENOENT : result;
}

static lunik_result look_up(const char *name, unsigned families,
                            uint64_t deadline_ns, struct result *to)
{
    struct lunik_address servers[LUNIK_NAMESERVERS_MAX];
    struct lookup *lookup;
    size_t server_count = 0, known = 0;
    lunik_result result = LUNIK_OK;
    bool has6;

    lookup = lunik_mem_alloc_zeroed(1, sizeof(*lookup));
    if (!lookup)
        return LUNIK_ENOMEM;
    lookup->deadline_ns = deadline_ns;
    has6 = has_address(LUNIK_IP6);
    if ((families & LUNIK_IP6) && (has6 || families == LUNIK_IP6))
        prepare(lookup, name, LUNIK_DNS_AAAA, &known);
    if (families & LUNIK_IP4)
        prepare(lookup, name, LUNIK_DNS_A, &known);
    if (known < lookup->count) {
        result = find_servers(servers, &server_count, deadline_ns);
        if (result == LUNIK_OK)
            result = ask_servers(lookup, servers, server_count);
    }
    result = conclude(lookup, name, result, to);
    for (size_t i = 0; i < lookup->count; i++)
        stop(&lookup->askings[i]);
    lunik_mem_free(lookup);
    return result;
}

lunik_result lunik_resolve(const char *name, unsigned families,
                           uint64_t deadline_ns, struct lunik_address *out,
                           size_t max, size_t *count_out)
{
    struct result to = { out, max, 0 };
    char text[LUNIK_DNS_NAME_MAX + 1];
    struct lunik_address address;
    lunik_result result;

    *count_out = 0;
    if (max == 0 || (families & (LUNIK_IP4 | LUNIK_IP6)) == 0)
        return LUNIK_EINVAL;
    if (lunik_address_parse(name, &address)) {
        if (!(address.family & families))
            return LUNIK_ENOENT;
        add(&to, &address, 1);
        *count_out = to.count;
        return LUNIK_OK;
    }
    if (!lunik_dns_read_name(name, text))
        return LUNIK_EINVAL;
    if (is_localhost(text)) {
        add_localhost(&to, families);
        result = LUNIK_OK;
    } else {
        result = look_up(text, families, deadline_ns, &to);
    }
    *count_out = to.count;
    return result;
}
