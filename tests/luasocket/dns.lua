-- SPDX-License-Identifier: MIT
-- dns.lua: names, where the name server that the image was given answers nothing.
local http = require "socket.http"
local socket = require "socket"
local task = require "lunik.task"
local test = require "lunik.test"

return {
  ["a name server that drops everything delays only the task that asked"] = function()
    local server = assert(socket.bind("127.0.0.1", 0))
    local _, port = server:getsockname()
    local asked = {}
    for i, ask in ipairs {
      function() return socket.dns.toip "one.example.org" end,
      function() return socket.connect("two.example.org", 80) end,
      function() return http.request "http://three.example.org/" end,
    } do
      asked[i] = task.spawn(ask)
    end
    -- Meanwhile: 200 exchanges, each of them quick.
    local echo = task.spawn(function()
      while true do
        local connection = assert(server:accept())
        connection:send((connection:receive()) .. "\n")
        connection:close()
      end
    end)
    local began, longest = socket.gettime(), 0
    for i = 1, 200 do
      local before = socket.gettime()
      local client = assert(socket.connect("127.0.0.1", port))
      client:send(i .. "\n")
      test.equal(client:receive(), tostring(i))
      client:close()
      longest = math.max(longest, socket.gettime() - before)
    end
    assert(socket.gettime() - began < 10, "200 exchanges took too long")
    assert(longest < 1, "one exchange took " .. longest .. " s")
    for i, waiting in ipairs(asked) do test.equal(waiting:status(), "running", i) end
    -- They give up in the end, with an error.
    for _, waiting in ipairs(asked) do
      local done, result, why = waiting:join(60)
      test.equal(done, true)
      test.equal(result, nil)
      assert(type(why) == "string" or type(why) == "number", tostring(why))
    end
    echo:cancel()
    server:close()
  end,
  ["cancelling ends the wait for a name"] = function()
    local asking = task.spawn(function() return socket.dns.toip "four.example.org" end)
    task.sleep(0.05)
    test.equal(asking:status(), "running")
    asking:cancel()
    local ok, why = asking:join(1)
    test.equal(ok, false)
    test.equal(why, task.cancelled)
  end,
  ["a deadline ends the wait for a name"] = function()
    local ok, why = task.deadline(0.1, function() return socket.connect("five.example.org", 1) end)
    test.equal(ok, nil)
    test.equal(why, "timeout")
  end,
}
