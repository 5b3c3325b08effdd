-- SPDX-License-Identifier: MIT
-- tasks.lua: the program that prints what tasks cost, one "NAME COUNT" a line:
-- instructions per turn, loops around taken off unless the name says "whole".

local count = require "count"
local task = require "lunik.task"

local TURNS, SPAWNS = 5000, 300

-- Instructions of (fn), called a second time when all memory is there.
local function cost(fn)
  fn()
  collectgarbage()
  local began = count()
  fn()
  return count() - began
end

local function report(name, total, turns) print(("%s %d"):format(name, (total + turns // 2) // turns)) end

local function nothing() end

local empty = cost(function() for _ = 1, TURNS do end end)
local calls = cost(function() for _ = 1, TURNS do nothing() end end)
report("empty_loop_turn", empty, TURNS)
report("lua_call", calls - empty, TURNS)

-- Two tasks that do nothing but yield; each turn is one switch.
local yield = task.yield
local function yielder() for _ = 1, TURNS do yield() end end
local function pair()
  local a, b = task.spawn(yielder), task.spawn(yielder)
  a:join()
  b:join()
end
local function idle_pair()
  local a, b = task.spawn(nothing), task.spawn(nothing)
  a:join()
  b:join()
end
local around = cost(idle_pair)
local switching = cost(pair) - around
report("task_switch", switching - 2 * empty, 2 * TURNS)
report("task_switch_whole", switching, 2 * TURNS)

-- A thousand tasks that yield in turn: no switch may cost more for it.
local function many(fn)
  local list = {}
  for i = 1, 1000 do list[i] = task.spawn(fn) end
  for i = 1, 1000 do list[i]:join() end
end
local idle = cost(function() many(nothing) end)
local busy = cost(function() many(function() for _ = 1, 20 do yield() end end) end)
report("task_switch_of_1000", busy - idle, 20000)

local function channel_cost(capacity)
  return cost(function()
    local channel = task.channel(capacity)
    local receiver = task.spawn(function() for _ = 1, TURNS do channel:receive() end end)
    for i = 1, TURNS do channel:send(i) end
    receiver:join()
  end)
end
report("channel_send_receive_0", channel_cost(0) - 2 * empty, TURNS)
report("channel_send_receive_100", channel_cost(100) - 2 * empty, TURNS)

report("spawn_join", cost(function()
  for _ = 1, SPAWNS do task.spawn(nothing):join() end
end), SPAWNS)
report("nursery_of_10", cost(function()
  for _ = 1, SPAWNS do
    task.nursery(function(n) for _ = 1, 10 do n:spawn(nothing) end end)
  end
end), SPAWNS)
report("mutex_lock_unlock", cost(function()
  local mutex = task.mutex()
  for _ = 1, TURNS do
    mutex:lock()
    mutex:unlock()
  end
end) - empty, TURNS)
report("table_of_4", cost(function()
  for i = 1, TURNS do local _ = { i, i, i, i } end
end) - empty, TURNS)

local before = count()
print "0123456789012345678901234567890"
local line = count() - before
report("print_line_32", line, 1)
