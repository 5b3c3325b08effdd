/* SPDX-License-Identifier: MIT */
/* fuzz_address.c: any bytes as an IP address. */
#include <arpa/inet.h>
#include <lunik/address.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* The host's C library reads the same addresses, if no zone is there. */
static void must_agree(const char *text, const struct lunik_address *address,
                       bool is_good)
{
    struct in6_addr in6;
    struct in_addr in4;

    if (strchr(text, '%'))
        return;
    if (strchr(text, ':')) {
        must((inet_pton(AF_INET6, text, &in6) == 1) == is_good);
        must(!is_good || memcmp(&in6, address->bytes, 16) == 0);
    } else {
        must((inet_pton(AF_INET, text, &in4) == 1) == is_good);
        must(!is_good || memcmp(&in4, address->bytes, 4) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lunik_address address, again;
    char text[LUNIK_ADDRESS_TEXT_MAX];
    char *in = malloc(size + 1);
    bool is_good;

    must(in != NULL);
    memcpy(in, data, size);
    in[size] = '\0';
    is_good = lunik_address_parse(in, &address);
    must_agree(in, &address, is_good);
    free(in);
    if (!is_good && size >= 16) {
        /* Any bits can be written, and read again. */
        address.family = data[0] & 1 ? LUNIK_IP4 : LUNIK_IP6;
        memcpy(address.bytes, data, address.family == LUNIK_IP4 ? 4 : 16);
    } else if (!is_good) {
        return 0;
    }
    must(lunik_address_format(&address, text) == strlen(text));
    must(lunik_address_parse(text, &again));
    must(lunik_address_is_same(&address, &again));
    return 0;
}
