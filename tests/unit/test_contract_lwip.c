/* SPDX-License-Identifier: MIT */
/* test_contract_lwip.c: the sockets' contract on the IP stack, over loopback.
 */
#define TEST_ON_FIBER
#include "../contract/contract.h"
#include "fake.h"
#include "stack.h"

#include <lunik/address.h>

#include "test.h"

static void begin(void)
{
    static bool is_started;

    if (is_started)
        return;
    fake_now = LUNIK_NS_PER_S;
    lunik_random_init();
    lunik_lwip_start();
    is_started = true;
}

TEST(ip4_sockets_keep_the_contract)
{
    struct lunik_address own = { .family = LUNIK_IP4,
                                 .bytes = { 127, 0, 0, 1 } };

    begin();
    CHECK_EQ(contract_socket(&own), 0);
}

TEST(ip6_sockets_keep_the_contract)
{
    struct lunik_address own = { .family = LUNIK_IP6, .bytes = { [15] = 1 } };

    begin();
    CHECK_EQ(contract_socket(&own), 0);
}
