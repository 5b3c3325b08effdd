/* SPDX-License-Identifier: MIT */
/*
 * test.h: a test program in one header.
 *
 *     #include "test.h"
 *
 *     TEST(two_and_two_make_four)
 *     {
 *         CHECK_EQ(2 + 2, 4);
 *     }
 *
 * Name a test as a sentence that can be false. The header brings main(): one
 * source file of a program includes it. A failed CHECK prints where and what
 * and the test goes on; a failed REQUIRE leaves the function it is in.
 *
 * Arguments of the program choose the tests whose names contain one of them.
 * The exit code is 0, or 1 if a test failed, or 77 if every chosen test was
 * skipped with SKIP().
 *
 * With TEST_ON_FIBER defined before it is included, the tests run one after
 * the other on the main fiber, with the heap and the event loop up.
 */
#ifndef LUNIK_TEST_H
#define LUNIK_TEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct test {
    const char *name;
    void (*run)(void);
    struct test *next;
};

static struct test *test_first, **test_end = &test_first;
static unsigned test_failures; /* of the running test */
static bool test_skipped;
/* What the child of the last CHECK_DIES wrote; cut where it is full. */
static char test_output[16384];

#define TEST(sentence)                                                 \
    static void sentence(void);                                        \
    __attribute__((constructor)) static void test_add_##sentence(void) \
    {                                                                  \
        static struct test test = { #sentence, sentence, NULL };       \
        *test_end = &test;                                             \
        test_end = &test.next;                                         \
    }                                                                  \
    static void sentence(void)

__attribute__((unused, format(printf, 3, 4))) static bool
test_failed(const char *file, int line, const char *format, ...)
{
    va_list args;

    test_failures++;
    printf("%s:%d: ", file, line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
    return false;
}

#define CHECK(x) test_check((x) ? true : false, #x, __FILE__, __LINE__)

/* Integers, of any sign; printed in decimal and in hexadecimal. */
#define CHECK_EQ(a, b) \
    test_check_eq((intmax_t)(a), (intmax_t)(b), #a, #b, __FILE__, __LINE__)

#define CHECK_STR_EQ(a, b) test_check_str((a), (b), #a, #b, __FILE__, __LINE__)

/* True if the text (a) has the text (b) in it. */
#define CHECK_CONTAINS(a, b) \
    test_check_contains((a), (b), #a, __FILE__, __LINE__)

#define CHECK_MEM_EQ(a, b, size) \
    test_check_mem((a), (b), (size), #a, #b, __FILE__, __LINE__)

#define REQUIRE(x)     \
    do {               \
        if (!CHECK(x)) \
            return;    \
    } while (0)

/* Says why the test cannot run here, and leaves it. */
#define SKIP(why)                                   \
    do {                                            \
        printf("skipped, %s: %s\n", why, __func__); \
        test_skipped = true;                        \
        return;                                     \
    } while (0)

/*
 * Runs (statement) in a child process and checks that it ends the process with
 * exit code (code): on the host platform that is an image's exit status, or a
 * program's own code. What it wrote is then in test_output.
 */
#define CHECK_DIES(code, statement)                                         \
    do {                                                                    \
        int test_fd_;                                                       \
        pid_t test_pid_ = test_fork(&test_fd_);                             \
        if (test_pid_ == 0) {                                               \
            statement;                                                      \
            printf("it did not end: %s\n", #statement);                     \
            fflush(stdout);                                                 \
            _exit(99);                                                      \
        }                                                                   \
        test_check_death(test_pid_, test_fd_, (code), #statement, __FILE__, \
                         __LINE__);                                         \
    } while (0)

__attribute__((unused)) static bool test_check(bool x, const char *text,
                                               const char *file, int line)
{
    return x ? true : test_failed(file, line, "CHECK(%s) failed", text);
}

__attribute__((unused)) static bool test_check_eq(intmax_t a, intmax_t b,
                                                  const char *a_text,
                                                  const char *b_text,
                                                  const char *file, int line)
{
    if (a == b)
        return true;
    return test_failed(file, line, "%s = %jd (0x%jx), wanted %s = %jd (0x%jx)",
                       a_text, a, (uintmax_t)a, b_text, b, (uintmax_t)b);
}

__attribute__((unused)) static bool test_check_str(const char *a, const char *b,
                                                   const char *a_text,
                                                   const char *b_text,
                                                   const char *file, int line)
{
    if (a == b || (a && b && strcmp(a, b) == 0))
        return true;
    return test_failed(file, line, "%s = \"%s\", wanted %s = \"%s\"", a_text,
                       a ? a : "(NULL)", b_text, b ? b : "(NULL)");
}

__attribute__((unused)) static bool
test_check_contains(const char *a, const char *b, const char *a_text,
                    const char *file, int line)
{
    if (a && strstr(a, b))
        return true;
    return test_failed(file, line, "%s lacks \"%s\"; it is \"%s\"", a_text, b,
                       a ? a : "(NULL)");
}

__attribute__((unused)) static bool
test_check_mem(const void *a, const void *b, size_t size, const char *a_text,
               const char *b_text, const char *file, int line)
{
    const unsigned char *p = a, *q = b;

    for (size_t i = 0; i < size; i++)
        if (p[i] != q[i])
            return test_failed(file, line, "%s[%zu] = 0x%02x, %s[%zu] = 0x%02x",
                               a_text, i, p[i], b_text, i, q[i]);
    return true;
}

/* Forks with the child's output in a pipe. */
__attribute__((unused)) static pid_t test_fork(int *fd_out)
{
    int ends[2];
    pid_t pid;

    fflush(NULL);
    if (pipe(ends) != 0 || (pid = fork()) < 0) {
        perror("fork");
        exit(1);
    }
    if (pid == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        alarm(20); /* a child that hangs fails its test */
    } else {
        close(ends[1]);
        *fd_out = ends[0];
    }
    return pid;
}

__attribute__((unused)) static void test_check_death(pid_t pid, int fd,
                                                     int code,
                                                     const char *statement,
                                                     const char *file, int line)
{
    size_t size = 0;
    int status = 0;

    for (;;) {
        char drop[512];
        size_t room = sizeof(test_output) - 1 - size;
        ssize_t n = room ? read(fd, test_output + size, room)
                         : read(fd, drop, sizeof(drop));

        if (n <= 0)
            break;
        size += room ? (size_t)n : 0;
    }
    test_output[size] = '\0';
    close(fd);
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        test_failed(file, line, "%s: killed by signal %d: %s", statement,
                    WTERMSIG(status), test_output);
    else if (WEXITSTATUS(status) != code)
        test_failed(file, line, "%s: exit code %d, wanted %d: %s", statement,
                    WEXITSTATUS(status), code, test_output);
}

static bool test_is_chosen(const struct test *test, int argc, char **argv)
{
    if (argc < 2)
        return true;
    for (int i = 1; i < argc; i++)
        if (strstr(test->name, argv[i]))
            return true;
    return false;
}

static int test_run_all(int argc, char **argv)
{
    unsigned passed = 0, failed = 0, skipped = 0;

    for (struct test *test = test_first; test; test = test->next) {
        if (!test_is_chosen(test, argc, argv))
            continue;
        test_failures = 0;
        test_skipped = false;
        test->run();
        if (test_failures) {
            printf("FAILED %s\n", test->name);
            failed++;
        } else if (test_skipped) {
            skipped++;
        } else {
            passed++;
        }
    }
    printf("%u passed, %u failed", passed, failed);
    if (skipped)
        printf(", %u skipped", skipped);
    putchar('\n');
    fflush(NULL);
    return failed ? 1 : passed == 0 && skipped ? 77 : 0;
}

#ifdef TEST_ON_FIBER
#include "core.h"
#include "platform.h"

static int test_argc;
static char **test_argv;

static void test_main_fiber(void *arg)
{
    (void)arg;
    /* Not exit(): its handlers expect the stack that the process began on. */
    _exit(test_run_all(test_argc, test_argv));
}

int main(int argc, char **argv)
{
    test_argc = argc;
    test_argv = argv;
    platform_init_early();
    lunik_mem_init();
    lunik_event_run_main(test_main_fiber);
}
#else
int main(int argc, char **argv)
{
    return test_run_all(argc, argv);
}
#endif

#endif
