/* SPDX-License-Identifier: MIT */
/* test_log.c: levels, the line's form, and what a message may not do to it. */
#include "test.h"
#include <lunik/abi/exit.h>
#include <lunik/log.h>
#include <lunik/result.h>

/* What follows the time stamp of the only line. */
static const char *rest_of_line(void)
{
    const char *rest = strchr(test_output, ' ');

    return rest ? rest + 1 : "no line";
}

TEST(a_line_is_logfmt)
{
    unsigned seconds = 99, ms = 9999;
    char end = 0;

    CHECK_DIES(0, {
        lunik_log(LUNIK_LOG_WARN, "disk %d of %s is full", 3, "shop");
        _exit(0);
    });
    CHECK_STR_EQ(rest_of_line(), "level=warn msg=\"disk 3 of shop is full\"\n");
    CHECK_EQ(sscanf(test_output, "ts=%u.%3u%c", &seconds, &ms, &end), 3);
    CHECK(seconds < 5 && ms < 1000 && end == ' ');
}

TEST(a_message_stays_inside_its_quotes_and_its_line)
{
    CHECK_DIES(0, {
        lunik_log(LUNIK_LOG_ERROR, "%s",
                  "a\"b\\c\nd\te\rf\x01\x1b\x7fg \xc3\xa4");
        _exit(0);
    });
    CHECK_STR_EQ(rest_of_line(), "level=error msg=\"a\\\"b\\\\c\\nd\\te\\x0df"
                                 "\\x01\\x1b\\x7fg \xc3\xa4\"\n");
}

TEST(a_long_message_is_cut_and_still_closed)
{
    static char message[3000];
    size_t len;

    memset(message, '\x01', sizeof(message) - 1);
    CHECK_DIES(0, {
        lunik_log(LUNIK_LOG_ERROR, "%s", message);
        _exit(0);
    });
    len = strlen(test_output);
    CHECK(len > 2000 && len < 2200);
    CHECK_STR_EQ(test_output + len - 6, "\\x01\"\n");
}

TEST(levels_below_the_threshold_print_nothing)
{
    CHECK_EQ(lunik_log_get_level(), LUNIK_LOG_WARN);
    CHECK_DIES(0, {
        lunik_log(LUNIK_LOG_DEBUG, "1");
        lunik_log(LUNIK_LOG_INFO, "2");
        lunik_log_set_level(LUNIK_LOG_NONE);
        lunik_log(LUNIK_LOG_ERROR, "3");
        _exit(0);
    });
    CHECK_STR_EQ(test_output, "");
    CHECK_DIES(0, {
        lunik_log_set_level(LUNIK_LOG_DEBUG);
        lunik_log(LUNIK_LOG_DEBUG, "4");
        _exit(0);
    });
    CHECK_STR_EQ(rest_of_line(), "level=debug msg=\"4\"\n");
}

TEST(a_line_at_no_level_is_an_assertion)
{
    CHECK_DIES(LUNIK_EXIT_PANIC, lunik_log(LUNIK_LOG_NONE, "x"));
}

TEST(level_names_go_both_ways)
{
    for (unsigned i = LUNIK_LOG_DEBUG; i <= LUNIK_LOG_NONE; i++) {
        lunik_log_level level = LUNIK_LOG_ERROR;

        CHECK(lunik_log_level_find(lunik_log_level_name((lunik_log_level)i),
                                   &level));
        CHECK_EQ(level, i);
    }
    CHECK_STR_EQ(lunik_log_level_name(LUNIK_LOG_DEBUG), "debug");
    CHECK(!lunik_log_level_find("Warn", &(lunik_log_level) { 0 }));
    CHECK(!lunik_log_level_find("", &(lunik_log_level) { 0 }));
}

TEST(results_have_different_words)
{
    for (unsigned a = LUNIK_OK; a <= LUNIK_EIO; a++) {
        CHECK(strcmp(lunik_result_text((lunik_result)a), "unknown result"));
        for (unsigned b = a + 1; b <= LUNIK_EIO; b++)
            CHECK(strcmp(lunik_result_text((lunik_result)a),
                         lunik_result_text((lunik_result)b)));
    }
    CHECK_STR_EQ(lunik_result_text(LUNIK_ETIMEOUT), "timeout");
    CHECK_STR_EQ(lunik_result_text((lunik_result)99), "unknown result");
}
