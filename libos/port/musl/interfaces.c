/* SPDX-License-Identifier: MIT */
/* interfaces.c: interfaces by name and by number, as <net/if.h> has them. */
#include <errno.h>
#include <lunik/interface.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(IF_NAMESIZE > LUNIK_NET_NAME_MAX, "names fit");

unsigned if_nametoindex(const char *name)
{
    struct lunik_interface interface;

    for (unsigned i = 0; lunik_interface_get(i, &interface) == LUNIK_OK; i++)
        if (strcmp(interface.name, name) == 0)
            return i + 1;
    errno = ENODEV;
    return 0;
}

char *if_indextoname(unsigned index, char *name)
{
    struct lunik_interface interface;

    if (index == 0 || lunik_interface_get(index - 1, &interface) != LUNIK_OK) {
        errno = ENXIO;
        return NULL;
    }
    memcpy(name, interface.name, strlen(interface.name) + 1);
    return name;
}

/* One block: the list, then the names. */
struct if_nameindex *if_nameindex(void)
{
    struct lunik_interface interface;
    struct if_nameindex *list;
    unsigned count = 0;
    char *names;

    while (lunik_interface_get(count, &interface) == LUNIK_OK)
        count++;
    list = calloc(count + 1, sizeof(*list) + IF_NAMESIZE);
    if (!list) {
        errno = ENOBUFS;
        return NULL;
    }
    names = (char *)(list + count + 1);
    for (unsigned i = 0; i < count; i++, names += IF_NAMESIZE) {
        list[i].if_index = i + 1;
        list[i].if_name = if_indextoname(i + 1, names);
    }
    return list;
}

void if_freenameindex(struct if_nameindex *list)
{
    free(list);
}
