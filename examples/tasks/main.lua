-- SPDX-License-Identifier: MIT
-- A pipeline: one task counts, three workers square, the main task adds up
-- what has come until the deadline. Nobody is left behind when it has passed.
local task = require "lunik.task"

local SECONDS = tonumber(arg[1]) or 0.5

local numbers, squares = task.channel(4), task.channel(4)
local sum, count = 0, 0

local function produce()
  for i = 1, math.huge do
    numbers:send(i)
  end
end

local function work()
  for n in numbers do
    task.sleep(0.01) -- the work takes its time
    squares:send(n * n)
  end
end

local function collect()
  for square in squares do
    sum, count = sum + square, count + 1
  end
end

local _, err = task.deadline(SECONDS, task.nursery, function(nursery)
  nursery:spawn(produce)
  for _ = 1, 3 do
    nursery:spawn(work)
  end
  collect()
end)

assert(err == "timeout")
assert(count > 0, "nothing was ready in time")
print(("deadline after %g s: %d squares, sum %d"):format(SECONDS, count, sum))
