-- SPDX-License-Identifier: MIT
-- channels.lua: channels, select and mutexes.
local task = require "lunik.task"
local test = require "lunik.test"

return {
  ["without capacity a sender waits for its receiver"] = function()
    local ch, sent = task.channel(), false
    task.spawn(function() ch:send("x") sent = true end)
    task.yield()
    test.equal(sent, false)
    test.equal(ch:receive(), "x")
    task.yield()
    test.equal(sent, true)
  end,

  ["with capacity so many values wait"] = function()
    local ch = task.channel(3)
    for i = 1, 3 do test.equal(ch:send(i, 0), true) end
    test.equal(#ch, 3)
    test.equal(select(2, ch:send(4, 0)), "timeout")
    for i = 1, 3 do test.equal(ch:receive(0), i) end
    test.equal(select(2, ch:receive(0)), "timeout")
  end,

  ["values keep their order around the ring and past waiting senders"] = function()
    local ch, got = task.channel(4), {}
    task.nursery(function(n)
      n:spawn(function()
        for i = 1, 50 do ch:send(i) if i % 7 == 0 then task.yield() end end
        ch:close()
      end)
      for v in ch do
        got[#got + 1] = v
        if v % 5 == 0 then task.yield() end
      end
    end)
    test.equal(#got, 50)
    for i = 1, 50 do test.equal(got[i], i) end
  end,

  ["a channel without a bound never makes a sender wait"] = function()
    local ch = task.channel(math.huge)
    for i = 1, 1000 do assert(ch:send(i, 0)) end
    for i = 1, 1000 do test.equal(ch:receive(0), i) end
  end,

  ["false passes, nil is refused"] = function()
    local ch = task.channel(1)
    ch:send(false)
    test.equal(ch:receive(), false)
    test.raises("other than nil", ch.send, ch, nil)
    test.raises("other than nil", ch.send, ch)
  end,

  ["after close the rest can be received, then closed"] = function()
    local ch = task.channel(2)
    ch:send(1)
    ch:close()
    ch:close()
    test.equal(ch:receive(), 1)
    test.equal(select(2, ch:receive()), "closed")
    test.equal(select(2, ch:send(2)), "closed")
  end,

  ["close wakes who waits to send and to receive"] = function()
    local full, empty = task.channel(), task.channel()
    local a = task.spawn(function() return full:send(1) end)
    local b = task.spawn(function() return empty:receive() end)
    task.yield()
    full:close()
    empty:close()
    test.equal(select(3, a:join()), "closed")
    test.equal(select(3, b:join()), "closed")
  end,

  ["a receiver that was cancelled takes no value"] = function()
    local ch = task.channel()
    local t = task.spawn(function() return ch:receive() end)
    task.yield()
    t:cancel()
    t:join()
    test.equal(select(2, ch:send(1, 0)), "timeout")
  end,

  ["a sender that timed out sends nothing"] = function()
    local ch = task.channel()
    test.equal(select(2, ch:send("late", 0.001)), "timeout")
    test.equal(select(2, ch:receive(0)), "timeout")
  end,

  ["receivers are served first come, first served"] = function()
    local ch, order = task.channel(), {}
    for i = 1, 4 do
      task.spawn(function() order[i] = ch:receive() end)
    end
    task.yield()
    for i = 1, 4 do ch:send(i) end
    task.yield()
    test.equal(table.concat(order), "1234")
  end,

  ["a channel has a capacity that is a number of values"] = function()
    test.raises("negative", task.channel, -1)
    test.raises("integer", task.channel, 1.5)
    test.raises("negative", task.channel, 0 / 0)
  end,

  ["a pending value survives collection"] = function()
    local ch = task.channel(2)
    ch:send({ "kept" })
    collectgarbage()
    test.equal(ch:receive()[1], "kept")
  end,

  ["select takes the case that is ready"] = function()
    local a, b = task.channel(1), task.channel(1)
    b:send("b")
    local i, v = task.select { { a }, { b } }
    test.equal(i, 2)
    test.equal(v, "b")
    i, v = task.select { { a, send = "to a" }, { b } }
    test.equal(i, 1)
    test.equal(v, true)
    test.equal(a:receive(), "to a")
  end,

  ["select waits for the first case, and only that one happens"] = function()
    local a, b = task.channel(), task.channel()
    task.spawn(function() task.sleep(0.001) a:send("a") end)
    local late = task.spawn(function() task.sleep(0.003) return b:send("b", 0) end)
    local i, v = task.select { { a }, { b } }
    test.equal(i, 1)
    test.equal(v, "a")
    test.equal(select(3, late:join()), "timeout")
  end,

  ["two selects find each other"] = function()
    local a, b = task.channel(), task.channel()
    local t = task.spawn(function()
      return task.select { { a, send = "x" }, { b } }
    end)
    task.yield()
    local i, v = task.select { { b, send = "y" }, { a } }
    local _, j, w = t:join()
    assert((i == 2 and v == "x" and j == 1) or (i == 1 and j == 2 and w == "y"))
  end,

  ["select answers timeout, default and closed"] = function()
    local ch = task.channel()
    test.equal(select(2, task.select { { ch }, timeout = 0.001 }), "timeout")
    test.equal(select(2, task.select { { ch }, default = true }), "default")
    test.equal(select(2, task.select { timeout = 0 }), "timeout")
    ch:close()
    local i, v, err = task.select { { ch } }
    test.equal(i, 1)
    test.equal(v, nil)
    test.equal(err, "closed")
    i, v, err = task.select { { ch, send = 1 } }
    test.equal(err, "closed")
  end,

  ["select sends false"] = function()
    local ch = task.channel(1)
    test.equal(task.select { { ch, send = false } }, 1)
    test.equal(ch:receive(), false)
  end,

  ["no case starves the others"] = function()
    local a, b, from = task.channel(math.huge), task.channel(math.huge), { 0, 0 }
    for i = 1, 100 do a:send(i) b:send(i) end
    for _ = 1, 100 do
      local i = task.select { { a }, { b } }
      from[i] = from[i] + 1
    end
    assert(from[1] > 10 and from[2] > 10, from[1] .. ":" .. from[2])
  end,

  ["a cancelled select leaves nothing behind"] = function()
    local chs = {}
    for i = 1, 10 do chs[i] = { task.channel() } end
    local t = task.spawn(task.select, chs)
    task.yield()
    t:cancel()
    test.equal(select(2, t:join()), task.cancelled)
    for i = 1, 10 do
      test.equal(select(2, chs[i][1]:send(i, 0)), "timeout")
    end
  end,

  ["select says which case is wrong"] = function()
    test.raises("case 1 must be a table", task.select, { 5 })
    test.raises("case 1 has no channel", task.select, { { 5 } })
    test.raises("no case and no timeout", task.select, {})
    test.raises("timeout must be a number", task.select, { timeout = "x" })
  end,

  ["a mutex lets one in at a time, in order"] = function()
    local m, inside, order = task.mutex(), 0, {}
    task.nursery(function(n)
      for i = 1, 5 do
        n:spawn(function()
          local _ <close> = m:lock()
          inside = inside + 1
          test.equal(inside, 1)
          task.sleep(0.0005)
          order[#order + 1] = i
          inside = inside - 1
        end)
      end
    end)
    test.equal(table.concat(order), "12345")
  end,

  ["a mutex is unlocked when its block fails"] = function()
    local m = task.mutex()
    pcall(function()
      local _ <close> = m:lock()
      error "out"
    end)
    assert(m:lock(0))
    m:unlock()
  end,

  ["lock answers timeout, and the queue forgets who gave up"] = function()
    local m = task.mutex()
    m:lock()
    local t = task.spawn(function() return m:lock(0.001) end)
    test.equal(select(3, t:join()), "timeout")
    local c = task.spawn(function() m:lock() end)
    task.yield()
    c:cancel()
    c:join()
    m:unlock()
    assert(m:lock(0))
    m:unlock()
  end,

  ["a mutex knows its owner"] = function()
    local m = task.mutex()
    test.raises("not locked by this task", m.unlock, m)
    m:lock()
    test.raises("already", m.lock, m)
    local ok, err = task.spawn(m.unlock, m):join()
    assert(not ok and err:find("not locked by this task"))
    m:unlock()
  end,
}
