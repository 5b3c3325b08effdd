/* SPDX-License-Identifier: MIT */
/*
 * answer.h: an answer of HTTP/1, read only as far as finding its end asks for.
 *
 * What a server sends may be anything: whatever is no answer is found out, and
 * nothing beyond the head is kept.
 */
#ifndef LUNIK_HOST_ANSWER_H
#define LUNIK_HOST_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUNIK_ANSWER_HEAD_MAX ((size_t)32 * 1024)

struct lunik_answer {
    char *head;    /* the caller's: LUNIK_ANSWER_HEAD_MAX bytes */
    bool closes;   /* the server will close the connection after it */
    unsigned kind; /* the status' first digit, 2 to 5; 0: another */
    /* private */
    int step;
    uint64_t left; /* of the body or chunk */
    size_t head_size;
    unsigned line; /* of chunks and trailers: what it had so far */
};

/* Begins the next one. */
void lunik_answer_begin(struct lunik_answer *answer);

/* Takes the (size) bytes that came: 1: with them the answer is complete, 0: it
 * goes on, -1: it is none, or something follows that nobody asked for. */
int lunik_answer_take(struct lunik_answer *answer, const char *data,
                      size_t size);

/* True if the body goes on until the server closes. */
bool lunik_answer_ends_at_close(const struct lunik_answer *answer);

#endif
