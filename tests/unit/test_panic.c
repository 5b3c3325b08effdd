/* SPDX-License-Identifier: MIT */
/* test_panic.c: how an image ends when it cannot go on. */
#define TEST_ON_FIBER
#include "test.h"

#include <lunik/panic.h>

static unsigned count_of(const char *text, const char *word)
{
    unsigned count = 0;

    while ((text = strstr(text, word)) != NULL) {
        count++;
        text += strlen(word);
    }
    return count;
}

TEST(a_panic_says_its_sentence_and_stops_with_its_status)
{
    CHECK_DIES(0x20, lunik_panic("the %s has %d wheels", "cart", 3));
    CHECK(strncmp(test_output, "lunik: panic: the cart has 3 wheels\n", 36) ==
          0);
    CHECK_CONTAINS(test_output, "\nlunik: stopped with status 0x20\n");
    CHECK_DIES(0x21, lunik_panic_status(LUNIK_EXIT_NO_MEMORY, "no room"));
    CHECK_CONTAINS(test_output, "lunik: panic: no room\n");
    CHECK_CONTAINS(test_output, "lunik: stopped with status 0x21\n");
}

TEST(a_failed_assertion_names_itself_and_its_place)
{
    int two = 2;

    LUNIK_ASSERT(two == 2);
    CHECK_DIES(0x20, LUNIK_ASSERT(two == 3));
    CHECK_CONTAINS(test_output, "assertion failed: two == 3, ");
    CHECK_CONTAINS(test_output, "test_panic.c:");
}

/* What a compiler cannot know. */
static volatile bool is_so = true;

LUNIK_NOINLINE static void go_down(int levels)
{
    volatile int here = levels;

    if (levels > 0)
        go_down(levels - 1);
    else if (is_so)
        lunik_panic("the bottom");
    here = here + 1;
}

TEST(the_traceback_shows_the_callers)
{
    unsigned shallow;

    CHECK_DIES(0x20, go_down(0));
    shallow = count_of(test_output, "\n  at ");
    CHECK(shallow >= 2);
    CHECK_DIES(0x20, go_down(5));
    CHECK_EQ(count_of(test_output, "\n  at "), shallow + 5);
}

TEST(the_traceback_is_bounded)
{
    CHECK_DIES(0x20, go_down(100));
    CHECK_EQ(count_of(test_output, "\n  at "), 32);
    CHECK_CONTAINS(test_output, "and more");
}

TEST(a_trap_begins_its_traceback_where_it_happened)
{
    CHECK_DIES(0x20, lunik_panic_trap(LUNIK_EXIT_PANIC, 0x1234, 0,
                                      "page fault at 0x%x", 16));
    CHECK_CONTAINS(test_output, "lunik: panic: page fault at 0x10\n"
                                "  at 0x1234\n"
                                "lunik: stopped with status 0x20\n");
    /* A frame pointer that points nowhere is not followed. */
    CHECK_DIES(0x20, lunik_panic_trap(LUNIK_EXIT_PANIC, 0x1234, UINTPTR_MAX - 7,
                                      "wild"));
    CHECK_EQ(count_of(test_output, "\n  at "), 1);
}

static void print_lines(void *arg)
{
    lunik_panic_print("traceback of %s\n", (const char *)arg);
}

TEST(the_hook_adds_its_lines_once)
{
    lunik_panic_set_hook(print_lines, (void *)(uintptr_t) "Lua");
    CHECK_DIES(0x20, lunik_panic("something"));
    CHECK_EQ(count_of(test_output, "traceback of Lua\n"), 1);
    CHECK_CONTAINS(test_output, "traceback of Lua\nlunik: stopped");
    lunik_panic_set_hook(NULL, NULL);
    CHECK_DIES(0x20, lunik_panic("something"));
    CHECK_EQ(count_of(test_output, "traceback of Lua\n"), 0);
}

static void panic_again(void *arg)
{
    (void)arg;
    lunik_panic_status(LUNIK_EXIT_NO_MEMORY, "the hook is broken, too");
}

TEST(a_panic_in_the_hook_ends_without_it_and_keeps_the_status)
{
    lunik_panic_set_hook(panic_again, NULL);
    CHECK_DIES(0x24, lunik_panic_status(LUNIK_EXIT_BAD_LAUNCH, "the first"));
    CHECK_CONTAINS(test_output, "lunik: panic: the first\n  at ");
    CHECK_CONTAINS(test_output,
                   "panic in the traceback: the hook is broken, too\n");
    CHECK_CONTAINS(test_output, "lunik: stopped with status 0x24\n");
    lunik_panic_set_hook(NULL, NULL);
}

/* What a trap's handler does when the hook faults. */
static void trap(void *arg)
{
    (void)arg;
    lunik_panic_trap(LUNIK_EXIT_PANIC, 0x5678, 0, "page fault at 0x8");
}

TEST(a_fault_in_the_hook_ends_like_a_panic_in_it)
{
    lunik_panic_set_hook(trap, NULL);
    CHECK_DIES(0x21, lunik_panic_status(LUNIK_EXIT_NO_MEMORY, "the first"));
    CHECK_CONTAINS(test_output, "lunik: panic: the first\n  at ");
    CHECK_CONTAINS(test_output, "panic in the traceback: page fault at 0x8\n"
                                "lunik: stopped with status 0x21\n");
    CHECK_EQ(count_of(test_output, "0x5678"), 0);
    lunik_panic_set_hook(NULL, NULL);
}

TEST(a_sentence_too_long_is_cut)
{
    char text[2000];

    memset(text, 'x', sizeof(text));
    text[1999] = '\0';
    CHECK_DIES(0x20, lunik_panic("%s", text));
    CHECK(count_of(test_output, "x") >= 400);
    CHECK_CONTAINS(test_output, "x\n  at ");
}
