/* SPDX-License-Identifier: MIT */
/* test_answer.c: where the load generator finds the end of an answer. */
#include "answer.h"

#include "test.h"

static char head[LUNIK_ANSWER_HEAD_MAX];
static struct lunik_answer answer = { .head = head };

#define OK "HTTP/1.1 200 OK\r\n"

/* Takes (text) in pieces of (step): the last result, -1 if it was complete
 * before its end. */
static int take_by(const char *text, size_t step)
{
    size_t size = strlen(text);
    int result = 0;

    lunik_answer_begin(&answer);
    while (size > 0 && result == 0) {
        size_t count = size < step ? size : step;

        result = lunik_answer_take(&answer, text, count);
        text += count;
        size -= count;
    }
    return result == 1 && size > 0 ? -1 : result;
}

/* However it is cut, it comes to the same. */
static int take(const char *text)
{
    int whole = take_by(text, SIZE_MAX);

    for (size_t step = 1; step < 20; step++)
        CHECK_EQ(take_by(text, step), whole);
    return whole;
}

TEST(a_body_of_a_stated_length_ends_there)
{
    CHECK_EQ(take(OK "Content-Length: 5\r\n\r\nhello"), 1);
    CHECK_EQ(take(OK "content-length:5\r\n\r\nhello"), 1);
    CHECK_EQ(take(OK "Content-Length: 5\r\n\r\nhell"), 0);
    CHECK_EQ(take(OK "Content-Length: 5\r\n\r\nhello!"), -1);
    CHECK_EQ(take(OK "Content-Length: 0\r\n\r\n"), 1);
    CHECK_EQ(answer.kind, 2);
    CHECK(!answer.closes);
}

TEST(a_length_that_is_no_number_is_wrong)
{
    CHECK_EQ(take(OK "Content-Length: \r\n\r\n"), -1);
    CHECK_EQ(take(OK "Content-Length: -1\r\n\r\n"), -1);
    CHECK_EQ(take(OK "Content-Length: +1\r\n\r\nx"), -1);
    CHECK_EQ(take(OK "Content-Length: 1x\r\n\r\nx"), -1);
    CHECK_EQ(take(OK "Content-Length: 99999999999999999999\r\n\r\nx"), -1);
}

TEST(chunks_end_with_an_empty_one_and_trailers)
{
    const char *chunked = OK "Transfer-Encoding: chunked\r\n\r\n"
                             "5;a=1\r\nhello\r\nA\r\n0123456789\r\n0\r\n";
    char text[300];

    CHECK_EQ(take(chunked), 0);
    snprintf(text, sizeof(text), "%s\r\n", chunked);
    CHECK_EQ(take(text), 1);
    snprintf(text, sizeof(text), "%sX: y\r\nZ: 0\r\n\r\n", chunked);
    CHECK_EQ(take(text), 1);
    snprintf(text, sizeof(text), "%s\r\nmore", chunked);
    CHECK_EQ(take(text), -1);
}

TEST(chunks_that_are_none_are_wrong)
{
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
    CHECK_EQ(take(CHUNKED "\r\n"), -1);
    CHECK_EQ(take(CHUNKED "x\r\n"), -1);
    CHECK_EQ(take(CHUNKED ";a\r\n"), -1);
    CHECK_EQ(take(CHUNKED "-1\r\n"), -1);
    CHECK_EQ(take(CHUNKED "1\r\nab\r\n"), -1);
    CHECK_EQ(take(CHUNKED "fffffffffffffffff\r\n"), -1);
}

TEST(answers_without_a_body_end_with_the_head)
{
    CHECK_EQ(take("HTTP/1.1 204 No Content\r\n\r\n"), 1);
    CHECK_EQ(take("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), 1);
    CHECK_EQ(answer.kind, 3);
}

TEST(a_body_without_a_length_ends_with_the_connection)
{
    CHECK_EQ(take(OK "\r\nsome"), 0);
    CHECK(lunik_answer_ends_at_close(&answer));
    CHECK(answer.closes);
}

TEST(the_server_says_whether_it_closes)
{
    CHECK_EQ(take(OK "Connection: Close\r\nContent-Length: 0\r\n\r\n"), 1);
    CHECK(answer.closes);
    CHECK_EQ(take("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), 1);
    CHECK(answer.closes);
    CHECK_EQ(take("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
                  "Content-Length: 0\r\n\r\n"),
             1);
    CHECK(!answer.closes);
}

TEST(provisional_answers_come_before_the_real_one)
{
    CHECK_EQ(take("HTTP/1.1 100 Continue\r\n\r\n"), 0);
    CHECK_EQ(take("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n"
                  "Link: x\r\n\r\n" OK "Content-Length: 1\r\n\r\nx"),
             1);
}

TEST(what_is_no_answer_is_wrong)
{
    static char text[40000];

    CHECK_EQ(take("SSH-2.0-OpenSSH\r\n\r\n"), -1);
    CHECK_EQ(take("\r\n\r\n"), -1);
    CHECK_EQ(take("HTTP/2 200\r\n\r\n"), -1);
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, OK, strlen(OK));
    CHECK_EQ(take(text), -1);
}
