-- SPDX-License-Identifier: MIT
-- lua_null_read.lua: a C module's bad pointer, below functions in Lua.
local fault = require "fault"
local function inner() return (fault.null_read()) end
local function outer() return (inner()) end
print(outer())
