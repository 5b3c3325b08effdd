-- SPDX-License-Identifier: MIT
-- lua_out_of_memory.lua: a program that takes all memory, and goes on.
local sys = require "lunik.sys"
local function fill(list)
  for i = 1, math.huge do list[i] = ("x"):rep(1000) .. i end
end
for round = 1, 3 do
  local ok, why = pcall(fill, {})
  assert(not ok and why == "not enough memory", why)
  collectgarbage()
  print("round " .. round, sys.memory().free > 1 << 20)
end
fill {}
