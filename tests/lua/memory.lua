-- SPDX-License-Identifier: MIT
-- memory.lua: running out of memory, and many tasks at once.
local sys = require "lunik.sys"
local task = require "lunik.task"
local test = require "lunik.test"

-- Takes memory until there is none; gives the error.
local function exhaust()
  local hold = {}
  local ok, err = pcall(function()
    local size = 1 << 20
    while true do
      hold[#hold + 1] = ("x"):rep(size + #hold)
    end
  end)
  assert(not ok)
  return err
end

return {
  ["running out of memory is a Lua error, and the program goes on"] = function()
    for _ = 1, 3 do
      test.equal(exhaust(), "not enough memory")
      collectgarbage()
      test.equal(#("y"):rep(100000), 100000)
    end
  end,

  ["running out in small pieces is the same"] = function()
    local ok, err = pcall(function()
      local list = nil
      while true do list = { list, { list } } end
    end)
    test.equal(ok, false)
    test.equal(err, "not enough memory")
    collectgarbage()
  end,

  ["a task that runs out of memory leaves the others alone"] = function()
    local other = task.spawn(function()
      for _ = 1, 5 do task.sleep(0.001) end
      return "fine"
    end)
    local ok, err = task.spawn(function() error(exhaust(), 0) end):join()
    test.equal(ok, false)
    test.equal(err, "not enough memory")
    test.equal(select(2, other:join()), "fine")
  end,

  ["a single string larger than all memory is refused at once"] = function()
    test.raises("not enough memory", string.rep, "x", 1 << 30)
  end,

  ["what was used is given back"] = function()
    collectgarbage()
    local before = sys.memory().lua
    do
      local t = {}
      for i = 1, 10000 do t[i] = { i } end
      assert(sys.memory().lua > before + 100000)
    end
    collectgarbage()
    collectgarbage()
    assert(sys.memory().lua < before + 50000, sys.memory().lua - before)
    assert(sys.memory().lua_peak >= before + 100000)
    assert(sys.memory().lua <= sys.memory().lua_limit)
  end,

  ["10,000 tasks sleep side by side"] = function()
    local woken = 0
    task.nursery(function(n)
      for _ = 1, 10000 do
        n:spawn(function() task.sleep(0.2) woken = woken + 1 end)
      end
    end)
    test.equal(woken, 10000)
  end,

  ["100,000 tasks one after another leave nothing"] = function()
    for _ = 1, 2000 do
      task.nursery(function(n)
        for _ = 1, 50 do n:spawn(task.yield) end
      end)
    end
    collectgarbage()
    collectgarbage()
    local before = sys.memory().lua
    for _ = 1, 200 do
      task.nursery(function(n)
        for _ = 1, 50 do n:spawn(task.yield) end
      end)
    end
    collectgarbage()
    collectgarbage()
    assert(sys.memory().lua < before + 20000, sys.memory().lua - before)
  end,
}
