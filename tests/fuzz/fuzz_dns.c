/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dns.c: any bytes as an answer to a question, and as a name.
 *
 * The first byte says whether the rest is taken as it is, or behind the header
 * and the question that a server would repeat.
 */
#include "dns_message.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check(enum lunik_dns_verdict verdict,
                  const struct lunik_dns_answer *answer)
{
    char name[LUNIK_DNS_NAME_MAX + 1];

    must(answer->count <= LUNIK_DNS_ADDRESSES_MAX);
    if (verdict == LUNIK_DNS_ANSWER)
        must(answer->count > 0 && answer->ttl <= 86400);
    if (verdict == LUNIK_DNS_NONE)
        must(answer->ttl <= 300);
    if (verdict == LUNIK_DNS_ALIAS)
        must(lunik_dns_read_name(answer->alias, name) &&
             strcmp(name, answer->alias) == 0);
}

static void try_name(const uint8_t *data, size_t size)
{
    struct lunik_dns_question question = { .type = LUNIK_DNS_A };
    uint8_t query[LUNIK_DNS_QUERY_MAX];
    char *text = malloc(size + 1);

    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (lunik_dns_read_name(text, question.name))
        must(lunik_dns_write_query(&question, query) <= sizeof(query));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lunik_dns_question question = { .id = 7,
                                           .type = LUNIK_DNS_A,
                                           .name = "a.example" };
    struct lunik_dns_answer answer;
    uint8_t *message;
    size_t front = 0;

    if (size == 0)
        return 0;
    try_name(data + 1, size - 1);
    if (data[0] & 2)
        question.type = LUNIK_DNS_AAAA;
    message = malloc(LUNIK_DNS_QUERY_MAX + size);
    must(message != NULL);
    if (data[0] & 1) {
        front = lunik_dns_write_query(&question, message);
        message[2] = 0x81;
        message[3] = data[0] & 4 ? 0x83 : 0x80;
        message[7] = data[0] >> 3; /* answers */
        message[9] = data[0] >> 6; /* authorities */
    }
    memcpy(message + front, data + 1, size - 1);
    message = realloc(message, front + size - 1 + (front + size == 1));
    check(lunik_dns_read_answer(&question, message, front + size - 1, &answer),
          &answer);
    free(message);
    return 0;
}
