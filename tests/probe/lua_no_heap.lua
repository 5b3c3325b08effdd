-- SPDX-License-Identifier: MIT
-- lua_no_heap.lua: a program that cannot start: its limit is too small.
print "never"
