-- SPDX-License-Identifier: MIT
-- events.lua: server-sent events, as a browser would read them.
local events = require "lunik.http.events"
local fake = require "web.fake"
local task = require "lunik.task"
local test = require "lunik.test"

-- What a browser makes of the text: { { event, data, id }, … }, comments left
-- out; as the HTML standard reads the stream.
local function parse(text)
  local list, one = {}, { data = {} }
  for line in text:gmatch "([^\n]*)\n" do
    local name, value = line:match "^([^:]*):? ?(.*)$"
    if line == "" then
      if #one.data > 0 then
        list[#list + 1] = { event = one.event or "message", data = table.concat(one.data, "\n"), id = one.id }
      end
      one = { data = {} }
    elseif name == "data" then
      one.data[#one.data + 1] = value
    elseif name ~= "" then
      one[name] = value
    end
  end
  return list
end

local function start(options)
  local res = fake.response()
  return events.start(res, options or { keep_alive = false }), res
end

return {
  ["the answer begins at once, and is of its type"] = function()
    local _, res = start { keep_alive = false, headers = { ["X-A"] = "b" } }
    test.equal(res.code, 200)
    test.equal(res.headers["Content-Type"], "text/event-stream; charset=utf-8")
    test.equal(res.headers["Cache-Control"], "no-cache, no-transform")
    test.equal(res.headers["X-A"], "b")
    test.equal(res:text(), ":\n\n")
  end,

  ["events arrive as they were sent"] = function()
    local e, res = start()
    assert(e:send { event = "price", data = "17", id = 4 })
    assert(e:send "plain")
    assert(e:send { data = "one\ntwo\r\nthree\rfour\n" })
    assert(e:send { data = "" })
    local list = parse(res:text())
    test.equal(#list, 4)
    test.equal(list[1].event, "price")
    test.equal(list[1].data, "17")
    test.equal(list[1].id, "4")
    test.equal(list[2].event, "message")
    test.equal(list[2].data, "plain")
    test.equal(list[3].data, "one\ntwo\nthree\nfour\n")
    test.equal(list[4].data, "")
  end,

  ["no data can make another event"] = function()
    local e, res = start()
    e:send { data = "x\n\nevent: evil\ndata: y" }
    e:comment "a\n\ndata: evil\n\n"
    local list = parse(res:text())
    test.equal(#list, 1)
    test.equal(list[1].event, "message")
    test.equal(list[1].data, "x\n\nevent: evil\ndata: y")
    for _, bad in ipairs { { event = "a\nb" }, { event = "a\rb" }, { id = "a\nb" }, { id = "a\0b" } } do
      test.raises("one line", e.send, e, bad)
    end
  end,

  ["retry is in milliseconds"] = function()
    local e, res = start()
    e:send { retry = 2.5 }
    assert(res:text():find("retry: 2500\n\n", 1, true))
    test.raises("retry", e.send, e, { retry = -1 })
    test.raises("retry", e.send, e, { retry = 0 / 0 })
    test.raises("retry", e.send, e, { retry = "5" })
  end,

  ["a client that is gone is told to the sender"] = function()
    local e, res = start()
    test.equal(e:is_open(), true)
    res.room = 1
    assert(e:send "x")
    local ok, err = e:send "y"
    test.equal(ok, nil)
    test.equal(err, "closed")
    test.equal(e:is_open(), false)
    test.equal(select(2, e:comment "z"), "closed")
  end,

  ["signs of life are sent only in silence, and end with the client"] = function()
    local e, res = start { keep_alive = 0.01 }
    for i = 1, 5 do
      e:send(tostring(i))
      task.sleep(0.004)
    end
    local before = select(2, res:text():gsub("\n:\n", ""))
    task.sleep(0.05)
    local after = select(2, res:text():gsub("\n:\n", ""))
    assert(before <= 2 and after >= 2, before .. " then " .. after)
    res.room = 0
    task.sleep(0.03)
    test.equal(e:is_open(), false)
    test.raises("keep_alive", events.start, fake.response(), { keep_alive = 0 })
    test.raises("keep_alive", events.start, fake.response(), { keep_alive = "x" })
  end,

  ["a handler that ends without closing its stream ends no more than that"] = function()
    local _, res = start { keep_alive = 0.01 }
    local calls = 0
    function res.write()
      calls = calls + 1
      error "the request is over"
    end
    task.sleep(0.05)
    test.equal(calls, 1)
  end,

  ["a closed stream sends nothing more"] = function()
    local e, res = start { keep_alive = 0.005 }
    e:close()
    local text = res:text()
    task.sleep(0.02)
    test.equal(res:text(), text)
    test.equal(select(2, e:send "x"), "closed")
    do
      local f <close> = events.start(res, { keep_alive = 1 })
      e = f
    end
    test.equal(e:is_open(), false)
  end,
}
