-- SPDX-License-Identifier: MIT
-- lua_recursion.lua: endless recursion is an error that a program survives, in
-- Lua, through C, in a task and in a coroutine.
local task = require "lunik.task"
local function deep() return 1 + deep() end
local function nested() return (("x"):gsub("x", nested)) end
local function sorted() table.sort({ 2, 1 }, sorted) end
local function wrapped() return coroutine.wrap(wrapped)() end
local looped = setmetatable({}, {})
getmetatable(looped).__index = function(t, key) return t[key .. "x"] end
local list = {
  nested = nested, sorted = sorted, wrapped = wrapped,
  indexed = function() return looped.x end,
}
local count = 0
local function try(name)
  local ok, why = pcall(list[name])
  assert(not ok, name)
  why = tostring(why)
  assert(why:find "overflow", name .. ": " .. why)
  count = count + 1
end
for name in pairs(list) do
  try(name)
  assert(task.spawn(try, name):join())
  coroutine.wrap(try)(name)
end
list.deep = deep
try "deep"
print("survived " .. count)
