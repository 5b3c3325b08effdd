/* SPDX-License-Identifier: MIT */
/* test_launch.c: the grammar, the options and the bounds of the launch line. */
#include "core.h"
#include "launch.h"
#include "test.h"
#include <lunik/abi/exit.h>

static struct lunik_launch launch;
static char why[200];

static bool parse(const char *line)
{
    why[0] = '\0';
    return lunik_launch_parse(line, &launch, why, sizeof(why));
}

#define CHECK_GOOD(line) CHECK_STR_EQ(parse(line) ? "" : why, "")
#define CHECK_REFUSED(line, sentence)  \
    do {                               \
        CHECK(!parse(line));           \
        CHECK_CONTAINS(why, sentence); \
    } while (0)

TEST(an_empty_line_is_good)
{
    CHECK_GOOD("");
    CHECK_GOOD("   \t \n ");
    CHECK_EQ(launch.option_count, 0);
    CHECK_EQ(launch.arg_count, 0);
}

TEST(options_come_before_the_divider_and_arguments_after)
{
    CHECK_GOOD("log=debug env.A=1 -- one two  three");
    CHECK_STR_EQ(lunik_launch_find(&launch, "log", 0), "debug");
    CHECK_STR_EQ(lunik_launch_find(&launch, "env.A", 0), "1");
    CHECK(!lunik_launch_find(&launch, "log", 1));
    CHECK(!lunik_launch_find(&launch, "lo", 0));
    REQUIRE(launch.arg_count == 3);
    CHECK_STR_EQ(launch.args[0], "one");
    CHECK_STR_EQ(launch.args[2], "three");
}

TEST(after_the_divider_everything_is_an_argument)
{
    CHECK_GOOD("-- log=nonsense -- -x");
    CHECK_EQ(launch.option_count, 0);
    REQUIRE(launch.arg_count == 3);
    CHECK_STR_EQ(launch.args[0], "log=nonsense");
    CHECK_STR_EQ(launch.args[1], "--");
}

TEST(quotes_keep_blanks_and_backslashes_keep_bytes)
{
    CHECK_GOOD(
        "env.A=\"x y\" -- \"a b\" a\\ b \"a\\\"b\" a\\\\b \"\" x\"y z\"w");
    CHECK_STR_EQ(lunik_launch_find(&launch, "env.A", 0), "x y");
    REQUIRE(launch.arg_count == 6);
    CHECK_STR_EQ(launch.args[0], "a b");
    CHECK_STR_EQ(launch.args[1], "a b");
    CHECK_STR_EQ(launch.args[2], "a\"b");
    CHECK_STR_EQ(launch.args[3], "a\\b");
    CHECK_STR_EQ(launch.args[4], "");
    CHECK_STR_EQ(launch.args[5], "xy zw");
}

TEST(open_quotes_and_last_backslashes_are_refused)
{
    CHECK_REFUSED("-- \"a b", "a quote is not closed");
    CHECK_REFUSED("-- a\\", "ends in a backslash");
    CHECK_REFUSED("-- \"a\\", "ends in a backslash");
}

TEST(devices_that_qemu_adds_are_taken_anywhere)
{
    CHECK_GOOD("-- arg virtio_mmio.device=512@0xfeb00e00:5 "
               "virtio_mmio.device=512@0xfeb00c00:6");
    CHECK_EQ(launch.arg_count, 1);
    CHECK_STR_EQ(lunik_launch_find(&launch, "virtio_mmio.device", 0),
                 "512@0xfeb00e00:5");
    CHECK_STR_EQ(lunik_launch_find(&launch, "virtio_mmio.device", 1),
                 "512@0xfeb00c00:6");
    CHECK(!lunik_launch_find(&launch, "virtio_mmio.device", 2));
    CHECK_GOOD("-- \"virtio_mmio.device=x\"");
    CHECK_EQ(launch.arg_count, 1);
    CHECK_REFUSED("virtio_mmio.device=", "must be a device");
}

TEST(an_unknown_option_names_the_nearest)
{
    CHECK_REFUSED("consle=serial", "consle: no such option; the nearest is "
                                   "console");
    CHECK_REFUSED("lgo=debug", "nearest is log");
    CHECK_REFUSED("memory=1", "no such option");
    CHECK_REFUSED("evn.A=1", "nearest is env.NAME");
    CHECK_REFUSED("wacthdog=1", "nearest is watchdog");
    CHECK_REFUSED("virtio_mmio.devic=1", "nearest is virtio_mmio.device");
    CHECK_REFUSED("=1", "no such option");
    CHECK_REFUSED("Log=debug", "nearest is log");
}

TEST(a_word_that_is_no_option_is_told_where_arguments_go)
{
    CHECK_REFUSED("hello", "hello: is not option=value; arguments come after "
                           "--");
}

TEST(values_are_checked_and_the_right_ones_named)
{
    CHECK_GOOD("console=serial");
    CHECK_GOOD("console=virtio");
    CHECK_GOOD("console=none");
    CHECK_REFUSED("console=vga", "must be serial, virtio or none");
    CHECK_REFUSED("console=", "must be serial");
    CHECK_GOOD("log=none");
    CHECK_REFUSED("log=loud", "must be debug, info, warn, error or none");
    CHECK_GOOD("clock=0");
    CHECK_GOOD("clock=1700000000");
    CHECK_GOOD("clock=16725225599");
    CHECK_REFUSED("clock=16725225600", "seconds since 1970");
    CHECK_REFUSED("clock=253402300799", "seconds since 1970");
    CHECK_REFUSED("clock=-1", "seconds since 1970");
    CHECK_REFUSED("clock=1.5", "seconds since 1970");
    CHECK_GOOD("watchdog=1");
    CHECK_GOOD("watchdog=3600");
    CHECK_REFUSED("watchdog=0", "1 to 3600");
    CHECK_REFUSED("watchdog=3601", "1 to 3600");
    CHECK_REFUSED("heap=0", "a size like");
    CHECK_REFUSED("heap=1T", "a size like");
}

TEST(sizes_have_a_unit_and_a_bound)
{
    uint64_t size = 0;

    CHECK(lunik_launch_parse_size("1", &size));
    CHECK_EQ(size, 1);
    CHECK(lunik_launch_parse_size("512K", &size));
    CHECK_EQ(size, 512 << 10);
    CHECK(lunik_launch_parse_size("64M", &size));
    CHECK_EQ(size, 64 << 20);
    CHECK(lunik_launch_parse_size("1G", &size));
    CHECK_EQ(size, 1 << 30);
    CHECK(lunik_launch_parse_size("8589934591G", &size));
    CHECK_EQ(size, INT64_C(8589934591) << 30);
    CHECK(!lunik_launch_parse_size("8589934592G", &size));
    CHECK(lunik_launch_parse_size("9223372036854775807", &size));
    CHECK(!lunik_launch_parse_size("9223372036854775808", &size));
    CHECK(!lunik_launch_parse_size("18446744073709551617", &size));
    CHECK(!lunik_launch_parse_size("99999999999999999999999999", &size));
    CHECK(!lunik_launch_parse_size("", &size));
    CHECK(!lunik_launch_parse_size("K", &size));
    CHECK(!lunik_launch_parse_size("0M", &size));
    CHECK(!lunik_launch_parse_size("1k", &size));
    CHECK(!lunik_launch_parse_size("1MB", &size));
    CHECK(!lunik_launch_parse_size(" 1", &size));
    CHECK(!lunik_launch_parse_size("0x10", &size));
}

TEST(options_but_env_and_devices_come_once)
{
    CHECK_REFUSED("log=info log=info", "log: is given twice");
    CHECK_REFUSED("env.A=1 env.B=2 env.A=3", "env.A: is given twice");
    CHECK_GOOD("env.A=1 env.AB=2 env.a=3");
    CHECK_REFUSED("env.=1", "has no name");
}

TEST(a_variable_may_hold_anything)
{
    CHECK_GOOD("env.A= env.B=x=y env.C=\"\"");
    CHECK_STR_EQ(lunik_launch_find(&launch, "env.A", 0), "");
    CHECK_STR_EQ(lunik_launch_find(&launch, "env.B", 0), "x=y");
    CHECK_STR_EQ(lunik_launch_find(&launch, "env.C", 0), "");
}

/* A line of (count) words made from (format), after (before). */
static const char *words(const char *before, const char *format, unsigned count)
{
    static char line[8192];
    size_t len = (size_t)snprintf(line, sizeof(line), "%s", before);

    for (unsigned i = 0; i < count; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        len += (size_t)snprintf(line + len, sizeof(line) - len, format, i);
#pragma GCC diagnostic pop
    }
    return line;
}

TEST(lists_have_bounds)
{
    CHECK_GOOD(words("-- ", "a%u ", 64));
    CHECK_EQ(launch.arg_count, 64);
    CHECK_REFUSED(words("-- ", "a%u ", 65), "a64: is one more than 64");
    CHECK_GOOD(words("", "env.V%u=x ", 64));
    CHECK_EQ(launch.env_count, 64);
    CHECK_REFUSED(words("", "env.V%u=x ", 65), "one more than 64 variables");
    CHECK_GOOD(words("", "virtio_mmio.device=%u ", 128));
    CHECK_REFUSED(words("", "virtio_mmio.device=%u ", 129),
                  "one more than 128 options");
}

TEST(the_line_has_a_bound)
{
    static char line[8192];

    /* "-- " and one word: its bytes, and the NULs of both words. */
    memset(line, 'x', sizeof(line));
    memcpy(line, "-- ", 3);
    line[3 + LUNIK_LAUNCH_SIZE_MAX - 4] = '\0';
    CHECK_GOOD(line);
    CHECK_EQ(strlen(launch.args[0]), LUNIK_LAUNCH_SIZE_MAX - 4);
    for (size_t more = 0; more < 3; more++) {
        memset(line + 3, 'x', sizeof(line) - 3);
        line[3 + LUNIK_LAUNCH_SIZE_MAX - 3 + more] = '\0';
        CHECK_REFUSED(line, "longer than 4095 bytes");
    }
    /* Not even an empty word has room for its NUL then. */
    strcpy(line + 3 + LUNIK_LAUNCH_SIZE_MAX - 4, " \"\"");
    CHECK_REFUSED(line, "longer than 4095 bytes");
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    CHECK_REFUSED(line, "longer than 4095 bytes");
}

TEST(complaints_are_printable_whatever_the_line_is)
{
    CHECK(!parse("\x1b[2J\x80\xff=1"));
    for (const char *at = why; *at; at++)
        CHECK(*at >= ' ' && *at < 0x7f);
    CHECK(!parse(words("x", "%032u", 100)));
    CHECK(strlen(why) < sizeof(why) - 1);
    CHECK_CONTAINS(why, "...");
}

TEST(every_cut_of_a_line_is_parsed_or_refused)
{
    static const char line[] = "console=serial env.A=\"x y\" heap=64M log=info "
                               "-- \"a \\\" b\" c\\ d virtio_mmio.device=1@2:3";
    char cut[sizeof(line)];

    for (size_t len = 0; len < sizeof(line); len++) {
        memcpy(cut, line, len);
        cut[len] = '\0';
        if (!parse(cut))
            CHECK(why[0] != '\0');
    }
    CHECK_GOOD(line);
}
