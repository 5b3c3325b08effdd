/* SPDX-License-Identifier: MIT */
/*
 * result.h: how a function of the library OS says what became of a call.
 *
 * Three kinds of trouble, three ways, never mixed:
 *   1. A condition that a correct caller meets is a lunik_result.
 *   2. A broken caller (a NULL handle, something freed twice) hits a
 *      LUNIK_ASSERT, which is always on: see <lunik/panic.h>.
 *   3. An image that cannot start ends with lunik_panic() and a sentence.
 * Sizes and counts come back through an out-parameter, never through the
 * result.
 */
#ifndef LUNIK_RESULT_H
#define LUNIK_RESULT_H

typedef enum lunik_result {
    LUNIK_OK = 0,
    LUNIK_EAGAIN,       /* nothing to do now; wait for the object's event */
    LUNIK_EINVAL,       /* the request itself is malformed or out of range */
    LUNIK_ENOENT,       /* no such file, device or name */
    LUNIK_ENOMEM,       /* out of memory, or a stated bound is reached */
    LUNIK_ETIMEOUT,     /* the deadline passed first */
    LUNIK_ECANCELED,    /* the calling fiber was cancelled */
    LUNIK_ECLOSED,      /* the other side, or the object, is closed */
    LUNIK_EIO,          /* the device failed or lied */
    LUNIK_EINUSE,       /* somebody else has the name, device or address */
    LUNIK_EREFUSED,     /* nobody listens there */
    LUNIK_ERESET,       /* the other side broke the connection off */
    LUNIK_EUNREACHABLE, /* no network, or no way to that address */
} lunik_result;

/*
 * Names (result) in lower case for messages: "timeout", "out of memory" …
 * Returns: a constant string; "unknown result" for a value not listed above.
 * Context: any.
 */
const char *lunik_result_text(lunik_result result);

#endif
