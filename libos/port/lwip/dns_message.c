/* SPDX-License-Identifier: MIT */
/* dns_message.c: writes DNS questions and reads answers. */
#include "dns_message.h"
#include <string.h>

#define HEADER 12
#define CLASS_IN 1
#define TYPE_CNAME 5
#define TYPE_SOA 6
#define FLAG_ANSWER 0x8000
#define FLAG_OPCODE 0x7800
#define FLAG_TRUNCATED 0x0200
#define FLAG_RECURSION 0x0100
#define CODE_MASK 0x000f
#define CODE_NO_NAME 3
#define LABEL_MAX 63
#define JUMPS_MAX 32
#define RECORDS_MAX 64 /* looked at in an answer */
#define ALIASES_MAX 8

/* No answer, true or not, is kept for longer; and no "none". */
#define TTL_MAX 86400
#define TTL_NONE_MAX 300

/* A place in a message; reading past its end makes it bad, and gives 0. */
struct reader {
    const uint8_t *data;
    size_t size, at;
    bool is_bad;
};

struct record {
    char name[LUNIK_DNS_NAME_MAX + 1];
    uint16_t type, class;
    uint32_t ttl;
    size_t data, size; /* offsets in the message */
};

/* ---- Names ---- */

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* No name ends in a number: "127.1" is an address that somebody mistyped. */
static bool is_number(const char *name, size_t len)
{
    while (len > 0 && name[len - 1] >= '0' && name[len - 1] <= '9')
        len--;
    return len == 0 || name[len - 1] == '.';
}

bool lunik_dns_read_name(const char *text, char out[LUNIK_DNS_NAME_MAX + 1])
{
    size_t len = strlen(text), label = 0;

    out[0] = '\0';
    if (len > 0 && text[len - 1] == '.')
        len--;
    if (len == 0 || len > LUNIK_DNS_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = lower((uint8_t)text[i]);

        if (c == '.' ? label == 0 : !is_letter(c) || label == LABEL_MAX)
            return false;
        label = c == '.' ? 0 : label + 1;
        out[i] = (char)c;
    }
    out[len] = '\0';
    return label > 0 && !is_number(out, len);
}

/* ---- Reading ---- */

static uint8_t read8(struct reader *reader)
{
    if (reader->at >= reader->size) {
        reader->is_bad = true;
        return 0;
    }
    return reader->data[reader->at++];
}

static uint16_t read16(struct reader *reader)
{
    uint16_t high = read8(reader);

    return (uint16_t)(high << 8 | read8(reader));
}

static uint32_t read32(struct reader *reader)
{
    uint32_t high = read16(reader);

    return high << 16 | read16(reader);
}

static void skip(struct reader *reader, size_t size)
{
    if (size > reader->size - reader->at)
        reader->is_bad = true;
    else
        reader->at += size;
}

/* Adds one label at (reader) to (out). A name with other letters than those of
 * hosts becomes one that no host has: "?". */
static size_t read_label(struct reader *reader, uint8_t len, char *out,
                         size_t used)
{
    if (used + len + 1 > LUNIK_DNS_NAME_MAX + 1) {
        reader->is_bad = true;
        return used;
    }
    for (uint8_t i = 0; i < len; i++) {
        uint8_t c = lower(read8(reader));

        out[used++] = (char)(is_letter(c) ? c : (uint8_t)'?');
    }
    out[used++] = '.';
    return used;
}

/* Reads the name at the reader's place. Pointers lead strictly backwards, so
 * that it ends. */
static void read_name(struct reader *reader, char out[LUNIK_DNS_NAME_MAX + 1])
{
    struct reader at = *reader;
    size_t used = 0, least = reader->at, jumps = 0, end = 0, to;

    for (;;) {
        uint8_t len = read8(&at);

        if (at.is_bad || (len & 0xc0) == 0x40 || (len & 0xc0) == 0x80)
            break;
        if (len == 0) {
            reader->at = end ? end : at.at;
            out[used ? used - 1 : 0] = '\0';
            return;
        }
        if ((len & 0xc0) == 0) {
            used = read_label(&at, len, out, used);
            continue;
        }
        to = (size_t)(len & 0x3f) << 8;
        to |= read8(&at);
        if (at.is_bad || to >= least || ++jumps > JUMPS_MAX)
            break;
        if (!end)
            end = at.at;
        at.at = to;
        least = at.at;
    }
    reader->is_bad = true;
    out[0] = '\0';
}

static void read_record(struct reader *reader, struct record *out)
{
    read_name(reader, out->name);
    out->type = read16(reader);
    out->class = read16(reader);
    out->ttl = read32(reader);
    out->size = read16(reader);
    out->data = reader->at;
    skip(reader, out->size);
}

/* ---- Writing ---- */

static size_t write16(uint8_t *out, size_t at, unsigned value)
{
    out[at] = (uint8_t)(value >> 8);
    out[at + 1] = (uint8_t)value;
    return at + 2;
}

size_t lunik_dns_write_query(const struct lunik_dns_question *question,
                             uint8_t out[LUNIK_DNS_QUERY_MAX])
{
    const char *from = question->name;
    size_t at = HEADER;

    memset(out, 0, HEADER);
    write16(out, 0, question->id);
    write16(out, 2, FLAG_RECURSION);
    write16(out, 4, 1);
    for (;;) {
        size_t len = strcspn(from, ".");

        out[at++] = (uint8_t)len;
        memcpy(out + at, from, len);
        at += len;
        from += len;
        if (*from != '.')
            break;
        from++;
    }
    out[at++] = 0;
    at = write16(out, at, question->type);
    return write16(out, at, CLASS_IN);
}

/* ---- Answers ---- */

static bool is_ours(const struct lunik_dns_question *question,
                    struct reader *reader, uint16_t *flags, uint16_t counts[4])
{
    char name[LUNIK_DNS_NAME_MAX + 1];
    uint16_t id = read16(reader);

    *flags = read16(reader);
    for (int i = 0; i < 4; i++)
        counts[i] = read16(reader);
    if (reader->is_bad || id != question->id ||
        (*flags & (FLAG_ANSWER | FLAG_OPCODE)) != FLAG_ANSWER || counts[0] != 1)
        return false;
    read_name(reader, name);
    return read16(reader) == question->type && read16(reader) == CLASS_IN &&
           !reader->is_bad && strcmp(name, question->name) == 0;
}

static void note_ttl(struct lunik_dns_answer *answer, uint32_t ttl)
{
    if (ttl > INT32_MAX)
        ttl = 0; /* RFC 2181, 8 */
    if (ttl < answer->ttl)
        answer->ttl = ttl;
}

static void add_address(const struct lunik_dns_question *question,
                        const struct reader *reader,
                        const struct record *record,
                        struct lunik_dns_answer *out)
{
    bool is4 = question->type == LUNIK_DNS_A;
    struct lunik_address *to = &out->addresses[out->count];

    if (out->count == LUNIK_DNS_ADDRESSES_MAX ||
        record->size != (is4 ? 4u : 16u))
        return;
    memset(to, 0, sizeof(*to));
    to->family = is4 ? LUNIK_IP4 : LUNIK_IP6;
    memcpy(to->bytes, reader->data + record->data, record->size);
    note_ttl(out, record->ttl);
    out->count++;
}

/* Goes through the answers once for each name of the chain of aliases. True:
 * (alias) has changed, look again. */
static bool look_for(const struct lunik_dns_question *question,
                     struct reader reader, size_t records,
                     struct lunik_dns_answer *out, bool *is_bad)
{
    for (size_t i = 0; i < records && i < RECORDS_MAX; i++) {
        struct record record;
        struct reader target = reader;

        read_record(&reader, &record);
        if (reader.is_bad) {
            *is_bad = true;
            return false;
        }
        if (record.class != CLASS_IN || strcmp(record.name, out->alias) != 0)
            continue;
        if (record.type == question->type) {
            add_address(question, &reader, &record, out);
        } else if (record.type == TYPE_CNAME && out->count == 0) {
            target.at = record.data;
            read_name(&target, out->alias);
            if (target.is_bad || out->alias[0] == '\0') {
                *is_bad = true;
                return false;
            }
            note_ttl(out, record.ttl);
            return true;
        }
    }
    return false;
}

/* How long a "none" holds: as the SOA in the authority part says (RFC 2308);
 * 0 without one. */
static uint32_t ttl_of_none(struct reader reader, size_t answers,
                            size_t authorities)
{
    for (size_t i = 0; i < answers + authorities && i < RECORDS_MAX; i++) {
        struct record record;
        struct reader last = reader;
        uint32_t least;

        read_record(&reader, &record);
        if (reader.is_bad)
            return 0;
        if (i < answers || record.type != TYPE_SOA || record.size < 22)
            continue;
        last.at = record.data + record.size - 4;
        least = read32(&last);
        if (record.ttl < least)
            least = record.ttl;
        return least > TTL_NONE_MAX ? TTL_NONE_MAX : least;
    }
    return 0;
}

enum lunik_dns_verdict
lunik_dns_read_answer(const struct lunik_dns_question *question,
                      const void *data, size_t size,
                      struct lunik_dns_answer *out)
{
    struct reader reader = { data, size, 0, false };
    uint16_t flags, counts[4], code;
    char name[LUNIK_DNS_NAME_MAX + 1];
    bool is_bad = false;
    int aliases = 0;

    memset(out, 0, sizeof(*out));
    if (!is_ours(question, &reader, &flags, counts))
        return LUNIK_DNS_IGNORE;
    code = flags & CODE_MASK;
    if (flags & FLAG_TRUNCATED)
        return LUNIK_DNS_TRUNCATED;
    if (code != 0 && code != CODE_NO_NAME)
        return LUNIK_DNS_FAILED;
    out->ttl = TTL_MAX;
    memcpy(out->alias, question->name, sizeof(out->alias));
    if (code == 0)
        while (look_for(question, reader, counts[1], out, &is_bad))
            if (++aliases == ALIASES_MAX)
                return LUNIK_DNS_FAILED;
    if (is_bad)
        return LUNIK_DNS_FAILED;
    if (out->count > 0)
        return LUNIK_DNS_ANSWER;
    if (code == 0 && strcmp(out->alias, question->name) != 0 &&
        lunik_dns_read_name(out->alias, name))
        return LUNIK_DNS_ALIAS;
    out->ttl = ttl_of_none(reader, counts[1], counts[2]);
    return LUNIK_DNS_NONE;
}
