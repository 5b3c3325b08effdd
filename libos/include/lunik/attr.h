/* SPDX-License-Identifier: MIT */
/*
 * attr.h: the compiler attributes that the rest of the tree may use.
 *
 * GCC and Clang spell these alike. No other header names an attribute.
 */
#ifndef LUNIK_ATTR_H
#define LUNIK_ATTR_H

#define LUNIK_MUST_CHECK __attribute__((warn_unused_result))
#define LUNIK_NORETURN __attribute__((noreturn))
#define LUNIK_PRINTF(at, first) __attribute__((format(printf, at, first)))
#define LUNIK_ALIGNED(bytes) __attribute__((aligned(bytes)))
#define LUNIK_SECTION(name) __attribute__((section(name)))
#define LUNIK_USED __attribute__((used))
#define LUNIK_WEAK __attribute__((weak))
#define LUNIK_NOINLINE __attribute__((noinline))
#define LUNIK_COLD __attribute__((cold))
#define LUNIK_CONSTRUCTOR __attribute__((constructor))
#define LUNIK_PACKED __attribute__((packed))
#define LUNIK_LIKELY(x) __builtin_expect(!!(x), 1)
#define LUNIK_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* For the few functions that run before, or that set, the stack canary. */
#define LUNIK_NO_STACK_PROTECTOR __attribute__((no_stack_protector))

/* Data that is written only while the image starts. Its pages are read-only
 * from the moment that lunik_main() runs. It begins as zeros, which need no
 * room in the image's file; the compiler refuses another value. */
#define LUNIK_READ_ONLY_AFTER_START LUNIK_SECTION(".bss.ro_after_start")

#endif
