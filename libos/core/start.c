/* SPDX-License-Identifier: MIT */
/*
 * start.c: from the first C instruction to the program.
 *
 * The order of start-up is the two functions at the end, each line with its
 * reason. The rest is what an image is refused for: LUNIK_EXIT_BAD_LAUNCH and
 * a sentence.
 */
#include "core.h"
#include "launch.h"
#include "platform.h"
#include <lunik/abi/seal.h>
#include <lunik/panic.h>
#include <lunik/sys.h>
#include <string.h>

#define MIB ((uint64_t)1 << 20)

static uint64_t mib_rounded_up(uint64_t bytes)
{
    return bytes / MIB + (bytes % MIB != 0);
}

static void check_memory(const struct lunik_manifest *manifest)
{
    uint64_t needed = mib_rounded_up(manifest->memory_bytes);
    /* Firmware keeps some of it for itself: up, as the owner counts. */
    uint64_t present = mib_rounded_up(platform_memory_size());

    if (present < needed)
        lunik_panic_status(
            LUNIK_EXIT_BAD_LAUNCH,
            "the image needs %lu MiB of memory; the machine has %lu MiB",
            (unsigned long)needed, (unsigned long)present);
}

/* An image for KVM may be tried on QEMU without it: the devices are the same.
 * And a process on the host is no hypervisor that could lack a driver. */
static bool may_run_on(const uint8_t *name, size_t size, const char *here)
{
    static const char kvm[] = "kvm";

    if (strcmp(here, "host") == 0)
        return true;
    if (strlen(here) == size && memcmp(name, here, size) == 0)
        return true;
    return strcmp(here, "tcg") == 0 && size == sizeof(kvm) - 1 &&
           memcmp(name, kvm, size) == 0;
}

static void check_hypervisor(const struct lunik_manifest *manifest)
{
    const char *here = platform_hypervisor();
    const uint8_t *name;
    size_t size, count = 0;

    while (lunik_manifest_find(manifest, LUNIK_RECORD_HYPERVISOR, count, &name,
                               &size)) {
        if (may_run_on(name, size, here))
            return;
        count++;
    }
    if (count == 0)
        return; /* none named: all */
    lunik_manifest_find(manifest, LUNIK_RECORD_HYPERVISOR, 0, &name, &size);
    lunik_panic_status(
        LUNIK_EXIT_BAD_LAUNCH, "the image was built for %.*s%s, and this is %s",
        (int)size, (const char *)name, count > 1 ? " and others" : "", here);
}

/* argv, with the image's name in front. The vector may be written to. */
static int make_arguments(char **argv)
{
    static char name[72] = "lunik";
    const struct lunik_launch *launch = lunik_launch_current();
    const uint8_t *data;
    size_t size;

    if (lunik_manifest_find(&lunik_seal_current()->manifest, LUNIK_RECORD_NAME,
                            0, &data, &size) &&
        size < sizeof(name)) {
        memcpy(name, data, size);
        name[size] = '\0';
    }
    argv[0] = name;
    for (size_t i = 0; i < launch->arg_count; i++)
        argv[i + 1] = (char *)(uintptr_t)launch->args[i];
    argv[launch->arg_count + 1] = NULL;
    return (int)launch->arg_count + 1;
}

static void main_fiber(void *arg)
{
    static char *argv[LUNIK_LAUNCH_ARGS_MAX + 2];
    int argc;

    (void)arg;
    platform_init_devices();     /* may use heap, events and fibers */
    lunik_sys_init();            /* variables: the program's environment */
    argc = make_arguments(argv); /* copies: the launch line may go away */
    lunik_port_init();           /* the C library, over all of the above */
    platform_lock();             /* what start-up wrote is now read-only */
    lunik_exit(lunik_main(argc, argv));
}

void lunik_start(void)
{
    platform_init_early(); /* console and launch line: panics speak */
    lunik_launch_init();   /* a mistyped option ends here, unharmed */
    lunik_seal_init();     /* the image is whole: all below reads it */
    check_hypervisor(&lunik_seal_current()->manifest);
    check_memory(&lunik_seal_current()->manifest); /* before it runs out */
    lunik_mem_init();                              /* pages and heap */
    lunik_random_init(); /* canary and seeds; no entropy, no start */
    lunik_event_run_main(main_fiber); /* leaves the boot stack for good */
}
