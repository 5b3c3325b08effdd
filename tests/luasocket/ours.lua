-- SPDX-License-Identifier: MIT
-- ours.lua: LuaSocket among tasks: who waits, who does not, and how a wait ends.
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"
local task = require "lunik.task"
local test = require "lunik.test"
local url = require "socket.url"

local equal = test.equal

-- A listener on a port of its own, and that port.
local function listen(backlog)
  local server = assert(socket.bind("127.0.0.1", 0, backlog))
  local _, port = server:getsockname()
  return server, tonumber(port)
end

-- Runs fn(port) while a task calls serve(connection) for each that comes.
local function with_server(serve, fn, backlog)
  local server, port = listen(backlog)
  local answer
  task.nursery(function(nursery)
    local accepting = nursery:spawn(function()
      while true do
        local connection = assert(server:accept())
        nursery:spawn(function()
          serve(connection)
          connection:close()
        end)
      end
    end)
    answer = table.pack(pcall(fn, port))
    accepting:cancel()
  end)
  server:close()
  assert(answer[1], answer[2])
  return table.unpack(answer, 2, answer.n)
end

-- Answers one request with the path that it asked for.
local function echo_path(connection)
  local path = assert(connection:receive()):match "^%u+ (%S+)"
  repeat local line = connection:receive() until not line or line == ""
  local body = "you asked for " .. path
  connection:send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " .. #body
    .. "\r\n\r\n" .. body)
end

local function echo_lines(connection)
  while true do
    local line = connection:receive()
    if not line or not connection:send(line .. "\n") then return end
  end
end

local tests = {}

-- ---- Many at once ----

tests["200 blocking HTTP clients and a plain accept server finish"] = function()
  local done = 0
  with_server(echo_path, function(port)
    task.nursery(function(nursery)
      for i = 1, 200 do
        nursery:spawn(function()
          local body, code = http.request(("http://127.0.0.1:%d/client/%d"):format(port, i))
          equal(code, 200)
          equal(body, "you asked for /client/" .. i)
          done = done + 1
        end)
      end
    end)
  end, 200)
  equal(done, 200)
end

tests["a server that answers one after the other serves them all, too"] = function()
  local server, port = listen(64)
  local served, done = 0, 0
  task.nursery(function(nursery)
    nursery:spawn(function()
      for _ = 1, 50 do
        local connection = assert(server:accept())
        echo_path(connection)
        connection:close()
        served = served + 1
      end
    end)
    for i = 1, 50 do
      nursery:spawn(function()
        equal((http.request(("http://127.0.0.1:%d/%d"):format(port, i))), "you asked for /" .. i)
        done = done + 1
      end)
    end
  end)
  server:close()
  equal(served, 50)
  equal(done, 50)
end

-- ---- Waiting anywhere ----

-- Asks the echo server at (port) for (text) back: a call that waits.
local function ask(port, text)
  local connection = assert(socket.connect("127.0.0.1", port))
  assert(connection:send(text .. "\n"))
  local answer = assert(connection:receive())
  connection:close()
  return answer
end

tests["a call blocks inside coroutines, comparators, metamethods and iterators"] = function()
  with_server(echo_lines, function(port)
    local ticks = 0
    local clock = task.spawn(function()
      while true do task.sleep(0) ticks = ticks + 1 end
    end)
    equal(coroutine.wrap(function()
      coroutine.yield(ask(port, "in a coroutine"))
    end)(), "in a coroutine")
    local list = { "c", "a", "d", "b" }
    table.sort(list, function(a, b) return ask(port, a) < ask(port, b) end)
    equal(table.concat(list), "abcd")
    local lazy = setmetatable({}, {
      __index = function(_, key) return ask(port, key) end,
      __add = function(_, other) return ask(port, "plus " .. other) end,
      __concat = function(_, other) return ask(port, "with " .. other) end,
      __close = function() ask(port, "closing") end,
    })
    equal(lazy.name, "name")
    equal(lazy + 1, "plus 1")
    equal(lazy .. "x", "with x")
    do local _ <close> = lazy end
    equal(("a b"):gsub("%a", function(c) return ask(port, c .. c) end), "aa bb")
    local seen = {}
    for word in function() return #seen < 3 and ask(port, "w" .. #seen) or nil end do
      seen[#seen + 1] = word
    end
    equal(table.concat(seen, " "), "w0 w1 w2")
    equal(select(2, pcall(load, function()
      return nil, ask(port, "from a reader")
    end)) ~= nil, true)
    clock:cancel()
    assert(ticks > 10, "the other task ran " .. ticks .. " times")
  end)
end

tests["while one waits, the others run"] = function()
  local server = listen()
  local ran = 0
  local other = task.spawn(function()
    for _ = 1, 20 do task.sleep(0.005) ran = ran + 1 end
  end)
  server:settimeout(0.3)
  local connection, why = server:accept()
  equal(connection, nil)
  equal(why, "timeout")
  equal(ran, 20)
  other:join()
  server:close()
end

tests["who asks again and again without waiting lets the others run"] = function()
  with_server(function(connection)
    task.sleep(0.05)
    connection:send "late\n"
  end, function(port)
    local connection = assert(socket.connect("127.0.0.1", port))
    connection:settimeout(0)
    local line, why, rounds = nil, nil, 0
    repeat
      line, why = connection:receive()
      rounds = rounds + 1
    until line or why ~= "timeout"
    equal(line, "late")
    assert(rounds > 1)
    connection:close()
    -- The same by select.
    connection = assert(socket.connect("127.0.0.1", port))
    repeat
      local ready = socket.select({ connection }, nil, 0)
    until #ready > 0
    equal(connection:receive(), "late")
    connection:close()
  end)
end

-- ---- select ----

tests["select gives what is ready, by number and by socket"] = function()
  local server, port = listen()
  local idle = assert(socket.connect("127.0.0.1", port))
  local held = assert(server:accept())
  local busy = assert(socket.connect("127.0.0.1", port))
  local peer = assert(server:accept())
  peer:send "x"
  local r, w, why = socket.select({ idle, busy }, { idle, busy }, 5)
  equal(why, nil)
  if #r == 0 then r = socket.select({ idle, busy }, nil, 5) end
  equal(#r, 1)
  equal(r[1], busy)
  equal(r[busy], 1)
  equal(r[idle], nil)
  equal(#w, 2)
  equal(w[1], idle)
  equal(w[2], busy)
  equal(w[busy], 2)
  r, w, why = socket.select({ idle }, {}, 0)
  equal(#r + #w, 0)
  equal(why, "timeout")
  for _, s in ipairs { server, idle, held, busy, peer } do s:close() end
end

tests["select knows what a socket has read already"] = function()
  with_server(function(connection)
    connection:send "one\ntwo\n"
    connection:receive()
  end, function(port)
    local connection = assert(socket.connect("127.0.0.1", port))
    equal(connection:receive(), "one")
    task.sleep(0.05)
    -- "two" may be in LuaSocket's buffer, with nothing left in the socket.
    local r = socket.select({ connection }, nil, 5)
    equal(r[1], connection)
    equal(connection:receive(), "two")
    connection:close()
  end)
end

tests["select takes objects that have getfd and dirty"] = function()
  local server, port = listen()
  local client = assert(socket.connect("127.0.0.1", port))
  local asked = 0
  local object = { getfd = function() asked = asked + 1 return client:getfd() end }
  local _, w = socket.select(nil, { object }, 5)
  equal(w[1], object)
  assert(asked > 0)
  local dirty = { getfd = function() return client:getfd() end, dirty = function() return true end }
  local r = socket.select({ dirty, client }, nil, 5)
  equal(#r, 1)
  equal(r[1], dirty)
  -- Neither of these has a descriptor.
  r, w = socket.select({ {}, { getfd = function() return -1 end } }, nil, 0)
  equal(#r + #w, 0)
  client:close()
  r = socket.select({ client }, nil, 0)
  equal(#r, 0)
  server:close()
end

tests["select refuses what it cannot take"] = function()
  test.raises("table expected", socket.select, 1)
  test.raises("table expected", socket.select, nil, "x")
  test.raises("number expected", socket.select, nil, nil, {})
  test.raises("too large for set size", socket.select, { { getfd = function()
    return socket._SETSIZE
  end } }, nil, 0)
  test.raises("planned", socket.select, { { getfd = function() error "planned" end } }, nil, 0)
  local closed = socket.udp4()
  local fd = closed:getfd()
  closed:close()
  test.raises("select failed", socket.select, { { getfd = function() return fd end } }, nil, 0.1)
end

tests["select of many sockets finds the one"] = function()
  local server, port = listen(128)
  local clients, peers = {}, {}
  for i = 1, 100 do
    clients[i] = assert(socket.connect("127.0.0.1", port))
    peers[i] = assert(server:accept())
  end
  for _, i in ipairs { 1, 32, 33, 64, 65, 100 } do
    peers[i]:send "x"
    local r = socket.select(clients, nil, 5)
    equal(#r, 1)
    equal(r[1], clients[i])
    equal(r[clients[i]], 1)
    equal(clients[i]:receive(1), "x")
  end
  local _, w = socket.select(clients, clients, 5)
  equal(#w, 100)
  for i = 1, 100 do clients[i]:close() peers[i]:close() end
  server:close()
end

tests["a part of a millisecond is waited for, and math.huge for ever"] = function()
  local began = socket.gettime()
  for _ = 1, 5 do equal(select(3, socket.select(nil, nil, 0.0001)), "timeout") end
  assert(socket.gettime() - began >= 0.0005)
  local waiting = task.spawn(socket.select, nil, nil, math.huge)
  task.sleep(0.01)
  equal(waiting:status(), "running")
  waiting:cancel()
  waiting:join()
end

tests["a finalizer may close a socket, and not wait"] = function()
  local server = listen()
  local why, closed
  do
    setmetatable({}, { __gc = function()
      why = select(2, pcall(server.accept, server))
      closed = server:close()
    end })
  end
  collectgarbage()
  collectgarbage()
  assert(tostring(why):find "inside a finalizer", why)
  equal(closed, 1)
end

-- ---- How a wait ends ----

tests["cancelling ends every kind of wait"] = function()
  local server, port = listen()
  local client = assert(socket.connect("127.0.0.1", port))
  local udp = assert(socket.udp4())
  udp:setsockname("127.0.0.1", 0)
  for name, wait in pairs {
    accept = function() while true do server:accept() end end,
    receive = function() return client:receive() end,
    receivefrom = function() return udp:receivefrom() end,
    select = function() return socket.select { client } end,
    sleep = function() return socket.sleep(60) end,
    protected = function()
      return socket.protect(function() return socket.try(client:receive()) end)()
    end,
    http = function() return http.request("http://127.0.0.1:" .. port .. "/") end,
  } do
    local waiting = task.spawn(wait)
    task.sleep(0.01)
    equal(waiting:status(), "running", name)
    waiting:cancel()
    local ok, why = waiting:join(1)
    equal(ok, false, name)
    equal(why, task.cancelled, name)
  end
  client:close()
  server:close()
  udp:close()
end

tests["a deadline around a call ends it, at whatever depth"] = function()
  local server = listen()
  local began = socket.gettime()
  local ok, why = task.deadline(0.05, function()
    return coroutine.wrap(function() return server:accept() end)()
  end)
  equal(ok, nil)
  equal(why, "timeout")
  assert(socket.gettime() - began < 2)
  -- What the call itself gives up on is not the scope's end.
  server:settimeout(0.01)
  equal(task.deadline(10, function() return select(2, server:accept()) end), "timeout")
  server:close()
end

tests["a cancelled task may still close what it has"] = function()
  local server = listen()
  local closed
  local waiting = task.spawn(function()
    local ok = pcall(server.accept, server)
    assert(not ok)
    assert(not pcall(server.accept, server))
    closed = server:close()
  end)
  task.yield()
  waiting:cancel()
  waiting:join()
  equal(closed, 1)
end

tests["a connection that was accepted is not lost to a late cancel"] = function()
  local server, port = listen()
  local got
  local waiting
  waiting = task.spawn(function()
    got = server:accept()
    waiting:cancel()
    local again = socket.tcp4() -- nothing that waits
    again:close()
    return "ended"
  end)
  local client = assert(socket.connect("127.0.0.1", port))
  local ok, why = waiting:join()
  equal(ok, true)
  equal(why, "ended")
  assert(got)
  client:close()
  got:close()
  server:close()
end

-- ---- Data ----

tests["a megabyte goes both ways at once"] = function()
  local text = ("0123456789abcdef"):rep(65536)
  with_server(function(connection)
    local got = assert(connection:receive(#text))
    assert(connection:send(got:reverse()))
  end, function(port)
    local connection = assert(socket.connect("127.0.0.1", port))
    equal(connection:send(text), #text)
    equal(connection:receive "*a", text:reverse())
    connection:close()
  end)
end

tests["a slow reader holds back the writer alone"] = function()
  with_server(function(connection)
    assert(connection:send(("x"):rep(4 << 20)))
  end, function(port)
    local connection = assert(socket.connect("127.0.0.1", port))
    task.sleep(0.05)
    local total = 0
    while true do
      local data, why, rest = connection:receive(100000)
      total = total + #(data or rest)
      if why then equal(why, "closed") break end
    end
    equal(total, 4 << 20)
    connection:close()
  end)
end

tests["ltn12 pumps from socket to socket"] = function()
  with_server(function(connection)
    ltn12.pump.all(ltn12.source.cat(ltn12.source.string "one ", ltn12.source.string "two"),
      socket.sink("close-when-done", connection))
  end, function(port)
    local connection = assert(socket.connect("127.0.0.1", port))
    local parts = {}
    ltn12.pump.all(socket.source("until-closed", connection), (ltn12.sink.table(parts)))
    equal(table.concat(parts), "one two")
  end)
end

tests["datagrams keep their bounds"] = function()
  local a, b = assert(socket.udp4()), assert(socket.udp4())
  a:setsockname("127.0.0.1", 0)
  b:setsockname("127.0.0.1", 0)
  local _, port = a:getsockname()
  for size = 0, 1200, 100 do b:sendto(("d"):rep(size), "127.0.0.1", tonumber(port)) end
  for size = 0, 1200, 100 do equal(#assert(a:receive()), size) end
  a:settimeout(0)
  equal(select(2, a:receive()), "timeout")
  a:close()
  b:close()
end

-- ---- Errors and names ----

tests["errors have LuaSocket's words"] = function()
  local server, port = listen()
  equal(select(2, socket.bind("127.0.0.1", port)), "address already in use")
  server:close()
  equal(select(2, socket.connect("127.0.0.1", port)), "connection refused")
  equal(select(2, server:accept()), "closed")
  with_server(echo_lines, function(at)
    local connection = assert(socket.connect("127.0.0.1", at))
    connection:close()
    equal(select(2, connection:receive()), "closed")
    equal(select(2, connection:send "x"), "closed")
  end)
end

tests["names of this machine are known"] = function()
  equal((socket.dns.toip "127.0.0.1"), "127.0.0.1")
  equal((socket.dns.toip "localhost"), "127.0.0.1")
  equal((socket.dns.tohostname "127.0.0.1"), "localhost")
  equal(#socket.dns.getaddrinfo "127.0.0.1", 1)
  assert(type(socket.dns.gethostname()) == "string")
  equal(socket.dns.toip "name.invalid", nil)
end

tests["options are what was set"] = function()
  local s = assert(socket.tcp4())
  for _, name in ipairs { "keepalive", "reuseaddr", "tcp-nodelay" } do
    assert(s:setoption(name, true))
    equal(s:getoption(name), true, name)
    assert(s:setoption(name, false))
    equal(s:getoption(name), false, name)
  end
  assert(s:setoption("linger", { on = true, timeout = 3 }))
  equal(s:getoption "linger".timeout, 3)
  s:close()
end

tests["an IPv6 listener is reached on ::1"] = function()
  local server = socket.tcp6()
  if not server or not server:bind("::1", 0) then test.skip "no IPv6 loopback here" end
  assert(server:listen())
  local _, port = server:getsockname()
  local client = assert(socket.tcp6())
  assert(client:connect("::1", port))
  equal(client:getpeername(), "::1")
  client:close()
  server:close()
end

tests["what a module is for, it does"] = function()
  equal(url.parse("http://a:80/b?c#d").query, "c")
  equal(require "mime".b64 "lunik", "bHVuaWs=")
  equal(require "mbox".split_message "A: b\n\nbody" ~= nil, true)
  assert(require "socket.headers".canonic["content-type"])
  for _, name in ipairs { "socket.ftp", "socket.smtp", "socket.tp" } do
    assert(type(require(name)) == "table", name)
  end
  local name = "socket.unix" -- (constant names are followed by the build)
  assert(not pcall(require, name))
end

tests["sockets are collected, and descriptors used again"] = function()
  for _ = 1, 3000 do socket.tcp4() end
  collectgarbage()
  collectgarbage()
  local s = assert(socket.tcp4())
  assert(s:getfd() < 1000, s:getfd())
  s:close()
end

return tests
