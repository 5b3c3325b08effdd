-- SPDX-License-Identifier: MIT
-- main.lua: what allocates: tasks, a nursery with an error, channels, a mutex.
local task = require "lunik.task"
local channel, mutex = task.channel(4), task.mutex()
for i = 1, 5 do
  local ok, why = task.spawn(function()
    local _ <close> = mutex:lock()
    channel:send { i }
    task.yield()
    channel:receive()
    return i
  end):join()
  if not ok then error(why, 0) end
end
local ok, why = pcall(task.nursery, function(n)
  for _ = 1, 5 do n:spawn(task.sleep, 10) end
  n:spawn(function() task.yield() error("planned", 0) end)
  task.sleep(10)
end)
if why ~= "planned" then error(why, 0) end
assert(not ok)
assert(task.deadline(0, task.sleep, 1) == nil)
print "whole"
