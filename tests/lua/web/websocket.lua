-- SPDX-License-Identifier: MIT
-- websocket.lua: handshakes, messages and ends of a WebSocket, both sides.
local fake = require "web.fake"
local frames = require "lunik.http.frames"
local task = require "lunik.task"
local test = require "lunik.test"
local websocket = require "lunik.http.websocket"

local KEY = "dGhlIHNhbXBsZSBub25jZQ=="

local function request(changes, method)
  local headers = {
    Host = "chat.example", Upgrade = "websocket", Connection = "keep-alive, Upgrade",
    ["Sec-WebSocket-Version"] = "13", ["Sec-WebSocket-Key"] = KEY,
  }
  for name, value in pairs(changes or {}) do headers[name] = value or nil end
  return fake.request(method or "GET", "/chat", headers)
end

-- Upgrades a request: the WebSocket or nil, the response, the client's stream.
local function upgrade(changes, options, step)
  local res = fake.response()
  local there, here = fake.pipe(step)
  res.stream = there
  local ws, why = websocket.upgrade(request(changes), res, options)
  return ws, res, here, why
end

-- A client and a server that talk to each other, without a network.
local function pair(server_options, client_options, step)
  local here, there = fake.pipe(step)
  local server
  local answering = task.spawn(function()
    local head = there:read_until("\r\n\r\n", 4096)
    local headers = {}
    for name, value in head:gmatch "([%w-]+): ([^\r]*)\r\n" do headers[name] = value end
    local req = fake.request("GET", "/chat", headers)
    local res = fake.response()
    res.stream = there
    function res.upgrade(self, protocol, out)
      local lines = { "HTTP/1.1 101 Switching Protocols", "Upgrade: " .. protocol, "Connection: Upgrade" }
      for name, value in pairs(out) do lines[#lines + 1] = name .. ": " .. value end
      there:write(table.concat(lines, "\r\n") .. "\r\n\r\n")
      return self.stream
    end
    server = websocket.upgrade(req, res, server_options)
  end)
  local options = client_options or {}
  options.connect = function() return here end
  local client = assert(websocket.connect("ws://chat.example/chat", options))
  assert(answering:join(1))
  return client, server, here, there
end

-- What the client's stream gets, as frames in one text.
local function seen(stream, seconds)
  local reader, list = frames.reader(false, 1 << 20), {}
  while true do
    local data, err = stream:read(65536, seconds or 0.01)
    if not data then
      list[#list + 1] = err
      return table.concat(list, " ")
    end
    local kind, payload, code = reader:next(data)
    while kind do
      list[#list + 1] = kind .. ":" .. payload .. (code and ":" .. code or "")
      if kind == "close" or kind == "error" then break end
      kind, payload, code = reader:next()
    end
  end
end

local function send(stream, kind, payload, final) stream:write(frames.encode(kind, payload, true, final)) end

return {
  ["a request becomes a WebSocket"] = function()
    local ws, res = upgrade()
    assert(ws)
    test.equal(res.code, 101)
    test.equal(res.protocol, "websocket")
    test.equal(res.headers["Sec-WebSocket-Accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    test.equal(res.headers["Sec-WebSocket-Protocol"], nil)
    test.equal(res.headers["Sec-WebSocket-Extensions"], nil)
    test.equal(ws:is_open(), true)
  end,

  ["requests that are none are answered, and why"] = function()
    for _, case in ipairs {
      { { Upgrade = false }, 426 }, { { Upgrade = "h2c" }, 426 }, { { Connection = false }, 426 },
      { { Connection = "close" }, 426 }, { { ["Sec-WebSocket-Version"] = "8" }, 426, "13" },
      { { ["Sec-WebSocket-Version"] = false }, 426, "13" }, { { ["Sec-WebSocket-Version"] = "13, 8" }, 426, "13" },
      { { ["Sec-WebSocket-Key"] = false }, 400 }, { { ["Sec-WebSocket-Key"] = "short" }, 400 },
      { { ["Sec-WebSocket-Key"] = KEY .. ", " .. KEY }, 400 },
      { { ["Sec-WebSocket-Protocol"] = "a b" }, 400 }, { { ["Sec-WebSocket-Protocol"] = "a,,b" }, nil },
      { { Origin = "http://evil.example" }, 403 }, { { Origin = "null" }, 403 },
      { { Origin = "http://chat.example.evil.example" }, 403 }, { { Origin = "http://chat.example:81" }, 403 },
    } do
      local ws, res, _, why = upgrade(case[1])
      if case[2] then
        test.equal(ws, nil)
        test.equal(res.code, case[2], why)
        test.equal(res.headers["Sec-WebSocket-Version"], case[3])
        assert(#why > 5)
      else
        assert(ws)
      end
    end
    local res = fake.response()
    test.equal(websocket.upgrade(request(nil, "POST"), res), nil)
    test.equal(res.code, 400)
    local old = request()
    old.version = "1.0"
    test.equal(websocket.upgrade(old, res), nil)
  end,

  ["words of the handshake are told in any case"] = function()
    assert(upgrade { Upgrade = "WebSocket", Connection = "UPGRADE" })
    assert(upgrade { Upgrade = "h2c, websocket", Connection = "a,upgrade ,b" })
  end,

  ["who may connect from a page is the program's to say"] = function()
    assert(upgrade { Origin = "http://chat.example" })
    assert(upgrade { Origin = "https://CHAT.example" })
    assert(upgrade({ Origin = "https://evil.example" }, { origins = "*" }))
    assert(upgrade({ Origin = "https://a.example" }, { origins = { "https://b.example", "https://a.example" } }))
    test.equal(upgrade({ Origin = "https://c.example" }, { origins = { "https://a.example" } }), nil)
    assert(upgrade({ Origin = "x" }, { origins = function(origin, req) return origin == "x" and req.path == "/chat" end }))
    test.equal(upgrade({ Origin = "y" }, { origins = function() return nil end }), nil)
  end,

  ["the first of our protocols that is offered is taken"] = function()
    local ws, res = upgrade({ ["Sec-WebSocket-Protocol"] = "a, b,c" }, { protocols = { "x", "c", "b" } })
    test.equal(ws.protocol, "c")
    test.equal(res.headers["Sec-WebSocket-Protocol"], "c")
    ws, res = upgrade({ ["Sec-WebSocket-Protocol"] = "a" }, { protocols = { "x" } })
    test.equal(ws.protocol, nil)
    test.equal(res.headers["Sec-WebSocket-Protocol"], nil)
  end,

  ["messages go both ways"] = function()
    local client, server = pair()
    client:send "hello"
    local data, kind = server:receive(1)
    test.equal(data, "hello")
    test.equal(kind, "text")
    server:send("\xff\0", "binary")
    data, kind = client:receive(1)
    test.equal(data, "\xff\0")
    test.equal(kind, "binary")
    client:send ""
    test.equal(server:receive(1), "")
  end,

  ["long messages go both ways in small reads"] = function()
    local client, server = pair(nil, nil, 1000)
    for _, size in ipairs { 125, 126, 65535, 65536, 200000 } do
      local data = ("x"):rep(size)
      client:send(data, "binary")
      assert(server:receive(1) == data)
      server:send(data)
      assert(client:receive(1) == data)
    end
  end,

  ["a client's frames are masked, a server's are not"] = function()
    local client, server, here, there = pair()
    client:send "secret"
    test.equal(there.inbox:receive(1):sub(3):find("secret", 1, true), nil)
    server:send "open"
    test.equal(here.inbox:receive(1), "\x81\x04open")
  end,

  ["pings are answered while receiving"] = function()
    local ws, _, client = upgrade()
    send(client, "ping", "are you there?")
    send(client, "text", "x")
    test.equal(ws:receive(1), "x")
    test.equal(seen(client), "pong:are you there? timeout")
  end,

  ["a receive times out and loses nothing"] = function()
    local ws, _, client = upgrade()
    local data = frames.encode("text", "hello", true)
    client:write(data:sub(1, 4))
    test.equal(select(2, ws:receive(0.005)), "timeout")
    client:write(data:sub(5))
    test.equal(ws:receive(1), "hello")
  end,

  ["a close is answered with its code, and ends it"] = function()
    local ws, _, client = upgrade()
    send(client, "close", frames.close(3001, "enough"))
    local data, err, code, reason = ws:receive(1)
    test.equal(data, nil)
    test.equal(err, "closed")
    test.equal(code, 3001)
    test.equal(reason, "enough")
    test.equal(seen(client), "close::3001 closed")
    test.equal(ws:is_open(), false)
    test.equal(select(3, ws:receive(1)), 3001)
    test.equal(select(2, ws:send "x"), "closed")
    test.equal(select(2, ws:post "x"), "closed")
    test.equal(select(2, ws:ping()), "closed")
    ws:close()
  end,

  ["a close without a code is answered without one"] = function()
    local ws, _, client = upgrade()
    send(client, "close", "")
    test.equal(select(3, ws:receive(1)), 1005)
    test.equal(seen(client), "close::1005 closed")
  end,

  ["our close waits for the other side's"] = function()
    local client, server = pair()
    local other = task.spawn(function() return client:receive(1) end)
    client:send "late"
    server:close(4000, "bye")
    local _, data, err, code, reason = other:join(1)
    test.equal(data, nil)
    test.equal(err, "closed")
    test.equal(code, 4000)
    test.equal(reason, "bye")
    test.equal(server.code, 4000)
    test.equal(client.stream.is_closed, true)
    test.equal(server.stream.is_closed, true)
  end,

  ["a task that receives hears of a close by another"] = function()
    local client, server = pair()
    local receiving = task.spawn(function() return server:receive() end)
    task.yield()
    server:close(1001, "going")
    test.equal(select(3, client:receive(1)), 1001)
    local _, data, err, code = receiving:join(1)
    test.equal(data, nil)
    test.equal(err, "closed")
    test.equal(code, 1001)
  end,

  ["a stream that ends without a close is 1006"] = function()
    local ws, _, client = upgrade()
    send(client, "text", "half", false)
    client:close()
    local _, err, code = ws:receive(1)
    test.equal(err, "closed")
    test.equal(code, 1006)
  end,

  ["a fault is told with its code, and ends it"] = function()
    for _, case in ipairs {
      { "\x81\x01x", 1002, "not masked" }, { "\xc1\x80abcd", 1002, "reserved bit" },
      { frames.encode("text", "\xff", true), 1007, "UTF%-8" },
      { frames.encode("binary", ("x"):rep(101), true), 1009, "too long" },
    } do
      local ws, _, client = upgrade(nil, { max = 100 })
      local ended = task.spawn(function() return ws:receive(1) end)
      client:write(case[1])
      client:write(("y"):rep(1000)) -- is read and thrown away
      local text = seen(client, 0.05)
      assert(text:find("^close:.*" .. case[3] .. ".*:" .. case[2]), text)
      client:close()
      local _, data, err, code, reason = ended:join(3)
      test.equal(data, nil)
      test.equal(err, "closed")
      test.equal(code, case[2])
      assert(reason:find(case[3]))
    end
  end,

  ["a client that is silent is asked, and given up"] = function()
    local ws, _, client = upgrade(nil, { ping = 0.01 })
    local ended = task.spawn(function() return ws:receive() end)
    test.equal(seen(client, 0.3), "ping: ping: closed")
    local _, _, err, code, reason = ended:join(1)
    test.equal(err, "closed")
    test.equal(code, 1006)
    test.equal(reason, "no answer to a ping")
  end,

  ["a client that answers pings is kept"] = function()
    local client, server = pair({ ping = 0.005 })
    local answering = task.spawn(function() return client:receive() end)
    test.equal(select(2, server:receive(0.08)), "timeout")
    test.equal(server:is_open(), true)
    server:close()
    answering:join(1)
  end,

  ["one task at a time may receive"] = function()
    local ws = upgrade()
    local first = task.spawn(function() return ws:receive(0.02) end)
    task.yield()
    test.raises("another task is receiving", ws.receive, ws, 0)
    first:join()
    test.equal(select(2, ws:receive(0)), "timeout")
  end,

  ["frames of many tasks do not mix"] = function()
    local client, server = pair(nil, nil, 7)
    task.nursery(function(n)
      for i = 1, 20 do n:spawn(function() server:send(("%d"):format(i):rep(50)) end) end
      for _ = 1, 20 do
        local text = client:receive(1)
        assert(text == text:sub(1, #text // 50):rep(50), text)
      end
    end)
  end,

  ["posted messages go out in order and do not wait"] = function()
    local client, server = pair()
    for i = 1, 100 do assert(server:post(tostring(i))) end
    for i = 1, 100 do test.equal(client:receive(1), tostring(i)) end
    test.equal(server.queued, 0)
  end,

  ["posting to a client that does not read is refused once the queue is full"] = function()
    local ws, _, _ = upgrade(nil, { queue = 1000 })
    ws.stream.gate = task.channel()
    local count = 0
    while ws:post(("x"):rep(100)) do count = count + 1 end
    test.equal(count, 10)
    task.sleep(0.001)
    test.equal(select(2, ws:post(("x"):rep(100))), "full")
    test.equal(ws:post "", true)
    ws.stream:close()
    task.sleep(0.001)
    test.equal(select(2, ws:post "x"), "closed")
    test.equal(ws.queued, 0)
  end,

  ["a client that does not read holds up its own sender only"] = function()
    local ws = upgrade()
    ws.stream.gate = task.channel()
    local sending = task.spawn(function() return ws:send "x" end)
    test.equal(select(2, sending:join(0.005)), "timeout")
    ws.stream:close()
    local _, ok, err = sending:join(1)
    test.equal(ok, nil)
    test.equal(err, "closed")
  end,

  ["messages iterates until the end"] = function()
    local client, server = pair()
    for i = 1, 3 do client:send(tostring(i)) end
    local closing = task.spawn(function() client:close() end)
    local list = {}
    for data, kind in server:messages() do list[#list + 1] = data .. kind:sub(1, 1) end
    test.equal(table.concat(list, " "), "1t 2t 3t")
    closing:join(1)
  end,

  ["a block closes it with 1001"] = function()
    local client, server = pair()
    do
      local held <close> = server
      held:send "x"
    end
    test.equal(client:receive(1), "x")
    test.equal(select(3, client:receive(1)), 1001)
  end,

  ["what cannot be sent raises"] = function()
    local ws = upgrade()
    test.raises("must be a string", ws.send, ws, 5)
    test.raises("must be UTF%-8", ws.send, ws, "\xff")
    test.raises("\"text\" or \"binary\"", ws.send, ws, "x", "json")
    test.raises("not a code", ws.close, ws, 1005)
    test.equal(ws:is_open(), true)
    test.raises("max", websocket.upgrade, request(), fake.response(), { max = 0 })
    test.raises("protocol", websocket.upgrade, request(), fake.response(), { protocols = { "a b" } })
  end,

  ["a client says what it must, and no more"] = function()
    local here, there = fake.pipe()
    local text
    task.spawn(function()
      text = there:read_until("\r\n\r\n", 4096)
      there:close()
    end)
    local ws, err = websocket.connect("ws://[::1]:8080/a?b=c#d", {
      connect = function(host, port)
        test.equal(host, "::1")
        test.equal(port, 8080)
        return here
      end,
      protocols = { "a", "b" }, origin = "http://x", headers = { Cookie = "c=1" },
    })
    test.equal(ws, nil)
    test.equal(err, "closed")
    assert(text:find("^GET /a%?b=c HTTP/1%.1\r\nHost: %[::1%]:8080\r\n"))
    for _, line in ipairs { "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Protocol: a, b", "Origin: http://x", "Cookie: c=1" } do
      assert(text:find("\r\n" .. line .. "\r\n", 1, true), line)
    end
  end,

  ["a client takes no wrong answer"] = function()
    local good = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
    for _, case in ipairs {
      { "HTTP/1.1 200 OK\r\n\r\n", "answered with 200" }, { "HTTP/1.0 101 x\r\n\r\n", "malformed" },
      { "nonsense\r\n\r\n", "malformed" }, { "HTTP/1.1 101 x\r\n\r\n", "did not upgrade" },
      { "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "proof is wrong" },
      { good:format("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") .. "\r\n", "proof is wrong" },
      { good .. "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "an extension" },
      { good .. "Sec-WebSocket-Protocol: z\r\n\r\n", "not offered" },
      { good .. "bad header\r\n\r\n", "malformed" },
      { ("x"):rep(20000), "too long" },
    } do
      local here, there = fake.pipe()
      task.spawn(function()
        local key = there:read_until("\r\n\r\n", 4096):match "Sec%-WebSocket%-Key: (%S+)"
        there:write((case[1]:gsub("%%s", (frames.accept(key):gsub("%%", "%%%%")))))
      end)
      local ws, err = websocket.connect("ws://x/", { connect = function() return here end, timeout = 1 })
      test.equal(ws, nil)
      assert(err:find(case[2], 1, true), err .. " for " .. case[1]:sub(1, 60))
      test.equal(here.is_closed, true)
    end
  end,

  ["a client gives up in time"] = function()
    local here = fake.pipe()
    local began = task.now()
    local ws, err = websocket.connect("ws://x/", { connect = function() return here end, timeout = 0.02 })
    test.equal(ws, nil)
    test.equal(err, "timeout")
    assert(task.now() - began < 1)
    ws, err = websocket.connect("ws://x/", { connect = function() return nil, "connection refused" end })
    test.equal(ws, nil)
    test.equal(err, "connection refused")
  end,

  ["addresses that are none raise"] = function()
    for _, url in ipairs { "", "http://x/", "ws://", "ws:///x", "ws://a:b@x/", "ws://x:0/", "ws://x:65536/",
      "ws://x:y/", "ws://x/ y", "ws://x/\r\nHost: y", "x" } do
      test.raises("no address", websocket.connect, url)
    end
    test.raises("wss", websocket.connect, "wss://x/")
    test.raises("one line", websocket.connect, "ws://x/", { connect = print, headers = { A = "b\r\nC: d" } })
  end,

  ["a WebSocket that nobody holds closes its stream"] = function()
    local ws = upgrade()
    local stream = ws.stream
    ws = nil
    collectgarbage()
    collectgarbage()
    test.equal(stream.is_closed, true)
  end,
}
