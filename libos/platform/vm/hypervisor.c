/* SPDX-License-Identifier: MIT */
/* hypervisor.c: who runs this machine, by CPUID. */
#include "cpu.h"
#include "machine.h"
#include "platform.h"
#include <string.h>

#define LEAF_FIRST 0x40000000u
#define LEAF_END 0x40010000u
#define LEAF_STEP 0x100u

struct signature {
    char text[13];
    const char *name;
};

/* In order of preference: KVM and Xen may show Hyper-V's leaves first and
 * their own further up. */
static const struct signature signatures[] = {
    { "KVMKVMKVM\0\0\0", "kvm" }, { "XenVMMXenVMM", "xen" },
    { "TCGTCGTCGTCG", "tcg" },    { "VMwareVMware", "vmware" },
    { "bhyve bhyve ", "bhyve" },  { "Microsoft Hv", "hyperv" },
};
#define SIGNATURE_COUNT (sizeof signatures / sizeof signatures[0])

static struct hypervisor found;

static size_t signature_at(uint32_t leaf, uint32_t *last_out)
{
    struct cpuid r = cpuid(leaf, 0);
    uint32_t text[3] = { r.ebx, r.ecx, r.edx };
    size_t i;

    *last_out = r.eax;
    for (i = 0; i < SIGNATURE_COUNT; i++)
        if (memcmp(text, signatures[i].text, sizeof text) == 0)
            break;
    return i;
}

const struct hypervisor *platform_hypervisor_get(void)
{
    size_t best = SIGNATURE_COUNT;

    if (found.name)
        return &found;
    found.name = "none";
    if (!(cpuid(1, 0).ecx & (1u << 31)))
        return &found;
    for (uint32_t leaf = LEAF_FIRST; leaf < LEAF_END; leaf += LEAF_STEP) {
        uint32_t last;
        size_t which = signature_at(leaf, &last);

        if (which >= best)
            continue;
        best = which;
        found.name = signatures[which].name;
        found.base = leaf;
        found.last = last;
        /* Nobody hides behind these. */
        if (which < 3)
            break;
    }
    return &found;
}

const char *platform_hypervisor(void)
{
    return platform_hypervisor_get()->name;
}
