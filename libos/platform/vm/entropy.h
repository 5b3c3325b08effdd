/* SPDX-License-Identifier: MIT */
/*
 * entropy.h: the hook through which a device gives entropy to the platform.
 */
#ifndef LUNIK_PLATFORM_VM_ENTROPY_H
#define LUNIK_PLATFORM_VM_ENTROPY_H

#include <stddef.h>

/* Fills as much of (out) as a virtio entropy device gives within a second;
 * returns the bytes, 0 without such a device. Polls: interrupts, fibers and
 * the heap are not needed. (out) may lie anywhere. Context: task. */
size_t platform_virtio_entropy(void *out, size_t size);

#endif
