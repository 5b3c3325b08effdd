/* SPDX-License-Identifier: MIT */
/*
 * dns_message.h: the bytes of DNS questions and answers, without any I/O.
 *
 * Answers come from anywhere: every length is checked, compressed names may
 * only point backwards, and what does not answer the question is ignored.
 * Context: any.
 */
#ifndef LUNIK_DNS_MESSAGE_H
#define LUNIK_DNS_MESSAGE_H

#include <lunik/address.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUNIK_DNS_NAME_MAX 253
#define LUNIK_DNS_QUERY_MAX (12 + LUNIK_DNS_NAME_MAX + 2 + 4)
#define LUNIK_DNS_ADDRESSES_MAX 8

enum { LUNIK_DNS_A = 1, LUNIK_DNS_AAAA = 28 };

struct lunik_dns_question {
    uint16_t id;
    uint16_t type; /* LUNIK_DNS_A or LUNIK_DNS_AAAA */
    char name[LUNIK_DNS_NAME_MAX + 1];
};

enum lunik_dns_verdict {
    LUNIK_DNS_IGNORE,    /* not an answer to this question: wait on */
    LUNIK_DNS_ANSWER,    /* addresses, with (ttl) */
    LUNIK_DNS_ALIAS,     /* only another name, (alias): ask for that */
    LUNIK_DNS_NONE,      /* the name, or such an address of it, is not there */
    LUNIK_DNS_FAILED,    /* this server cannot tell */
    LUNIK_DNS_TRUNCATED, /* it did not fit: ask by TCP */
};

struct lunik_dns_answer {
    uint32_t ttl; /* seconds; of LUNIK_DNS_NONE: how long that holds */
    size_t count;
    struct lunik_address addresses[LUNIK_DNS_ADDRESSES_MAX];
    char alias[LUNIK_DNS_NAME_MAX + 1];
};

/* Copies (text) as a host name: letters to lower case, without a dot at the
 * end. False: it is none. */
bool lunik_dns_read_name(const char *text, char out[LUNIK_DNS_NAME_MAX + 1]);

/* Writes the question. Returns its size. */
size_t lunik_dns_write_query(const struct lunik_dns_question *question,
                             uint8_t out[LUNIK_DNS_QUERY_MAX]);

/* Reads what a server sent. */
enum lunik_dns_verdict
lunik_dns_read_answer(const struct lunik_dns_question *question,
                      const void *data, size_t size,
                      struct lunik_dns_answer *out);

#endif
