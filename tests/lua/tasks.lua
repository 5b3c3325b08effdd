-- SPDX-License-Identifier: MIT
-- tasks.lua: spawning, joining, cancelling, deadlines, timers.
local task = require "lunik.task"
local test = require "lunik.test"

local function forever() task.sleep(math.huge) end

return {
  ["a task runs when its spawner waits, in the order of spawning"] = function()
    local order = {}
    for i = 1, 5 do task.spawn(function() order[#order + 1] = i end) end
    test.equal(#order, 0)
    task.yield()
    test.equal(table.concat(order), "12345")
  end,

  ["join gives all results, nils too"] = function()
    local t = task.spawn(function(...) return nil, ..., nil end, 1, 2)
    local r = table.pack(t:join())
    test.equal(r.n, 4)
    test.equal(r[1], true)
    test.equal(r[3], 1)
    test.equal(t:status(), "done")
    test.equal(select("#", t:join()), 4) -- again, from an ended task
  end,

  ["join gives the very error of a task that failed"] = function()
    local e = {}
    local t = task.spawn(error, e)
    local ok, err = t:join()
    test.equal(ok, false)
    test.equal(err, e)
    test.equal(t:status(), "failed")
  end,

  ["join with a timeout gives up and leaves the task alone"] = function()
    local t = task.spawn(forever)
    local ok, err = t:join(0.002)
    test.equal(ok, nil)
    test.equal(err, "timeout")
    test.equal(t:status(), "running")
    t:cancel()
    t:join()
  end,

  ["many may join one task"] = function()
    local t = task.spawn(function() task.sleep(0.002) return 7 end)
    local sum = 0
    task.nursery(function(n)
      for _ = 1, 10 do
        n:spawn(function()
          local _, value = t:join() -- before `sum` is read
          sum = sum + value
        end)
      end
    end)
    test.equal(sum, 70)
  end,

  ["a task cannot join itself"] = function()
    local t
    t = task.spawn(function() t:join() end)
    local ok, err = t:join()
    test.equal(ok, false)
    assert(err:find("cannot join itself"))
  end,

  ["cancelling wakes a task with the cancelled object"] = function()
    local seen
    local t = task.spawn(function()
      local ok, err = pcall(forever)
      seen = err
      error(err, 0)
    end)
    task.yield()
    t:cancel()
    local ok, err = t:join()
    test.equal(ok, false)
    test.equal(err, task.cancelled)
    test.equal(seen, task.cancelled)
    test.equal(tostring(seen), "cancelled")
    test.equal(t:status(), "cancelled")
  end,

  ["cancelling is sticky: each later wait raises again"] = function()
    local raised = 0
    local ch = task.channel(1)
    local t = task.spawn(function()
      for _, wait in ipairs { forever, task.yield, task.check,
        function() ch:send(1) end, function() ch:receive(0) end,
        function() task.mutex():lock() end,
        function() task.select { { ch }, default = true } end,
        function() task.spawn(print):join(0) end } do
        local ok, err = pcall(wait)
        assert(not ok and err == task.cancelled)
        raised = raised + 1
      end
      return "went on"
    end)
    task.yield()
    t:cancel()
    local _, result = t:join()
    test.equal(result, "went on")
    test.equal(raised, 8)
  end,

  ["a task cancelled before it ran never runs"] = function()
    local ran = false
    local t = task.spawn(function() ran = true end)
    t:cancel()
    test.equal(select(2, t:join()), task.cancelled)
    test.equal(ran, false)
  end,

  ["cancelling a task that has ended does nothing"] = function()
    local t = task.spawn(function() return 1 end)
    t:join()
    t:cancel()
    test.equal(t:status(), "done")
    test.equal(select(2, t:join()), 1)
  end,

  ["a cancelled task's __close handlers run"] = function()
    local closed = false
    local t = task.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      forever()
    end)
    task.yield()
    t:cancel()
    t:join()
    test.equal(closed, true)
  end,

  ["a finished worker's next task is not cancelled"] = function()
    local t = task.spawn(forever)
    task.yield()
    t:cancel()
    t:join()
    for _ = 1, 3 do
      assert(task.spawn(function() task.sleep(0) return true end):join())
    end
  end,

  ["a task has a Lua thread of its own"] = function()
    local threads = {}
    for i = 1, 3 do
      task.spawn(function() threads[i] = coroutine.running() end):join()
    end
    assert(threads[1] ~= threads[2] and threads[2] ~= threads[3])
    assert(select(2, coroutine.running()), "the main script runs in main")
  end,

  ["sleeping tasks wake in the order of their times"] = function()
    local order = {}
    task.nursery(function(n)
      for _, ms in ipairs { 9, 3, 6, 1 } do
        n:spawn(function() task.sleep(ms / 1000) order[#order + 1] = ms end)
      end
    end)
    test.equal(table.concat(order, " "), "1 3 6 9")
  end,

  ["sleep refuses what is no time"] = function()
    test.raises("negative", task.sleep, -1)
    test.raises("negative", task.sleep, 0 / 0)
    test.raises("number expected", task.sleep, "x")
    test.raises("number expected", task.sleep)
  end,

  ["a deadline gives the function's results in time"] = function()
    local a, b = task.deadline(1, function(x) task.sleep(0) return x, nil end, 5)
    test.equal(a, 5)
    test.equal(b, nil)
  end,

  ["a deadline that passes answers timeout"] = function()
    local start = task.now()
    local ok, err = task.deadline(0.005, forever)
    test.equal(ok, nil)
    test.equal(err, "timeout")
    assert(task.now() - start < 1)
  end,

  ["an expired deadline is sticky inside its scope only"] = function()
    local raised = 0
    task.deadline(0.002, function()
      for _ = 1, 3 do
        local ok, err = pcall(forever)
        assert(not ok and err == task.expired)
        raised = raised + 1
      end
    end)
    test.equal(raised, 3)
    task.sleep(0)
  end,

  ["a timeout inside a deadline stays a timeout of the call"] = function()
    local ch = task.channel()
    local r = task.deadline(5, function()
      local v, err = ch:receive(0.002)
      test.equal(err, "timeout")
      return "on"
    end)
    test.equal(r, "on")
  end,

  ["deadlines nest: the outer one passes through the inner"] = function()
    local inner
    local ok, err = task.deadline(0.003, function()
      inner = table.pack(task.deadline(5, forever))
    end)
    test.equal(ok, nil)
    test.equal(err, "timeout")
    test.equal(inner, nil)
  end,

  ["deadlines nest: the inner one is caught by its own scope"] = function()
    local result = task.deadline(5, function()
      local ok, err = task.deadline(0.002, forever)
      test.equal(err, "timeout")
      task.sleep(0.001)
      return "outer lives"
    end)
    test.equal(result, "outer lives")
  end,

  ["an error inside a deadline goes through"] = function()
    test.raises("inside", task.deadline, 1, function() error "inside" end)
  end,

  ["after calls once, and its handle cancels"] = function()
    local n = 0
    local t = task.after(0.002, function(x) n = n + x end, 5)
    assert(t:join())
    test.equal(n, 5)
    t = task.after(0.002, function() n = 99 end)
    t:cancel()
    task.sleep(0.004)
    test.equal(n, 5)
  end,

  ["every calls again and again until cancelled"] = function()
    local ch = task.channel()
    local t = task.every(0.001, function(v) ch:send(v) end, "tick")
    for _ = 1, 3 do test.equal(ch:receive(1), "tick") end
    t:cancel()
    test.equal(select(2, t:join()), task.cancelled)
    test.raises("positive", task.every, 0, print)
  end,

  ["ids are never used twice"] = function()
    local seen = {}
    for _ = 1, 100 do
      local t = task.spawn(function() end)
      assert(not seen[t:id()])
      seen[t:id()] = true
      t:join()
    end
  end,

  ["spawn wants a function"] = function()
    test.raises("function expected", task.spawn, 5)
    test.raises("function expected", task.deadline, 1, {})
  end,

  ["ended tasks are collected"] = function()
    local weak = setmetatable({}, { __mode = "k" })
    for _ = 1, 20 do
      local t = task.spawn(function() task.sleep(0) end)
      weak[t] = true
      t:join()
    end
    collectgarbage()
    collectgarbage()
    local left = 0
    for _ in pairs(weak) do left = left + 1 end
    assert(left <= 1, left .. " tasks are left")
  end,

  ["a running task is not collected, though nobody holds it"] = function()
    local done = task.channel(1)
    task.spawn(function() task.sleep(0.003) done:send(true) end)
    collectgarbage()
    collectgarbage()
    test.equal(done:receive(1), true)
  end,
}
