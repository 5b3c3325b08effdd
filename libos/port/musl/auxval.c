/* SPDX-License-Identifier: MIT */
/* auxval.c: no kernel left a vector of facts behind. */
#include <errno.h>
#include <sys/auxv.h>

/* sysconf() asks under this name. */
unsigned long __getauxval(unsigned long item)
{
    (void)item;
    errno = ENOENT;
    return 0;
}

unsigned long getauxval(unsigned long item)
{
    return __getauxval(item);
}
