/* SPDX-License-Identifier: MIT */
/* main.c: the process's entry; where a machine has its boot code. */
#include "host.h"
#include "platform.h"

int main(int argc, char **argv)
{
    platform_host_arguments(argc, argv);
    lunik_start();
}
