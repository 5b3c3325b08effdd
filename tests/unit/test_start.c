/* SPDX-License-Identifier: MIT */
/*
 * test_start.c: whole starts and ends of an image, each in a process of its
 * own: the order, what is refused, arguments, variables, the orderly stop.
 */
#include "core.h"
#include "host.h"
#include "platform.h"
#include "platform_switch.h"
#include "sealer.h"
#include "test.h"
#include <elf.h>
#include <fcntl.h>
#include <lunik/abi/seal.h>
#include <lunik/console.h>
#include <lunik/log.h>
#include <lunik/mem.h>
#include <lunik/panic.h>
#include <lunik/random.h>
#include <lunik/sys.h>
#include <signal.h>

/* What the image runs; each test sets it before the start. */
static int (*program)(int argc, char **argv);

int lunik_main(int argc, char **argv)
{
    return program(argc, argv);
}

/* In the place of the host platform's. */
static const char *hypervisor = "host";

const char *platform_hypervisor(void)
{
    return hypervisor;
}

static struct bytes records, seal;

static void begin(void)
{
    records.size = 0;
    sealer_text(&records, LUNIK_RECORD_NAME, "shop");
}

static void add_u64(uint16_t type, uint64_t value)
{
    sealer_record(&records, type, &value, sizeof(value));
}

/* Seals the records, with an empty archive. Returns: the seal's size. */
static size_t finish(void)
{
    static struct bytes archive, symbols;

    archive.size = symbols.size = seal.size = 0;
    sealer_archive(&archive, NULL, 0);
    sealer_seal(&seal, &records, &archive, &symbols);
    return seal.size;
}

/* Writes (size) bytes to a file and starts them as an image. (words) are the
 * process's arguments, ended by NULL. */
LUNIK_NORETURN static void start_bytes(const void *bytes, size_t size,
                                       const char *const *words)
{
    static char name[] = "image", option[] = "--image";
    char path[] = "/tmp/lunik-test-XXXXXX";
    char *argv[40] = { name, option, path };
    int argc = 3, fd = mkstemp(path);

    while (*words && argc < 40)
        argv[argc++] = strdup(*words++);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
    platform_host_arguments(argc, argv);
    unlink(path);
    lunik_start();
}

#define START(...) \
    start_bytes(seal.at, finish(), (const char *const[]) { __VA_ARGS__ })

static int return_7(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 7;
}

/* ---- Good starts ---- */

TEST(what_the_program_returns_is_the_exit_code)
{
    begin();
    program = return_7;
    CHECK_DIES(7, START(NULL));
    CHECK_STR_EQ(test_output, "");
}

static int print_arguments(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("[%s]", argv[i]);
    if (argv[argc] != NULL)
        return 1;
    argv[0][0] = 'S'; /* C lets a program write there */
    argv[argc - 1][0] = 'X';
    printf("%s", argv[0]);
    return 0;
}

TEST(arguments_arrive_as_they_were_given)
{
    begin();
    program = print_arguments;
    CHECK_DIES(0, START("log=warn", "--", "a b", "c\"d", "", "e\\f", NULL));
    CHECK_STR_EQ(test_output, "[shop][a b][c\"d][][e\\f]Shop");
    CHECK_DIES(0, START(NULL));
    CHECK_STR_EQ(test_output, "[shop]Xhop");
}

static int print_variables(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (size_t i = 0; lunik_env_get(i); i++)
        printf("[%s]", lunik_env_get(i));
    printf(" A=%s B=%s AB=%s", lunik_env_find("A"), lunik_env_find("B"),
           lunik_env_find("AB"));
    return lunik_env_find("") || lunik_env_find("C") || lunik_env_find("A=1");
}

TEST(variables_of_the_launch_line_win_over_the_manifests)
{
    begin();
    sealer_text(&records, LUNIK_RECORD_ENV, "A=sealed");
    sealer_text(&records, LUNIK_RECORD_ENV, "B=sealed=too");
    program = print_variables;
    CHECK_DIES(0, START("env.A=1", "env.AB=2", NULL));
    CHECK_STR_EQ(test_output, "[A=1][AB=2][B=sealed=too] A=1 B=sealed=too "
                              "AB=2");
}

static int print_heap(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("%zu", lunik_sys_heap_limit());
    return 0;
}

TEST(the_heap_limit_is_launched_or_sealed_or_none)
{
    char none[32];

    program = print_heap;
    begin();
    CHECK_DIES(0, START(NULL));
    snprintf(none, sizeof(none), "%zu", SIZE_MAX);
    CHECK_STR_EQ(test_output, none);
    CHECK_DIES(0, START("heap=64K", NULL));
    CHECK_STR_EQ(test_output, "65536");
    begin();
    add_u64(LUNIK_RECORD_HEAP, 12345);
    CHECK_DIES(0, START(NULL));
    CHECK_STR_EQ(test_output, "12345");
    CHECK_DIES(0, START("heap=1M", NULL));
    CHECK_STR_EQ(test_output, "1048576");
}

static int use_everything(int argc, char **argv)
{
    uint8_t a[32] = { 0 }, b[32] = { 0 };
    void *memory = lunik_mem_alloc(1000);

    (void)argc;
    (void)argv;
    lunik_random_fill(a, sizeof(a));
    lunik_random_fill(b, sizeof(b));
    lunik_mem_free(memory);
    printf("%s %s %s", lunik_sys_hypervisor(), lunik_time_source(),
           lunik_fiber_name(lunik_fiber_self()));
    return memory == NULL || memcmp(a, b, sizeof(a)) == 0 ||
           lunik_sleep_until(lunik_time_after_ns(1000000)) != LUNIK_OK;
}

TEST(memory_random_time_and_fibers_are_up_when_the_program_runs)
{
    begin();
    program = use_everything;
    CHECK_DIES(0, START(NULL));
    CHECK_STR_EQ(test_output, "host host main");
}

static int print_wall(int argc, char **argv)
{
    uint64_t now = lunik_time_wall_ns();

    (void)argc;
    (void)argv;
    printf("%s %lu", lunik_time_wall_source(),
           (unsigned long)(now / LUNIK_NS_PER_S));
    return 0;
}

TEST(the_launch_line_may_set_the_wall_clock)
{
    begin();
    program = print_wall;
    CHECK_DIES(0, START("clock=1000", NULL));
    CHECK_STR_EQ(test_output, "launch 1000");
    CHECK_DIES(0, START(NULL));
    CHECK_CONTAINS(test_output, "host ");
}

/* ---- Refused starts ---- */

TEST(an_unknown_option_ends_the_image)
{
    begin();
    program = return_7;
    CHECK_DIES(LUNIK_EXIT_BAD_LAUNCH, START("consle=none", NULL));
    CHECK_CONTAINS(test_output, "the nearest is console");
}

TEST(too_little_memory_ends_the_image_with_both_figures)
{
    program = return_7;
    begin();
    add_u64(LUNIK_RECORD_MEMORY, (64 << 20) + 1);
    CHECK_DIES(LUNIK_EXIT_BAD_LAUNCH, START("--memory", "64M", NULL));
    CHECK_CONTAINS(test_output, "needs 65 MiB of memory; the machine has 64");
    CHECK_DIES(7, START("--memory", "65M", NULL));
    /* What firmware kept back does not count. */
    begin();
    add_u64(LUNIK_RECORD_MEMORY, 64 << 20);
    CHECK_DIES(7, START("--memory", "65000K", NULL));
}

/* Less and less fails, each time with a sentence, and then nothing does. */
TEST(a_start_without_memory_ends_at_any_point_as_out_of_memory)
{
    static char memory[16];
    unsigned failed = 0, kib = 4;
    char variable[1000];

    program = return_7;
    begin();
    memset(variable, 'x', sizeof(variable));
    for (unsigned i = 0; i < 50; i++) {
        snprintf(variable, sizeof(variable), "V%u=", i);
        variable[strlen(variable)] = 'x';
        variable[sizeof(variable) - 1] = '\0';
        sealer_text(&records, LUNIK_RECORD_ENV, variable);
    }
    for (; kib < 1024; kib += 4) {
        int status = 0, fd = 0;
        pid_t pid = test_fork(&fd);

        snprintf(memory, sizeof(memory), "%uK", kib);
        if (pid == 0)
            START("--memory", memory, NULL);
        close(fd);
        waitpid(pid, &status, 0);
        if (WEXITSTATUS(status) == 7)
            break;
        if (!CHECK_EQ(status, LUNIK_EXIT_NO_MEMORY << 8))
            break;
        failed++;
    }
    CHECK(failed > 5);
    CHECK(kib < 1024);
}

TEST(an_image_runs_only_where_it_was_built_for)
{
    program = return_7;
    begin();
    hypervisor = "xen";
    CHECK_DIES(7, START(NULL)); /* none named: all */
    sealer_text(&records, LUNIK_RECORD_HYPERVISOR, "kvm");
    CHECK_DIES(LUNIK_EXIT_BAD_LAUNCH, START(NULL));
    CHECK_CONTAINS(test_output, "the image was built for kvm, and this is xen");
    sealer_text(&records, LUNIK_RECORD_HYPERVISOR, "xe");
    CHECK_DIES(LUNIK_EXIT_BAD_LAUNCH, START(NULL));
    CHECK_CONTAINS(test_output, "built for kvm and others, and this is xen");
    sealer_text(&records, LUNIK_RECORD_HYPERVISOR, "xen");
    CHECK_DIES(7, START(NULL));
    hypervisor = "host";
}

/* The devices are the same; and a process lacks no driver. */
TEST(an_image_for_kvm_may_be_tried_on_qemu_and_on_the_host)
{
    program = return_7;
    begin();
    sealer_text(&records, LUNIK_RECORD_HYPERVISOR, "kvm");
    hypervisor = "tcg";
    CHECK_DIES(7, START(NULL));
    hypervisor = "host";
    CHECK_DIES(7, START(NULL));
    begin();
    sealer_text(&records, LUNIK_RECORD_HYPERVISOR, "xen");
    hypervisor = "tcg";
    CHECK_DIES(LUNIK_EXIT_BAD_LAUNCH, START(NULL));
    hypervisor = "host";
}

/* No file at all, and a file that is none. */
TEST(an_image_that_cannot_be_read_ends_the_process)
{
    static char name[] = "image", option[] = "--image", gone[] = "/nowhere";
    static char itself[] = "/proc/self/cmdline";
    char *argv[] = { name, option, gone };
    char *empty[] = { name, option, itself };

    CHECK_DIES(66, platform_host_arguments(3, argv));
    CHECK_CONTAINS(test_output, "/nowhere: cannot be opened");
    CHECK_DIES(66, platform_host_arguments(3, empty));
    begin();
    CHECK_DIES(66, start_bytes("abc", 3, (const char *const[]) { NULL }));
    CHECK_CONTAINS(test_output, "is neither a seal nor a sealed image");
}

TEST(no_seal_ends_the_image)
{
    static char name[] = "image";
    char *argv[] = { name, NULL };

    CHECK_DIES(LUNIK_EXIT_BAD_LAUNCH, {
        platform_host_arguments(1, argv);
        lunik_start();
    });
    CHECK_CONTAINS(test_output, "the image is not sealed");
}

TEST(a_memory_size_that_is_none_ends_the_process)
{
    static char name[] = "image", option[] = "--memory";
    static const char *const bad[] = {
        "", "x", "64X", "0", "-1", "64MB", "99999999999999G"
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char value[24];
        char *argv[] = { name, option, value };

        strcpy(value, bad[i]);
        CHECK_DIES(64, platform_host_arguments(3, argv));
        CHECK_CONTAINS(test_output, "not a size like 64M");
    }
}

TEST(a_damaged_seal_ends_the_image_at_every_byte)
{
    size_t size;

    program = return_7;
    begin();
    sealer_text(&records, LUNIK_RECORD_ENV, "A=1");
    size = finish();
    /* The magic's bytes make it another file: tested above. */
    for (size_t at = 8; at < size; at += 5) {
        seal.at[at] ^= 0x10;
        CHECK_DIES(LUNIK_EXIT_BAD_LAUNCH,
                   start_bytes(seal.at, size, (const char *const[]) { NULL }));
        CHECK_CONTAINS(test_output, "the image is damaged: ");
        seal.at[at] ^= 0x10;
    }
    for (size_t cut = sizeof(struct lunik_seal_header); cut < size; cut += 7)
        CHECK_DIES(LUNIK_EXIT_BAD_LAUNCH,
                   start_bytes(seal.at, cut, (const char *const[]) { NULL }));
}

/* An ELF file with the seal as its second segment. */
static size_t make_elf(uint8_t *file)
{
    size_t size = finish();
    Elf64_Ehdr head = { .e_phoff = sizeof(head), .e_phnum = 2 };
    Elf64_Phdr segments[2] = { { .p_type = PT_LOAD, .p_filesz = 16 },
                               { .p_type = PT_LOAD } };

    memcpy(head.e_ident, ELFMAG, SELFMAG);
    segments[1].p_offset = sizeof(head) + sizeof(segments);
    segments[1].p_filesz = size;
    memcpy(file, &head, sizeof(head));
    memcpy(file + sizeof(head), segments, sizeof(segments));
    memcpy(file + segments[1].p_offset, seal.at, size);
    return segments[1].p_offset + size;
}

TEST(the_seal_is_found_in_an_elf_image_and_cuts_of_it_are_refused)
{
    static uint8_t file[sizeof(seal.at) + 4096];
    size_t size;

    program = return_7;
    begin();
    size = make_elf(file);
    CHECK_DIES(7, start_bytes(file, size, (const char *const[]) { NULL }));
    for (size_t cut = 1; cut < size; cut += 13)
        CHECK_DIES(66, start_bytes(file, cut, (const char *const[]) { NULL }));
}

/* ---- Ends ---- */

static int exit_with_argument(int argc, char **argv)
{
    printf("unflushed");
    lunik_exit(argc > 1 ? atoi(argv[1]) : 0);
}

TEST(exit_flushes_and_keeps_codes_to_15)
{
    begin();
    program = exit_with_argument;
    CHECK_DIES(15, START("--", "15", NULL));
    CHECK_STR_EQ(test_output, "unflushed");
    CHECK_DIES(15, START("--", "16", NULL));
    CHECK_CONTAINS(test_output, "level=error msg=\"exit code 16 is not in 0 "
                                "to 15\"");
    CHECK_CONTAINS(test_output, "unflushed");
    CHECK_DIES(15, START("--", "-1", NULL));
}

LUNIK_NOINLINE static int overflow_numbers(void)
{
    volatile char block[1024];

    block[0] = 1;
    if (block[0] == 0) /* never, but who reads this cannot know */
        return 0;
    return block[0] + overflow_numbers() + block[0];
}

static int overflow(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return overflow_numbers();
}

TEST(a_blown_stack_panics_and_names_the_fiber)
{
#ifdef __SANITIZE_ADDRESS__
    SKIP("the sanitizer reports it");
#endif
    begin();
    program = overflow;
    CHECK_DIES(LUNIK_EXIT_PANIC, START(NULL));
    CHECK_CONTAINS(test_output, "stack overflow in fiber main");
}

static int request_stop(int argc, char **argv)
{
    (void)argv;
    lunik_sys_hold_shutdown(argc > 1);
    lunik_sys_request_stop();
    lunik_sys_request_stop();
    return lunik_sys_is_stopping() ? 5 : 6;
}

TEST(a_stop_that_nobody_waits_for_exits_with_0)
{
    begin();
    program = request_stop;
    CHECK_DIES(0, START(NULL));
    CHECK_DIES(0, START("log=info", NULL));
    CHECK_CONTAINS(test_output, "asked to stop");
    CHECK_DIES(5, START("--", "hold", NULL));
}

static int wait_for_stop(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    if (lunik_sys_is_stopping())
        return 1;
    raise(SIGTERM); /* noted; the loop acts on it */
    if (lunik_sys_is_stopping())
        return 2;
    if (lunik_event_wait(lunik_sys_stop_event(), LUNIK_NEVER) != LUNIK_OK)
        return 3;
    lunik_sys_request_stop(); /* again: it is left to close in peace */
    printf("closing");
    return lunik_sys_is_stopping() ? 9 : 4;
}

TEST(a_signal_is_an_orderly_stop)
{
    begin();
    program = wait_for_stop;
    CHECK_DIES(9, START(NULL));
    CHECK_STR_EQ(test_output, "closing");
}

static int sleep_through_signal(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    alarm(0);
    if (fork() == 0) {
        usleep(100000);
        kill(getppid(), SIGINT);
        _exit(0);
    }
    return lunik_sleep_until(lunik_time_after_ns(10 * LUNIK_NS_PER_S)) + 1;
}

TEST(a_signal_ends_the_idle_sleep)
{
    begin();
    program = sleep_through_signal;
    CHECK_DIES(0, START(NULL));
}

static int hang(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) /* long sleeps are no hang */
        return lunik_sleep_until(lunik_time_after_ns(5 * LUNIK_NS_PER_S / 2)) !=
               LUNIK_OK;
    for (volatile int forever = 1; forever;)
        ;
    return 0;
}

TEST(the_watchdog_ends_a_fiber_that_hangs_and_lets_one_sleep)
{
    begin();
    program = hang;
    CHECK_DIES(LUNIK_EXIT_WATCHDOG, START("watchdog=1", NULL));
    CHECK_CONTAINS(test_output, "watchdog: fiber main made no progress");
    CHECK_DIES(0, START("watchdog=1", "--", "sleep", NULL));
}

static int echo(int argc, char **argv)
{
    char line[64];
    size_t size;
    lunik_result result = lunik_console_read(
        line, sizeof(line), lunik_time_after_ns(LUNIK_NS_PER_MS), &size);

    (void)argv;
    if (argc > 1)
        return result == LUNIK_ETIMEOUT && size == 0 ? 0 : 1;
    while (lunik_console_read(line, sizeof(line), LUNIK_NEVER, &size) ==
           LUNIK_OK)
        lunik_console_write(line, size);
    lunik_console_write("end", 3);
    return 0;
}

/* Makes (0) a pipe; a child writes to it, later. */
static void pipe_in(void)
{
    int ends[2];

    if (pipe(ends) != 0)
        abort();
    if (fork() == 0) {
        usleep(30000);
        if (write(ends[1], "abc\n", 4) != 4)
            abort();
        usleep(30000);
        _exit(0);
    }
    close(ends[1]);
    dup2(ends[0], 0);
    close(ends[0]);
}

static void spin(void *arg)
{
    (void)arg;
    for (;;)
        lunik_fiber_yield();
}

static int echo_while_busy(int argc, char **argv)
{
    struct lunik_fiber *fiber;

    if (lunik_fiber_create("spin", spin, NULL, &fiber) != LUNIK_OK)
        return 1;
    return echo(argc, argv);
}

TEST(the_console_is_read_when_there_is_input)
{
    begin();
    program = echo;
    CHECK_DIES(0, {
        pipe_in();
        START("--", "timeout", NULL);
    });
    CHECK_DIES(0, {
        pipe_in();
        START(NULL);
    });
    CHECK_STR_EQ(test_output, "abc\nend");
    program = echo_while_busy;
    CHECK_DIES(0, {
        pipe_in();
        START(NULL);
    });
    CHECK_STR_EQ(test_output, "abc\nend");
}
