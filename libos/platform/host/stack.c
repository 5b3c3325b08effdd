/* SPDX-License-Identifier: MIT */
/*
 * stack.c: stacks, each a mapping of its own with a page below that nothing
 * may touch. Linux puts memory under the rest as it is used.
 */
#include "host.h"
#include "platform.h"
#include <lunik/mem.h>
#include <sys/mman.h>

#include "platform_switch.h"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

/* Released stacks are kept, linked through their highest word: a mapping costs
 * more than all else in a fiber's life. */
#define KEPT_MAX 64

/* A sanitizer's frames are larger than a machine's. */
#define STACK_SIZE (4 * LUNIK_STACK_SIZE)

struct kept {
    struct kept *next;
};

static struct kept *kept;
static size_t kept_count, count;

static void map(uint8_t **base)
{
    *base = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (*base == MAP_FAILED) {
        *base = NULL;
    } else if (mprotect(*base, LUNIK_PAGE_SIZE, PROT_NONE) != 0) {
        munmap(*base, STACK_SIZE);
        *base = NULL;
    }
}

lunik_result platform_stack_acquire(struct platform_stack *out)
{
    uint8_t *base;

    if (kept) {
        base = (uint8_t *)(kept + 1) - STACK_SIZE;
        kept = kept->next;
        kept_count--;
    } else {
        map(&base);
        if (!base)
            return LUNIK_ENOMEM;
    }
    out->low = (uintptr_t)base + LUNIK_PAGE_SIZE;
    out->high = (uintptr_t)base + STACK_SIZE;
    count++;
    return LUNIK_OK;
}

void platform_stack_release(struct platform_stack *stack)
{
    struct kept *top = (struct kept *)stack->high - 1;

    /* The frames of the fiber that ended here never returned. */
    ASAN_UNPOISON_MEMORY_REGION((void *)stack->low, stack->high - stack->low);
    count--;
    if (kept_count == KEPT_MAX) {
        munmap((void *)(stack->low - LUNIK_PAGE_SIZE), STACK_SIZE);
        return;
    }
    top->next = kept;
    kept = top;
    kept_count++;
}

/* Address space: Linux does not say cheaply how much of it has memory. */
size_t platform_stack_bytes(void)
{
    return count * STACK_SIZE;
}
