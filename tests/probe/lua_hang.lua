-- SPDX-License-Identifier: MIT
-- lua_hang.lua: a loop in Lua that never waits.
local function spin() while true do end end
local function outer() spin() end
outer()
