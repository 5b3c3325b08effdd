/* SPDX-License-Identifier: MIT */
/* result.c: the words for results. */
#include <lunik/result.h>

const char *lunik_result_text(lunik_result result)
{
    switch (result) {
    case LUNIK_OK:
        return "ok";
    case LUNIK_EAGAIN:
        return "try again";
    case LUNIK_EINVAL:
        return "invalid argument";
    case LUNIK_ENOENT:
        return "not found";
    case LUNIK_ENOMEM:
        return "out of memory";
    case LUNIK_ETIMEOUT:
        return "timeout";
    case LUNIK_ECANCELED:
        return "cancelled";
    case LUNIK_ECLOSED:
        return "closed";
    case LUNIK_EIO:
        return "input/output error";
    case LUNIK_EINUSE:
        return "address already in use";
    case LUNIK_EREFUSED:
        return "connection refused";
    case LUNIK_ERESET:
        return "connection reset by peer";
    case LUNIK_EUNREACHABLE:
        return "network is unreachable";
    }
    return "unknown result";
}
