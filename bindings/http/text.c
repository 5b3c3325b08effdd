/* SPDX-License-Identifier: MIT */
/* text.c: the small texts of HTTP: codes, dates, percent signs, tokens. */
#include "text.h"

#include <string.h>

/* ---- Status ---- */

static const struct {
    uint16_t status;
    const char *text;
} statuses[] = {
    { 200, "OK" },
    { 404, "Not Found" },
    { 304, "Not Modified" },
    { 204, "No Content" },
    { 201, "Created" },
    { 302, "Found" },
    { 400, "Bad Request" },
    { 500, "Internal Server Error" },
    { 100, "Continue" },
    { 101, "Switching Protocols" },
    { 103, "Early Hints" },
    { 202, "Accepted" },
    { 203, "Non-Authoritative Information" },
    { 205, "Reset Content" },
    { 206, "Partial Content" },
    { 300, "Multiple Choices" },
    { 301, "Moved Permanently" },
    { 303, "See Other" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 401, "Unauthorized" },
    { 402, "Payment Required" },
    { 403, "Forbidden" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 407, "Proxy Authentication Required" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 425, "Too Early" },
    { 426, "Upgrade Required" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 451, "Unavailable For Legal Reasons" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

const char *lunik_http_status_text(unsigned status)
{
    size_t i;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return "Unknown";
}

/* ---- Dates ---- */

static const char day_names[] = "ThuFriSatSunMonTueWed"; /* from 1970-01-01 */
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static void put_2(char *out, unsigned value)
{
    out[0] = (char)('0' + value / 10 % 10);
    out[1] = (char)('0' + value % 10);
}

void lunik_http_format_date(uint64_t seconds, char out[LUNIK_HTTP_DATE_SIZE])
{
    uint64_t days = seconds / 86400;
    unsigned rest = (unsigned)(seconds % 86400);
    /* Years that begin in March end with the leap day. */
    uint64_t z = days + 719468, era = z / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153, day = doy - (153 * mp + 2) / 5 + 1;
    unsigned month = mp < 10 ? mp + 2 : mp - 10; /* from 0 */
    unsigned year = (unsigned)(era * 400) + yoe + (month < 2);

    memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", LUNIK_HTTP_DATE_SIZE);
    memcpy(out, day_names + days % 7 * 3, 3);
    put_2(out + 5, day);
    memcpy(out + 8, month_names + (size_t)month * 3, 3);
    put_2(out + 12, year / 100);
    put_2(out + 14, year % 100);
    put_2(out + 17, rest / 3600);
    put_2(out + 20, rest / 60 % 60);
    put_2(out + 23, rest % 60);
}

/* A cursor over the text of a date; (ok) stays false once it failed. */
struct cursor {
    const char *at, *end;
    bool ok;
};

static void skip(struct cursor *c, const char *text)
{
    size_t size = strlen(text);

    if (!c->ok || (size_t)(c->end - c->at) < size ||
        memcmp(c->at, text, size) != 0) {
        c->ok = false;
        return;
    }
    c->at += size;
}

static unsigned digits(struct cursor *c, int count)
{
    unsigned value = 0;

    for (; count > 0; count--) {
        if (!c->ok || c->at == c->end || *c->at < '0' || *c->at > '9') {
            c->ok = false;
            return 0;
        }
        value = value * 10 + (unsigned)(*c->at++ - '0');
    }
    return value;
}

static unsigned month(struct cursor *c)
{
    unsigned i;

    for (i = 0; c->ok && c->end - c->at >= 3 && i < 12; i++) {
        if (memcmp(c->at, month_names + (size_t)i * 3, 3) == 0) {
            c->at += 3;
            return i + 1;
        }
    }
    c->ok = false;
    return 1;
}

static int64_t days_from_civil(int64_t year, unsigned month_of, unsigned day)
{
    int64_t era;
    unsigned yoe, doy;

    year -= month_of <= 2;
    era = year / 400;
    yoe = (unsigned)(year - era * 400);
    doy =
        (153 * (month_of > 2 ? month_of - 3 : month_of + 9) + 2) / 5 + day - 1;
    return era * 146097 + (int64_t)yoe * 365 + yoe / 4 - yoe / 100 + doy -
           719468;
}

bool lunik_http_parse_date(const char *text, size_t size, int64_t *out)
{
    struct cursor c = { text, text + size, true };
    const char *comma = memchr(text, ',', size);
    unsigned day, mon, year = 0, h, m, s;
    bool is_asctime = comma == NULL;

    if (is_asctime) { /* Sun Nov  6 08:49:37 1994 */
        if (size < 4)
            return false;
        c.at += 3;
        skip(&c, " ");
        mon = month(&c);
        skip(&c, " ");
        if (c.ok && c.at < c.end && *c.at == ' ')
            c.at++, day = digits(&c, 1);
        else
            day = digits(&c, 2);
    } else { /* Sun, 06 Nov 1994 …; Sunday, 06-Nov-94 … */
        c.at = comma + 1;
        skip(&c, " ");
        day = digits(&c, 2);
        if (!c.ok || c.at == c.end || (*c.at != ' ' && *c.at != '-'))
            return false;
        c.at++;
        mon = month(&c);
        if (!c.ok || c.at == c.end)
            return false;
        if (*c.at++ == '-') {
            year = digits(&c, 2);
            year += year < 70 ? 2000 : 1900;
        } else {
            year = digits(&c, 4);
        }
    }
    skip(&c, " ");
    h = digits(&c, 2);
    skip(&c, ":");
    m = digits(&c, 2);
    skip(&c, ":");
    s = digits(&c, 2);
    skip(&c, is_asctime ? " " : " GMT");
    if (is_asctime)
        year = digits(&c, 4);
    if (!c.ok || c.at != c.end || day < 1 || day > 31 || h > 23 || m > 59 ||
        s > 60)
        return false;
    *out = days_from_civil(year, mon, day) * 86400 + (int64_t)h * 3600 +
           (int64_t)m * 60 + s;
    return true;
}

/* ---- Bytes ---- */

const uint8_t lunik_http_classes[256] = {
    ['!'] = 3, ['#'] = 1, ['$'] = 3, ['%'] = 3, ['&'] = 3, ['\''] = 3,
    ['('] = 2, [')'] = 2, ['*'] = 3, ['+'] = 3, [','] = 2, ['-'] = 3,
    ['.'] = 3, [':'] = 2, [';'] = 2, ['='] = 2, ['['] = 2, [']'] = 2,
    ['^'] = 1, ['_'] = 3, ['`'] = 1, ['|'] = 1, ['~'] = 3, ['0'] = 3,
    ['1'] = 3, ['2'] = 3, ['3'] = 3, ['4'] = 3, ['5'] = 3, ['6'] = 3,
    ['7'] = 3, ['8'] = 3, ['9'] = 3, ['A'] = 3, ['B'] = 3, ['C'] = 3,
    ['D'] = 3, ['E'] = 3, ['F'] = 3, ['G'] = 3, ['H'] = 3, ['I'] = 3,
    ['J'] = 3, ['K'] = 3, ['L'] = 3, ['M'] = 3, ['N'] = 3, ['O'] = 3,
    ['P'] = 3, ['Q'] = 3, ['R'] = 3, ['S'] = 3, ['T'] = 3, ['U'] = 3,
    ['V'] = 3, ['W'] = 3, ['X'] = 3, ['Y'] = 3, ['Z'] = 3, ['a'] = 3,
    ['b'] = 3, ['c'] = 3, ['d'] = 3, ['e'] = 3, ['f'] = 3, ['g'] = 3,
    ['h'] = 3, ['i'] = 3, ['j'] = 3, ['k'] = 3, ['l'] = 3, ['m'] = 3,
    ['n'] = 3, ['o'] = 3, ['p'] = 3, ['q'] = 3, ['r'] = 3, ['s'] = 3,
    ['t'] = 3, ['u'] = 3, ['v'] = 3, ['w'] = 3, ['x'] = 3, ['y'] = 3,
    ['z'] = 3,
};

bool lunik_http_is_token(const char *text, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++)
        if ((lunik_http_classes[(unsigned char)text[i]] & 1) == 0)
            return false;
    return size > 0;
}

bool lunik_http_is_value(const char *text, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return size == 0 || (text[0] != ' ' && text[0] != '\t' &&
                         text[size - 1] != ' ' && text[size - 1] != '\t');
}

int lunik_http_hex(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* ---- Paths ---- */

/* The next decoded byte at (*at), or -1. */
static int next_byte(const char **at, const char *end)
{
    const char *p = *at;
    int high, low;

    if (*p != '%') {
        *at = p + 1;
        return (unsigned char)*p;
    }
    if (end - p < 3)
        return -1;
    high = lunik_http_hex((unsigned char)p[1]);
    low = lunik_http_hex((unsigned char)p[2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0))
        return -1;
    *at = p + 3;
    return high * 16 + low;
}

size_t lunik_http_decode_path(const char *path, size_t size, char *out)
{
    const char *at = path, *end = path + size;
    size_t length = 0, part = 1, depth = 0, dots = 0;
    bool is_end;
    int c;

    if (size == 0 || *at != '/')
        return LUNIK_HTTP_BAD_PATH;
    at++;
    if (out != NULL)
        out[0] = '/';
    length = 1;
    /* (part): where the part begins that is being read, (length): its end;
     * (dots): how many of its bytes are all dots, or SIZE_MAX / 2 and more. */
    do {
        is_end = at == end;
        c = is_end ? '/' : next_byte(&at, end);
        if (c < 0)
            return LUNIK_HTTP_BAD_PATH;
        if (c != '/') {
            dots += c == '.' ? 1 : SIZE_MAX / 4;
            if (dots > SIZE_MAX / 2)
                dots = SIZE_MAX / 4;
            if (out != NULL)
                out[length] = (char)c;
            length++;
            continue;
        }
        if (dots == 2 && length - part == 2) {
            if (depth == 0)
                return LUNIK_HTTP_BAD_PATH;
            depth--;
        }
        if (length == part || (dots <= 2 && length - part == dots)) {
            bool is_up = dots == 2;

            length = part;
            if (is_up && out != NULL) {
                for (length--; out[length - 1] != '/';)
                    length--;
                part = length;
            }
        } else if (!is_end) {
            if (out != NULL)
                out[length] = '/';
            length++;
            part = length;
            depth++;
        }
        dots = 0;
    } while (!is_end);
    if (out != NULL)
        out[length] = '\0';
    return length;
}
