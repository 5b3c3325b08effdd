/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cjson.c: any text for cjson.decode. What it reads, cjson.encode writes,
 * and that reads as the same; nothing is held afterwards.
 *
 * The first byte chooses the settings, and which allocation fails.
 */
#include "../../bindings/cjson/cjson.h"

#include <lualib.h>
#include <lunik/panic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT ((size_t)8 << 20)

static size_t used;
static unsigned until_failure; /* 0: none fails */

static void *allocate(void *ud, void *memory, size_t old_size, size_t size)
{
    void *p;

    (void)ud;
    if (memory == NULL)
        old_size = 0;
    if (size == 0) {
        free(memory);
        used -= old_size;
        return NULL;
    }
    if (size > old_size && size - old_size > LIMIT - used)
        return NULL;
    if (size > old_size && until_failure > 0 && --until_failure == 0)
        return NULL;
    p = realloc(memory, size);
    if (p != NULL)
        used = used - old_size + size;
    return p;
}

static int run(lua_State *L)
{
    unsigned settings = (unsigned)lua_tointeger(L, 2);

    lunik_cjson_open(L, false);
    lua_getfield(L, -1, "decode_invalid_numbers");
    lua_pushboolean(L, settings & 1);
    lua_call(L, 1, 0);
    lua_getfield(L, -1, "decode_array_with_array_mt");
    lua_pushboolean(L, 1);
    lua_call(L, 1, 0);
    lua_getfield(L, -1, "encode_number_precision");
    lua_pushinteger(L, 17);
    lua_call(L, 1, 0);
    lua_getfield(L, -1, "encode_invalid_numbers");
    lua_pushliteral(L, "null");
    lua_call(L, 1, 0);
    /* 4: the value, 5: its text, 6: that text's value's text. Objects' order
     * may differ, so the texts are as long as each other. */
    lua_getfield(L, 3, "decode");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    until_failure = settings >> 1;
    lua_getfield(L, 3, "encode");
    lua_pushvalue(L, 4);
    lua_call(L, 1, 1);
    lua_getfield(L, 3, "encode");
    lua_getfield(L, 3, "decode");
    lua_pushvalue(L, 5);
    lua_call(L, 1, 1);
    lua_call(L, 1, 1);
    LUNIK_ASSERT(lua_rawlen(L, 5) == lua_rawlen(L, 6));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lua_State *L;

    if (size < 1)
        return 0;
    until_failure = 0;
    L = lua_newstate(allocate, NULL);
    LUNIK_ASSERT(L != NULL);
    lua_pushcfunction(L, run);
    lua_pushlstring(L, (const char *)data + 1, size - 1);
    lua_pushinteger(L, data[0]);
    /* An error is an answer, too. */
    lua_pcall(L, 2, 0, 0);
    until_failure = 0;
    lua_close(L);
    LUNIK_ASSERT(used == 0);
    return 0;
}
