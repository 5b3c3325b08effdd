-- SPDX-License-Identifier: MIT
-- blocking.lua: a task may wait wherever Lua can call a function. Another task
-- runs meanwhile each time: that is how the tests know that it waited.
local task = require "lunik.task"
local test = require "lunik.test"

-- Calls fn(wait); wait() blocks on a channel that another task serves, so each
-- call needs at least two switches. Checks that fn did wait.
local function with_wait(fn)
  local asks, answers, served = task.channel(), task.channel(), 0
  local server = task.spawn(function()
    for question in asks do
      task.sleep(0.0005)
      served = served + 1
      answers:send(question)
    end
  end)
  local n = 0
  local function wait()
    n = n + 1
    asks:send(n)
    test.equal(answers:receive(), n)
    task.sleep(0)
  end
  local results = table.pack(fn(wait))
  asks:close()
  assert(server:join())
  test.equal(served, n, "waits that were served")
  assert(n > 0, "nothing waited")
  return table.unpack(results, 1, results.n)
end

return {
  ["a metamethod may wait"] = function()
    with_wait(function(wait)
      local mt = {}
      local function op(value) return function() wait() return value end end
      mt.__index, mt.__add, mt.__concat, mt.__len = op(1), op(2), op("3"), op(4)
      mt.__eq, mt.__lt, mt.__le, mt.__call = op(true), op(true), op(false), op(7)
      mt.__unm, mt.__tostring, mt.__newindex = op(8), op("nine"), op(nil)
      local a, b = setmetatable({}, mt), setmetatable({}, mt)
      test.equal(a.x, 1)
      test.equal(a + b, 2)
      test.equal(a .. b, "3")
      test.equal(#a, 4)
      test.equal(a == b, true)
      test.equal(a < b, true)
      test.equal(a <= b, false)
      test.equal(a(), 7)
      test.equal(-a, 8)
      test.equal(tostring(a), "nine")
      a.y = 1
      test.equal(rawget(a, "y"), nil)
    end)
  end,

  ["a comparator of table.sort may wait"] = function()
    with_wait(function(wait)
      local list = { 5, 3, 9, 1, 7, 2, 8 }
      table.sort(list, function(x, y) wait() return x < y end)
      test.equal(table.concat(list, " "), "1 2 3 5 7 8 9")
    end)
  end,

  ["a callback of string.gsub may wait"] = function()
    with_wait(function(wait)
      local text = ("a-b-c"):gsub("%a", function(c) wait() return c:upper() end)
      test.equal(text, "A-B-C")
    end)
  end,

  ["a module may wait while it is required"] = function()
    with_wait(function(wait)
      package.preload["test.waiting"] = function() wait() return { 42 } end
      local name = "test.waiting" -- not sealed: made here
      test.equal(require(name)[1], 42)
      package.preload["test.waiting"], package.loaded["test.waiting"] = nil, nil
    end)
  end,

  ["a sealed module may wait while it is required"] = function()
    local one = task.spawn(require, "waits")
    test.equal(require("waits").waited, true)
    assert(one:join(1))
    package.loaded.waits = nil
  end,

  ["pcall, xpcall and its handler may wait"] = function()
    with_wait(function(wait)
      local ok, err = pcall(function() wait() error("one", 0) end)
      test.equal(ok, false)
      test.equal(err, "one")
      ok, err = xpcall(function() wait() error("two", 0) end, function(e)
        wait()
        return e .. "!"
      end)
      test.equal(ok, false)
      test.equal(err, "two!")
    end)
  end,

  ["a __close may wait, at the end of a block and in an error"] = function()
    with_wait(function(wait)
      local closed = 0
      local mt = { __close = function() wait() closed = closed + 1 end }
      do
        local _ <close> = setmetatable({}, mt)
      end
      pcall(function()
        local _ <close> = setmetatable({}, mt)
        error "out"
      end)
      test.equal(closed, 2)
    end)
  end,

  ["an iterator may wait"] = function()
    with_wait(function(wait)
      local sum = 0
      for i in function(_, i) wait() if i < 5 then return i + 1 end end, nil, 0 do
        sum = sum + i
      end
      test.equal(sum, 15)
    end)
  end,

  ["a coroutine of the user's own may wait"] = function()
    with_wait(function(wait)
      local co = coroutine.create(function(a)
        wait()
        local b = coroutine.yield(a + 1)
        wait()
        return b + 1
      end)
      test.equal(select(2, coroutine.resume(co, 1)), 2)
      test.equal(select(2, coroutine.resume(co, 10)), 11)
      test.equal(coroutine.status(co), "dead")
    end)
  end,

  ["coroutines in coroutines may wait, through coroutine.wrap"] = function()
    with_wait(function(wait)
      local function generate(depth)
        return coroutine.wrap(function()
          wait()
          if depth > 0 then
            for v in generate(depth - 1) do coroutine.yield(v) end
          end
          coroutine.yield(depth)
        end)
      end
      local got = {}
      for v in generate(5) do got[#got + 1] = v end
      test.equal(table.concat(got), "012345")
    end)
  end,

  ["coroutine.close may wait in a __close"] = function()
    with_wait(function(wait)
      local co = coroutine.create(function()
        local _ <close> = setmetatable({}, { __close = wait })
        coroutine.yield()
      end)
      coroutine.resume(co)
      test.equal(coroutine.close(co), true)
    end)
  end,

  ["two tasks may wait inside two sorts of one state at once"] = function()
    local function sort_slowly()
      local list = {}
      for i = 1, 40 do list[i] = (i * 17) % 41 end
      table.sort(list, function(x, y) task.yield() return x < y end)
      for i = 2, #list do assert(list[i - 1] <= list[i]) end
    end
    task.nursery(function(n)
      for _ = 1, 10 do n:spawn(sort_slowly) end
    end)
  end,

  ["load with a reader may wait"] = function()
    with_wait(function(wait)
      local parts = { "return ", "4", "2" }
      local i = 0
      local fn = assert(load(function() wait() i = i + 1 return parts[i] end))
      test.equal(fn(), 42)
    end)
  end,

  ["a finalizer cannot wait, and says so"] = function()
    local said
    setmetatable({}, { __gc = function()
      local _, err = pcall(task.sleep, 0)
      said = err
    end })
    collectgarbage()
    collectgarbage()
    assert(tostring(said):find("cannot wait inside a finalizer"), said)
  end,

  ["the collector may run while tasks wait everywhere"] = function()
    task.nursery(function(n)
      for i = 1, 50 do
        n:spawn(function()
          local t = setmetatable({}, { __index = function(_, k)
            task.sleep(0.001)
            collectgarbage("step")
            return { k .. i }
          end })
          for j = 1, 3 do test.equal(t["x" .. j][1], "x" .. j .. i) end
        end)
      end
      for _ = 1, 5 do collectgarbage() task.sleep(0.001) end
    end)
  end,

  ["a task cannot be yielded from outside a coroutine of its own"] = function()
    local ok, err = task.spawn(function()
      test.equal(coroutine.isyieldable(), false)
      coroutine.yield()
    end):join()
    test.equal(ok, false)
    assert(tostring(err):find("yield"), err)
  end,
}
