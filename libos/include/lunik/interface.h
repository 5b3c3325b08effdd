/* SPDX-License-Identifier: MIT */
/*
 * interface.h: what the IP stack has been configured to.
 *
 * An interface is a network device of <lunik/net.h> with addresses. They come
 * from the launch line ("ip=…", "net0.ip=…"), from DHCP when that says
 * nothing, and from router advertisements.
 *
 * Context: task.
 */
#ifndef LUNIK_INTERFACE_H
#define LUNIK_INTERFACE_H

#include <lunik/address.h>
#include <lunik/attr.h>
#include <lunik/net.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUNIK_INTERFACE_ADDRESSES_MAX 8
#define LUNIK_NAMESERVERS_MAX 4

struct lunik_interface_address {
    struct lunik_address address;
    uint8_t prefix_len;
    bool is_tentative; /* not yet known to be ours alone */
    bool is_duplicate; /* somebody else has it: not used */
    char source;       /* 's'tatic, 'd'HCP, 'r'outer advertisement, 'l'ocal */
};

struct lunik_interface {
    char name[LUNIK_NET_NAME_MAX + 1];
    uint8_t hardware[6];
    uint16_t mtu;
    bool has_link;
    bool is_broken; /* its device was given up */
    size_t address_count;
    struct lunik_interface_address addresses[LUNIK_INTERFACE_ADDRESSES_MAX];
    struct lunik_address gateway4, gateway6; /* family 0: none */
};

/* The (index)th interface. LUNIK_ENOENT past the last. */
LUNIK_MUST_CHECK lunik_result lunik_interface_get(size_t index,
                                                  struct lunik_interface *out);

/* The servers that names are asked from; returns how many. */
size_t
lunik_interface_nameservers(struct lunik_address out[LUNIK_NAMESERVERS_MAX]);

/*
 * Waits until an interface has an address that can be used with others (not
 * only a link-local one), of one of (families).
 * Returns: LUNIK_ETIMEOUT, LUNIK_ECANCELED; LUNIK_ENOENT when there is no
 * interface at all.
 */
LUNIK_MUST_CHECK lunik_result lunik_interface_wait(unsigned families,
                                                   uint64_t deadline_ns);

#endif
