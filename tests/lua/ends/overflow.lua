-- SPDX-License-Identifier: MIT
-- status: 1
-- says: stack overflow
local function f() return 1 + f() end
f()
