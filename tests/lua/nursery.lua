-- SPDX-License-Identifier: MIT
-- nursery.lua: scopes that outlive their tasks, and errors in them.
local task = require "lunik.task"
local test = require "lunik.test"

local function forever() task.sleep(math.huge) end

-- A task that notes its end in (list), however it ends.
local function noting(list, name)
  return function()
    local _ <close> = setmetatable({}, { __close = function() list[name] = true end })
    forever()
  end
end

return {
  ["all tasks have ended when a nursery returns"] = function()
    local ended = 0
    local result = task.nursery(function(n)
      for i = 1, 5 do
        n:spawn(function() task.sleep(i / 1000) ended = ended + 1 end)
      end
      return "result"
    end)
    test.equal(ended, 5)
    test.equal(result, "result")
  end,

  ["arguments and results pass through"] = function()
    local r = table.pack(task.nursery(function(_, ...) return ..., nil end, 1))
    test.equal(r.n, 2)
    test.equal(r[1], 1)
  end,

  ["the first error cancels the others and is raised in the parent"] = function()
    local list = {}
    local e = {}
    local ok, err = pcall(task.nursery, function(n)
      n:spawn(noting(list, "a"))
      n:spawn(function() task.sleep(0.002) error(e) end)
      n:spawn(noting(list, "b"))
    end)
    test.equal(ok, false)
    test.equal(err, e)
    assert(list.a and list.b)
  end,

  ["an error of a child interrupts the body"] = function()
    local after = false
    local ok, err = pcall(task.nursery, function(n)
      n:spawn(function() error("child", 0) end)
      forever()
      after = true
    end)
    test.equal(err, "child")
    test.equal(after, false)
    task.sleep(0) -- the parent itself is not cancelled
  end,

  ["an error of the body cancels the children"] = function()
    local list = {}
    local ok, err = pcall(task.nursery, function(n)
      n:spawn(noting(list, "a"))
      task.yield()
      error("body", 0)
    end)
    test.equal(err, "body")
    assert(list.a)
  end,

  ["of two errors the first wins"] = function()
    local ok, err = pcall(task.nursery, function(n)
      n:spawn(function()
        local ok, err = pcall(forever)
        error("second", 0)
      end)
      n:spawn(function() task.sleep(0.001) error("first", 0) end)
    end)
    test.equal(err, "first")
  end,

  ["cancel ends the tasks and the body, without an error"] = function()
    local list = {}
    local ok, err = task.nursery(function(n)
      n:spawn(noting(list, "a"))
      task.yield()
      n:cancel()
      forever()
    end)
    test.equal(ok, nil)
    test.equal(err, "cancelled")
    assert(list.a)
    task.sleep(0)
  end,

  ["a child may cancel its nursery"] = function()
    local ok, err = task.nursery(function(n)
      n:spawn(function() task.sleep(0.001) n:cancel() end)
      forever()
    end)
    test.equal(err, "cancelled")
  end,

  ["a body that returned keeps its results when cancelled later"] = function()
    local result = task.nursery(function(n)
      n:spawn(forever)
      n:spawn(function() task.sleep(0.001) n:cancel() end)
      return "kept"
    end)
    test.equal(result, "kept")
  end,

  ["cancelling the parent cancels the children and waits for them"] = function()
    local list = {}
    local parent = task.spawn(function()
      task.nursery(function(n) n:spawn(noting(list, "a")) end)
    end)
    task.sleep(0.001)
    parent:cancel()
    local ok, err = parent:join()
    test.equal(err, task.cancelled)
    assert(list.a)
  end,

  ["cancelling the parent in the body does, too"] = function()
    local list = {}
    local parent = task.spawn(function()
      task.nursery(function(n) n:spawn(noting(list, "a")) forever() end)
    end)
    task.sleep(0.001)
    parent:cancel()
    test.equal(select(2, parent:join()), task.cancelled)
    assert(list.a)
  end,

  ["a deadline around a nursery ends it"] = function()
    local list = {}
    local ok, err = task.deadline(0.003, task.nursery, function(n)
      n:spawn(noting(list, "a"))
    end)
    test.equal(err, "timeout")
    assert(list.a)
  end,

  ["nurseries nest, and an inner error ends the outer"] = function()
    local list = {}
    local ok, err = pcall(task.nursery, function(outer)
      outer:spawn(noting(list, "outer"))
      outer:spawn(task.nursery, function(inner)
        inner:spawn(noting(list, "inner"))
        inner:spawn(function() task.sleep(0.001) error("deep", 0) end)
      end)
    end)
    test.equal(err, "deep")
    assert(list.outer and list.inner)
  end,

  ["an inner nursery's cancel does not reach the outer body"] = function()
    local result = task.nursery(function()
      local _, err = task.nursery(function(inner) inner:cancel() forever() end)
      test.equal(err, "cancelled")
      task.sleep(0.001)
      return "outer"
    end)
    test.equal(result, "outer")
  end,

  ["a nursery that has ended spawns no more"] = function()
    local kept
    task.nursery(function(n) kept = n end)
    test.raises("has ended", kept.spawn, kept, print)
    test.raises("has ended", kept.cancel, kept)
  end,

  ["a cancelled nursery's new tasks do not run"] = function()
    local ran = false
    task.nursery(function(n)
      n:cancel()
      n:spawn(function() ran = true end)
    end)
    test.equal(ran, false)
  end,

  ["a child's traceback is kept through the nursery"] = function()
    local function culprit() error("traced") end
    local text
    local ok = xpcall(task.nursery, function(e) text = debug.traceback(e) return e end,
      function(n) n:spawn(culprit) end)
    test.equal(ok, false)
    assert(text:find("nursery.lua:%d+: traced"), text)
  end,

  ["children may spawn siblings"] = function()
    local count = 0
    task.nursery(function(n)
      local function child(depth)
        count = count + 1
        if depth > 0 then
          n:spawn(child, depth - 1)
          n:spawn(child, depth - 1)
        end
      end
      n:spawn(child, 6)
    end)
    test.equal(count, 127)
  end,

  ["a child that is joined may fail, and still ends the nursery"] = function()
    local ok, err = pcall(task.nursery, function(n)
      local t = n:spawn(error, "joined", 0)
      t:join()
    end)
    test.equal(ok, false)
    test.equal(err, "joined")
  end,

  ["a child that fails after the body did is let go of"] = function()
    local children = setmetatable({}, { __mode = "k" })
    local ok, err = pcall(task.nursery, function(n)
      children[n:spawn(function()
        pcall(task.sleep, 100)
        error("late", 0)
      end)] = true
      task.yield()
      error("first", 0)
    end)
    test.equal(ok, false)
    test.equal(err, "first")
    collectgarbage()
    collectgarbage()
    test.equal(next(children), nil)
  end,
}
