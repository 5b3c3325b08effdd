-- SPDX-License-Identifier: MIT
-- lua_nested_gsub.lua: recursion through string.gsub that nobody catches.
local function nested() return (("x"):gsub("x", nested)) end
nested()
