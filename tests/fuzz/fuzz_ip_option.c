/* SPDX-License-Identifier: MIT */
/* fuzz_ip_option.c: any bytes as the value of "ip=" and of "net0.ip=". */
#include "config.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct lunik_lwip_config *config)
{
    size_t of4 = 0;

    must(config->index < LUNIK_LWIP_INTERFACES_MAX ||
         config->index == LUNIK_LWIP_EACH);
    must(config->address_count <= LUNIK_LWIP_CONFIG_ADDRESSES_MAX);
    must(config->dns_count <= LUNIK_LWIP_CONFIG_DNS_MAX);
    must(memchr(config->host, '\0', sizeof(config->host)) != NULL);
    must(config->is_off || config->has_dhcp || config->has_slaac ||
         config->address_count > 0);
    for (size_t i = 0; i < config->address_count; i++) {
        const struct lunik_address *address = &config->addresses[i].address;
        unsigned prefix = config->addresses[i].prefix_len;

        must(!lunik_address_is_any(address) && address->zone == 0);
        if (address->family == LUNIK_IP4)
            of4++;
        must(address->family == LUNIK_IP4 ? prefix >= 1 && prefix <= 32
                                          : prefix == 64);
    }
    must(of4 <= 1 && !(of4 && config->has_dhcp));
    must(config->gateway4.family == 0 || config->gateway4.family == LUNIK_IP4);
    must(config->gateway6.family == 0 || config->gateway6.family == LUNIK_IP6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lunik_lwip_config config;
    char *text = malloc(size + 1);

    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (lunik_lwip_config_parse(text, &config))
        check(&config);
    if (lunik_lwip_config_parse_linux(text, &config))
        check(&config);
    free(text);
    return 0;
}
