-- SPDX-License-Identifier: MIT
-- status: 1
-- says: C stack overflow
local function g() return (("x"):gsub("x", g)) end
g()
