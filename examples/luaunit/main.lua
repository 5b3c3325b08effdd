-- SPDX-License-Identifier: MIT
-- luaunit's own test-suite, unmodified, from its release tarball. What its
-- run_unit_tests.lua does, from inside an image.
require "test.test_luaunit"

local lu = require "luaunit"

lu.LuaUnit.verbosity = 1
os.exit(lu.LuaUnit.run(table.unpack(arg)))
