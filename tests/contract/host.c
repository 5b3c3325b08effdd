/* SPDX-License-Identifier: MIT */
/* host.c: the contracts on the host platform. */
#define TEST_ON_FIBER
#include "contract.h"

#include "test.h"

TEST(the_host_keeps_all_contracts)
{
    CHECK_EQ(contract_run(), 0);
}

TEST(a_broken_promise_is_counted)
{
    CHECK_EQ(contract_check(true, "kept"), 0);
    CHECK_EQ(contract_check(false, "an example; this line is expected"), 1);
}
