/* SPDX-License-Identifier: MIT */
/*
 * config.h: the launch options that give interfaces their addresses.
 *
 * See docs/network.md for what may be written. Context: any.
 */
#ifndef LUNIK_LWIP_CONFIG_H
#define LUNIK_LWIP_CONFIG_H

#include <lunik/address.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUNIK_LWIP_INTERFACES_MAX 4
#define LUNIK_LWIP_CONFIG_ADDRESSES_MAX 4
#define LUNIK_LWIP_CONFIG_DNS_MAX 4
#define LUNIK_LWIP_HOST_MAX 63

struct lunik_lwip_config {
    bool is_off;    /* the interface stays down */
    bool has_dhcp;  /* IPv4 from DHCP */
    bool has_slaac; /* IPv6 from router advertisements */
    uint8_t index;  /* of the interface; of ip=: 255 is "each" */
    size_t address_count;
    struct {
        struct lunik_address address;
        uint8_t prefix_len;
    } addresses[LUNIK_LWIP_CONFIG_ADDRESSES_MAX];
    struct lunik_address gateway4, gateway6; /* family 0: none */
    size_t dns_count;
    struct lunik_address dns[LUNIK_LWIP_CONFIG_DNS_MAX];
    char host[LUNIK_LWIP_HOST_MAX + 1]; /* empty: none given */
};

#define LUNIK_LWIP_EACH 255

/* Reads the value of "netN.ip=": "dhcp", "slaac", "off", or a list of
 * ADDRESS/PREFIX, "gw=ADDRESS", "dns=ADDRESS", "dhcp", "slaac". */
bool lunik_lwip_config_parse(const char *text, struct lunik_lwip_config *out);

/* Reads the value of "ip=", in Linux's form; IPv6 addresses in brackets. */
bool lunik_lwip_config_parse_linux(const char *text,
                                   struct lunik_lwip_config *out);

/* What the launch line says for interface (index); by default, all from the
 * network. */
void lunik_lwip_config_find(size_t index, struct lunik_lwip_config *out);

#endif
