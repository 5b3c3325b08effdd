-- SPDX-License-Identifier: MIT
-- lua_hang_in_c.lua: a pattern that takes the library's C for ever.
local text = ("a"):rep(40)
print(text:find((".-"):rep(20) .. "b"))
