/* SPDX-License-Identifier: MIT */
/*
 * launch.c: takes the launch line apart.
 *
 * The line comes from whoever starts the machine. It is copied once, word by
 * word, into a buffer of a fixed size; every list has a bound; and an option
 * that is not understood refuses the start: a mistyped one must not be
 * silently without effect.
 */
#include "launch.h"
#include "core.h"
#include "platform.h"
#include <lunik/format.h>
#include <lunik/log.h>
#include <lunik/panic.h>
#include <lunik/start.h>
#include <string.h>

#define DEVICE_PREFIX "virtio_mmio.device="
#define DEVICE_PREFIX_LEN (sizeof(DEVICE_PREFIX) - 1)
#define ENV_PREFIX "env."
#define ENV_PREFIX_LEN (sizeof(ENV_PREFIX) - 1)

/* The end of 2499-12-31: as nanoseconds it fits 64 bits until 2554. */
#define CLOCK_MAX UINT64_C(16725225599)
#define WATCHDOG_MAX 3600

/* Writable: its arguments become argv, which a C program may write to. */
static struct lunik_launch current;
static char current_why[200]; /* empty: the line is good */
static bool is_parsed;

/* ---- Values ---- */

/* Digits only, and all of (text); at most (max). */
static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned digit = (unsigned char)*text - (unsigned)'0';

        if (digit > 9 || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool lunik_launch_parse_size(const char *text, uint64_t *out)
{
    char digits[24];
    size_t len = strlen(text);
    unsigned shift = 0;

    if (len == 0 || len >= sizeof(digits))
        return false;
    switch (text[len - 1]) {
    case 'K':
        shift = 10;
        break;
    case 'M':
        shift = 20;
        break;
    case 'G':
        shift = 30;
        break;
    default:
        break;
    }
    memcpy(digits, text, len);
    digits[shift ? len - 1 : len] = '\0';
    if (!parse_number(digits, UINT64_MAX >> 1 >> shift, out) || *out == 0)
        return false;
    *out <<= shift;
    return true;
}

static bool is_console(const char *value)
{
    return strcmp(value, "serial") == 0 || strcmp(value, "virtio") == 0 ||
           strcmp(value, "none") == 0;
}

static bool is_level(const char *value)
{
    lunik_log_level level;

    return lunik_log_level_find(value, &level);
}

static bool is_clock(const char *value)
{
    uint64_t seconds;

    return parse_number(value, CLOCK_MAX, &seconds);
}

static bool is_size(const char *value)
{
    uint64_t size;

    return lunik_launch_parse_size(value, &size);
}

static bool is_watchdog(const char *value)
{
    uint64_t seconds;

    return parse_number(value, WATCHDOG_MAX, &seconds) && seconds > 0;
}

static bool is_any(const char *value)
{
    return *value != '\0';
}

/* ---- Options ---- */

/* The core's own; what else is linked may add to the set. */
LUNIK_OPTIONS const struct lunik_option lunik_core_options[] = {
    { "console", is_console, "serial, virtio or none", false },
    { "log", is_level, "debug, info, warn, error or none", false },
    { "clock", is_clock, "seconds since 1970", false },
    { "heap", is_size, "a size like 512K, 64M or 1G", false },
    { "watchdog", is_watchdog, "seconds, 1 to 3600", false },
    { "virtio_mmio.device", is_any, "a device", true },
};

extern const struct lunik_option __start_lunik_options[];
extern const struct lunik_option __stop_lunik_options[];

/* Longer names are compared by their start. */
#define NAME_MAX 24

/* How many bytes to insert, delete or replace to make (b) of (a). */
static unsigned edit_distance(const char *a, size_t a_len, const char *b,
                              size_t b_len)
{
    unsigned row[NAME_MAX + 1];

    a_len = a_len < NAME_MAX ? a_len : NAME_MAX;
    b_len = b_len < NAME_MAX ? b_len : NAME_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = best;
        }
    }
    return row[b_len];
}

static const char *nearest(const char *name, size_t len)
{
    const char *best = ENV_PREFIX "NAME";
    size_t env_len = len < ENV_PREFIX_LEN ? len : ENV_PREFIX_LEN;
    unsigned least =
        edit_distance(name, env_len, ENV_PREFIX, ENV_PREFIX_LEN) + 1;

    for (const struct lunik_option *option = __start_lunik_options;
         option != __stop_lunik_options; option++) {
        unsigned distance =
            edit_distance(name, len, option->name, strlen(option->name));

        if (distance < least) {
            least = distance;
            best = option->name;
        }
    }
    return best;
}

static const struct lunik_option *find_known(const char *name, size_t len)
{
    for (const struct lunik_option *option = __start_lunik_options;
         option != __stop_lunik_options; option++)
        if (strlen(option->name) == len && memcmp(option->name, name, len) == 0)
            return option;
    return NULL;
}

static bool has_name(const char *option, const char *name, size_t name_len)
{
    return strncmp(option, name, name_len) == 0 && option[name_len] == '=';
}

static const char *find(const struct lunik_launch *launch, const char *name,
                        size_t name_len, size_t nth)
{
    for (size_t i = 0; i < launch->option_count; i++)
        if (has_name(launch->options[i], name, name_len) && nth-- == 0)
            return launch->options[i] + name_len + 1;
    return NULL;
}

const char *lunik_launch_find(const struct lunik_launch *launch,
                              const char *name, size_t nth)
{
    return find(launch, name, strlen(name), nth);
}

/* ---- The line ---- */

struct parser {
    const char *at;
    struct lunik_launch *launch;
    size_t used; /* of launch->text */
    char *why;
    size_t why_size;
};

/* Writes the sentence, about the word (about). */
static bool refuse(struct parser *parser, const char *about, size_t about_len,
                   const char *problem, const char *detail)
{
    char shown[48];
    size_t len = 0;

    for (; len < about_len && len < sizeof(shown) - 1; len++) {
        unsigned char c = (unsigned char)about[len];

        shown[len] = (char)(c < ' ' || c >= 0x7f ? '?' : c);
    }
    shown[len] = '\0';
    lunik_format(parser->why, parser->why_size, "launch line: %s%s: %s%s",
                 shown, len < about_len ? "..." : "", problem, detail);
    return false;
}

/* The same, about the whole line. */
static const char *refuse_line(struct parser *parser, const char *problem)
{
    lunik_format(parser->why, parser->why_size, "launch line: %s", problem);
    return NULL;
}

static bool is_blank(char c)
{
    return c != '\0' && (unsigned char)c <= ' ';
}

/* Copies the word at the parser's place, without its quotes. NULL: refused. */
static const char *read_word(struct parser *parser)
{
    struct lunik_launch *launch = parser->launch;
    const char *word = launch->text + parser->used;
    bool in_quotes = false;

    for (; *parser->at && (in_quotes || !is_blank(*parser->at)); parser->at++) {
        char c = *parser->at;

        if (c == '"') {
            in_quotes = !in_quotes;
            continue;
        }
        if (c == '\\') {
            c = *++parser->at;
            if (c == '\0')
                return refuse_line(parser, "it ends in a backslash");
        }
        if (parser->used >= sizeof(launch->text))
            return refuse_line(parser, "it is longer than 4095 bytes");
        launch->text[parser->used++] = c;
    }
    if (in_quotes)
        return refuse_line(parser, "a quote is not closed");
    if (parser->used >= sizeof(launch->text))
        return refuse_line(parser, "it is longer than 4095 bytes");
    launch->text[parser->used++] = '\0';
    return word;
}

static bool check_option(struct parser *parser, const char *word, size_t len)
{
    const char *value = word + len + 1;
    const struct lunik_option *option;

    if (strncmp(word, ENV_PREFIX, ENV_PREFIX_LEN) == 0) {
        if (len == ENV_PREFIX_LEN)
            return refuse(parser, word, len, "has no name", "");
        if (find(parser->launch, word, len, 0))
            return refuse(parser, word, len, "is given twice", "");
        if (parser->launch->env_count++ == LUNIK_LAUNCH_ENV_MAX)
            return refuse(parser, word, len, "is one more than 64 variables",
                          "");
        return true;
    }
    option = find_known(word, len);
    if (!option)
        return refuse(parser, word, len, "no such option; the nearest is ",
                      nearest(word, len));
    if (!option->may_repeat && find(parser->launch, word, len, 0))
        return refuse(parser, word, len, "is given twice", "");
    if (!option->is_valid(value))
        return refuse(parser, word, strlen(word), "the value must be ",
                      option->wanted);
    return true;
}

static bool add_option(struct parser *parser, const char *word)
{
    struct lunik_launch *launch = parser->launch;
    const char *equals = strchr(word, '=');

    if (!equals)
        return refuse(parser, word, strlen(word),
                      "is not option=value; arguments come after --", "");
    if (!check_option(parser, word, (size_t)(equals - word)))
        return false;
    if (launch->option_count == LUNIK_LAUNCH_OPTIONS_MAX)
        return refuse(parser, word, (size_t)(equals - word),
                      "is one more than 128 options", "");
    launch->options[launch->option_count++] = word;
    return true;
}

static bool add_arg(struct parser *parser, const char *word)
{
    struct lunik_launch *launch = parser->launch;

    if (launch->arg_count == LUNIK_LAUNCH_ARGS_MAX)
        return refuse(parser, word, strlen(word),
                      "is one more than 64 arguments", "");
    launch->args[launch->arg_count++] = word;
    return true;
}

bool lunik_launch_parse(const char *line, struct lunik_launch *out, char *why,
                        size_t why_size)
{
    struct parser parser = { .at = line, .launch = out };
    bool in_args = false;

    parser.why = why;
    parser.why_size = why_size;
    out->option_count = out->arg_count = out->env_count = 0;
    for (;;) {
        bool is_device, is_divider, is_good;
        const char *start, *word;

        while (is_blank(*parser.at))
            parser.at++;
        if (!*parser.at)
            return true;
        start = parser.at;
        /* QEMU writes its devices behind all else, arguments included. A
         * program that wants such a word as an argument has it quoted. */
        is_device = strncmp(start, DEVICE_PREFIX, DEVICE_PREFIX_LEN) == 0;
        word = read_word(&parser);
        if (!word)
            return false;
        is_divider = !in_args && strcmp(word, "--") == 0;
        if (is_divider) {
            in_args = true;
            continue;
        }
        is_good = in_args && !is_device ? add_arg(&parser, word)
                                        : add_option(&parser, word);
        if (!is_good)
            return false;
    }
}

/* ---- The running image's ---- */

/* Parses when first asked: a platform may want an option before the console
 * that a complaint needs. lunik_launch_init() complains. */
const struct lunik_launch *lunik_launch_current(void)
{
    if (!is_parsed) {
        is_parsed = true;
        if (lunik_launch_parse(platform_command_line(), &current, current_why,
                               sizeof(current_why)))
            current_why[0] = '\0';
    }
    return &current;
}

const char *lunik_launch_option(const char *name, size_t nth)
{
    return lunik_launch_find(lunik_launch_current(), name, nth);
}

bool lunik_launch_clock(uint64_t *seconds_out)
{
    const char *value = lunik_launch_option("clock", 0);

    return value && parse_number(value, CLOCK_MAX, seconds_out);
}

void lunik_launch_init(void)
{
    const char *value = lunik_launch_option("log", 0);
    lunik_log_level level;

    if (current_why[0])
        lunik_panic_status(LUNIK_EXIT_BAD_LAUNCH, "%s", current_why);
    if (value && lunik_log_level_find(value, &level))
        lunik_log_set_level(level);
}
