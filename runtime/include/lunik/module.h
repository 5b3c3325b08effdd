/* SPDX-License-Identifier: MIT */
/*
 * module.h: how a C module makes itself known to `require`.
 *
 * An image links the modules that it needs. Each announces itself with one
 * line, in one of its files:
 *
 *     LUNIK_MODULE(acme_sensor, "acme.sensor", luaopen_acme_sensor)
 *
 * The line makes an entry of a table that the linker puts together, and the
 * symbol lunik_module_acme_sensor, by which the link asks for it (`-u`). The
 * first word is the module's name with '_' for each '.'.
 */
#ifndef LUNIK_MODULE_H
#define LUNIK_MODULE_H

#include <lua.h>
#include <lunik/attr.h>

struct lunik_module {
    const char *name; /* as in require "name" */
    lua_CFunction open;
};

/* The section's name is a C identifier, so that linkers without our script
 * give __start_ and __stop_ symbols for it. Entries are aligned as their
 * members are, and no more, so that the linker puts them together without a
 * gap, in front of the first one too. */
#define LUNIK_MODULE(symbol, module_name, open_function)                   \
    extern const struct lunik_module lunik_module_##symbol;                \
    LUNIK_USED LUNIK_SECTION("lunik_modules") LUNIK_ALIGNED(8)             \
        const struct lunik_module lunik_module_##symbol = { (module_name), \
                                                            (open_function) };

#endif
