/* SPDX-License-Identifier: MIT */
/* users.c: an image has no users, so none has a name or a home. */
#include <pwd.h>
#include <stddef.h>
#include <sys/types.h>

int getpwnam_r(const char *name, struct passwd *entry, char *text, size_t size,
               struct passwd **out)
{
    (void)name;
    (void)entry;
    (void)text;
    (void)size;
    *out = NULL;
    return 0;
}

int getpwuid_r(uid_t id, struct passwd *entry, char *text, size_t size,
               struct passwd **out)
{
    (void)id;
    return getpwnam_r("", entry, text, size, out);
}
