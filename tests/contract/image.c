/* SPDX-License-Identifier: MIT */
/* image.c: the contracts as the program of an image; exit code 0: all kept. */
#include "contract.h"

#include <lunik/sys.h>

int lunik_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return contract_run() == 0 ? 0 : 1;
}
