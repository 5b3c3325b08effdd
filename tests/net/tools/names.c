/* SPDX-License-Identifier: MIT */
/*
 * names.c: a DNS server that answers as badly as it is told.
 *
 *   names --host IP [--port N] [--address IP] [--mode MODE] [--delay MS]
 *
 *   answer   each name is at (--address)
 *   drop     never answers
 *   forge    first 200 answers with wrong numbers and a wrong address
 *   stranger an answer from another port first, with a wrong address
 *   other    answers to another question first, with a wrong address
 *   loop     a name that points to itself
 *   short    half an answer
 *   none     there is no such name
 *
 * Says "ready", then for each question "query ID PORT TYPE NAME". Wrong
 * addresses are 203.0.113.66.
 */
#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MAX 1500
#define TYPE_A 1
#define FORGERIES 200

struct question {
    uint8_t bytes[MESSAGE_MAX];
    size_t size;
    size_t end; /* of the first question */
    unsigned id, type;
    char name[256];
    struct sockaddr_storage from;
    socklen_t from_size;
};

static in_addr_t right, wrong;
static int fd;

/* Takes the name and the type out; false when that is no question. */
static bool read_question(struct question *q)
{
    size_t at = 12, used = 0;

    if (q->size < 17)
        return false;
    q->id = (unsigned)q->bytes[0] << 8 | q->bytes[1];
    while (at < q->size && q->bytes[at] != 0) {
        size_t label = q->bytes[at];

        if (label > 63 || at + 1 + label >= q->size ||
            used + label + 2 > sizeof q->name)
            return false;
        memcpy(q->name + used, q->bytes + at + 1, label);
        used += label;
        q->name[used++] = '.';
        at += 1 + label;
    }
    if (at + 5 > q->size || used == 0)
        return false;
    q->name[used - 1] = '\0';
    q->type = (unsigned)q->bytes[at + 1] << 8 | q->bytes[at + 2];
    q->end = at + 5;
    return true;
}

/* Writes an answer to (q) with one address, if its type is A; its size. */
static size_t write_answer(const struct question *q, uint8_t *out,
                           in_addr_t address)
{
    static const uint8_t record[12] = {
        0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4
    };
    size_t size = q->end;

    memcpy(out, q->bytes, size);
    out[2] = 0x81, out[3] = 0x80;
    memset(out + 6, 0, 6);
    if (q->type != TYPE_A)
        return size;
    out[7] = 1;
    memcpy(out + size, record, 12);
    memcpy(out + size + 12, &address, 4);
    return size + 16;
}

static void reply(int from, const struct question *q, const uint8_t *message,
                  size_t size)
{
    if (sendto(from, message, size, 0, (const struct sockaddr *)&q->from,
               q->from_size) < 0)
        perror("names");
}

static void answer(const struct question *q)
{
    uint8_t message[MESSAGE_MAX + 16];

    reply(fd, q, message, write_answer(q, message, right));
}

static void drop(const struct question *q)
{
    (void)q;
}

static void forge(const struct question *q)
{
    uint8_t message[MESSAGE_MAX + 16];
    size_t size = write_answer(q, message, wrong);

    for (unsigned i = 1; i <= FORGERIES; i++) {
        unsigned id = (q->id + i) & 0xffff;

        message[0] = (uint8_t)(id >> 8);
        message[1] = (uint8_t)id;
        reply(fd, q, message, size);
    }
    answer(q);
}

static void stranger(const struct question *q)
{
    uint8_t message[MESSAGE_MAX + 16];
    size_t size = write_answer(q, message, wrong);
    int other = socket(q->from.ss_family, SOCK_DGRAM, 0);

    reply(other, q, message, size);
    close(other);
    answer(q);
}

static void other(const struct question *q)
{
    uint8_t message[MESSAGE_MAX + 16];
    size_t size = write_answer(q, message, wrong);

    message[13] ^= 1; /* the name's first letter */
    reply(fd, q, message, size);
    answer(q);
}

static void loop(const struct question *q)
{
    uint8_t message[MESSAGE_MAX + 16];
    size_t size = write_answer(q, message, wrong);

    if (q->type == TYPE_A) {
        /* An alias for what follows here, which is a pointer to itself. */
        message[q->end + 3] = 5;
        message[q->end + 11] = 2;
        message[q->end + 12] = (uint8_t)(0xc0 | (q->end + 12) >> 8);
        message[q->end + 13] = (uint8_t)(q->end + 12);
        size -= 2;
    }
    reply(fd, q, message, size);
}

static void half(const struct question *q)
{
    uint8_t message[MESSAGE_MAX + 16];

    reply(fd, q, message, write_answer(q, message, wrong) / 2);
}

static void none(const struct question *q)
{
    uint8_t message[MESSAGE_MAX + 16];

    memcpy(message, q->bytes, q->end);
    message[2] = 0x81, message[3] = 0x83;
    memset(message + 6, 0, 6);
    reply(fd, q, message, q->end);
}

static const struct mode {
    const char *name;
    void (*reply)(const struct question *q);
} modes[] = {
    { "answer", answer },     { "drop", drop },   { "forge", forge },
    { "stranger", stranger }, { "other", other }, { "loop", loop },
    { "short", half },        { "none", none },
};

static const struct mode *find_mode(const char *name)
{
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    tool_die("no mode %s", name);
}

static unsigned port_of(const struct sockaddr_storage *from)
{
    return ntohs(from->ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)from)->sin6_port
                     : ((const struct sockaddr_in *)from)->sin_port);
}

int main(int argc, char **argv)
{
    const char *host = tool_word(argc, argv, "host", "10.77.0.1");
    const char *address = tool_word(argc, argv, "address", "10.77.0.1");
    const struct mode *mode =
        find_mode(tool_word(argc, argv, "mode", "answer"));
    long port = tool_number(argc, argv, "port", 53);
    long delay_ms = tool_number(argc, argv, "delay", 0);
    struct sockaddr_storage at;
    socklen_t size = tool_address(host, port, &at);

    tool_end_words(argc, argv);
    inet_pton(AF_INET, "203.0.113.66", &wrong);
    if (inet_pton(AF_INET, address, &right) != 1)
        tool_die("--address is an IPv4 address");
    fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) != 0)
        tool_die("cannot take port %ld: %s", port, strerror(errno));
    tool_catch_signals();
    printf("ready\n");
    fflush(stdout);
    while (!tool_is_told_to_end) {
        struct question q = { .from_size = sizeof q.from };
        ssize_t n = recvfrom(fd, q.bytes, sizeof q.bytes, 0,
                             (struct sockaddr *)&q.from, &q.from_size);

        q.size = n > 0 ? (size_t)n : 0;
        if (!read_question(&q))
            continue;
        printf("query %u %u %u %s\n", q.id, port_of(&q.from), q.type, q.name);
        fflush(stdout);
        tool_sleep_until(tool_now_ns() + (uint64_t)delay_ms * 1000000u);
        mode->reply(&q);
    }
    return 0;
}
