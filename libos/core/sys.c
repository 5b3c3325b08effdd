/* SPDX-License-Identifier: MIT */
/* sys.c: what the program may ask about its launch, and the orderly stop. */
#include "core.h"
#include "launch.h"
#include "platform.h"
#include <lunik/abi/seal.h>
#include <lunik/log.h>
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <lunik/sys.h>
#include <string.h>

#define ENV_PREFIX "env."
#define ENV_PREFIX_LEN (sizeof(ENV_PREFIX) - 1)

/* Of the launch line and the manifest together. */
#define ENV_MAX (LUNIK_LAUNCH_ENV_MAX + 64)

static const char *env[ENV_MAX] LUNIK_READ_ONLY_AFTER_START = { 0 };
static size_t env_count LUNIK_READ_ONLY_AFTER_START = 0;

static struct {
    struct lunik_event event;
    bool is_stopping, is_held;
} stop;

/* ---- Variables ---- */

static const char *find(const char *name, size_t name_len)
{
    for (size_t i = 0; i < env_count; i++)
        if (strncmp(env[i], name, name_len) == 0 && env[i][name_len] == '=')
            return env[i] + name_len + 1;
    return NULL;
}

/* The manifest's strings have no NUL: takes a copy for the image's life. */
static void add_from_manifest(const uint8_t *data, size_t size)
{
    const uint8_t *equals = memchr(data, '=', size);
    char *copy;

    if (!equals)
        lunik_panic_status(LUNIK_EXIT_BAD_LAUNCH,
                           "manifest: a variable is not NAME=VALUE");
    if (find((const char *)data, (size_t)(equals - data)))
        return; /* the launch line has it already, and wins */
    if (env_count == ENV_MAX)
        lunik_panic_status(LUNIK_EXIT_BAD_LAUNCH,
                           "manifest: more than %d variables", ENV_MAX);
    copy = lunik_mem_alloc(size + 1);
    if (!copy)
        lunik_panic_status(LUNIK_EXIT_NO_MEMORY,
                           "no memory for the launch variables");
    memcpy(copy, data, size);
    copy[size] = '\0';
    env[env_count++] = copy;
}

void lunik_sys_init(void)
{
    const struct lunik_launch *launch = lunik_launch_current();
    const struct lunik_manifest *manifest = &lunik_seal_current()->manifest;
    const uint8_t *data;
    size_t size;

    for (size_t i = 0; i < launch->option_count; i++)
        if (strncmp(launch->options[i], ENV_PREFIX, ENV_PREFIX_LEN) == 0)
            env[env_count++] = launch->options[i] + ENV_PREFIX_LEN;
    for (size_t i = 0;
         lunik_manifest_find(manifest, LUNIK_RECORD_ENV, i, &data, &size); i++)
        add_from_manifest(data, size);
}

const char *lunik_env_find(const char *name)
{
    return find(name, strlen(name));
}

const char *lunik_env_get(size_t index)
{
    return index < env_count ? env[index] : NULL;
}

/* ---- The machine ---- */

const char *lunik_sys_hypervisor(void)
{
    return platform_hypervisor();
}

size_t lunik_sys_heap_limit(void)
{
    const char *value = lunik_launch_option("heap", 0);
    uint64_t limit = lunik_seal_current()->manifest.heap_bytes;

    if (value && !lunik_launch_parse_size(value, &limit))
        limit = 0; /* cannot be: the launch line was checked */
    return limit ? (size_t)limit : SIZE_MAX;
}

bool lunik_sys_record(unsigned type, size_t nth, const char **data_out,
                      size_t *size_out)
{
    const uint8_t *data;

    if (!lunik_manifest_find(&lunik_seal_current()->manifest, (uint16_t)type,
                             nth, &data, size_out))
        return false;
    *data_out = (const char *)data;
    return true;
}

/* ---- The orderly stop ---- */

bool lunik_sys_is_stopping(void)
{
    return stop.is_stopping;
}

struct lunik_event *lunik_sys_stop_event(void)
{
    return &stop.event;
}

void lunik_sys_hold_shutdown(bool hold)
{
    stop.is_held = hold;
}

void lunik_sys_request_stop(void)
{
    /* Asked again, a program that has begun to stop is left to it. */
    if (stop.is_stopping)
        return;
    stop.is_stopping = true;
    if (!stop.is_held && !lunik_event_has_waiters(&stop.event)) {
        lunik_log(LUNIK_LOG_INFO, "asked to stop; nobody waits for that");
        lunik_exit(0);
    }
    lunik_event_signal(&stop.event);
}
