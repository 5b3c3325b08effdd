-- SPDX-License-Identifier: MIT
-- main.lua: what allocates: a document with everything, there and back; and
-- that what a failure held is given back.
local cjson = require "cjson"
local sys = require "lunik.sys"
local text = '[' .. ('{"a":[1,2,[3,"four"],null],"bcdef":"\\u0041\\n"},'):rep(60) .. "0]"
local before
local ok, value = pcall(function()
  local list = cjson.decode(text)
  return cjson.encode(list)
end)
collectgarbage()
if not ok then
  before = sys.memory().lua
  for _ = 1, 3 do pcall(cjson.decode, text) end
  collectgarbage()
  assert(sys.memory().lua <= before + 2000, "memory was lost")
  error(value, 0)
end
assert(#value > 2000)
print "whole"
