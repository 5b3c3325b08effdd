-- SPDX-License-Identifier: MIT
-- net.lua: lunik.net, over the loopback.
local net = require "lunik.net"
local task = require "lunik.task"
local test = require "lunik.test"

-- Two ends of a connection.
local function pair()
  local listener <close> = assert(net.listen("127.0.0.1", 0))
  local _, port = listener:address()
  local client = assert(net.connect("127.0.0.1", port, 5))
  local server = assert(listener:accept(5))
  return client, server
end

local function with_pair(fn)
  local client, server = pair()
  local a <close> = client
  local b <close> = server
  fn(client, server)
end

return {
  ["what one end writes the other reads"] = function()
    with_pair(function(client, server)
      assert(client:write("one ", "two"))
      test.equal(server:read_exactly(7, 5), "one two")
      assert(server:write "back")
      test.equal(client:read(100, 5), "back")
    end)
  end,
  ["read_until finds a delimiter that comes in pieces"] = function()
    with_pair(function(client, server)
      local reader = task.spawn(function()
        return server:read_until("\r\n\r\n", 100, 5), server:read_until("\n", 100, 5)
      end)
      for _, piece in ipairs { "abc\r", "\n", "\r", "\nrest\n", "tail" } do
        client:write(piece)
        task.sleep(0.01)
      end
      local _, first, second = reader:join(5)
      test.equal(first, "abc\r\n\r\n")
      test.equal(second, "rest\n")
      test.equal(server:read_exactly(4, 5), "tail")
    end)
  end,
  ["read_until is bounded and gives what came"] = function()
    with_pair(function(client, server)
      client:write("0123456789")
      local data, err, partial = server:read_until("\n", 8, 5)
      test.equal(data, nil)
      test.equal(err, "too long")
      test.equal(partial, "01234567")
      data, err, partial = server:read_until("\n", 8, 0.05)
      test.equal(err, "timeout")
      test.equal(partial, "89")
    end)
  end,
  ["read_exactly gives what came before the end"] = function()
    with_pair(function(client, server)
      client:write "abc"
      client:close()
      local data, err, partial = server:read_exactly(5, 5)
      test.equal(data, nil)
      test.equal(err, "closed")
      test.equal(partial, "abc")
      test.equal(select(2, server:read(1, 5)), "closed")
    end)
  end,
  ["read_all reads to the end and keeps its limit"] = function()
    with_pair(function(client, server)
      client:write(("x"):rep(100))
      client:shutdown "write"
      local data, err, partial = server:read_all(99, 5)
      test.equal(err, "too long")
      test.equal(partial, "")
      test.equal(#server:read_all(100, 5), 100)
    end)
  end,
  ["a megabyte passes unchanged both ways at once"] = function()
    with_pair(function(client, server)
      local data = ("0123456789abcdef"):rep(65536)
      task.nursery(function(nursery)
        nursery:spawn(function() assert(client:write(data)) end)
        nursery:spawn(function() assert(server:write(data)) end)
        nursery:spawn(function() assert(client:read_exactly(#data, 20) == data) end)
        assert(server:read_exactly(#data, 20) == data)
      end)
    end)
  end,
  ["a timeout is told, and the stream goes on"] = function()
    with_pair(function(client, server)
      test.equal(select(2, server:read(1, 0.02)), "timeout")
      server:settimeout(0.02)
      test.equal(select(2, server:read(1)), "timeout")
      client:write "x"
      test.equal(server:read(1, 1), "x")
    end)
  end,
  ["a write that nobody reads times out and says how much went"] = function()
    with_pair(function(client)
      client:settimeout(0.1)
      local ok, err, sent = client:write(("x"):rep(16 * 1024 * 1024))
      test.equal(ok, nil)
      test.equal(err, "timeout")
      assert(sent > 0 and sent < 16 * 1024 * 1024, sent)
    end)
  end,
  ["a closed stream answers closed"] = function()
    with_pair(function(client, server)
      client:close()
      client:close()
      test.equal(select(2, client:read()), "closed")
      test.equal(select(2, client:write "x"), "closed")
      test.equal(select(2, client:peer_address()), "closed")
      test.equal(select(2, server:read(1, 5)), "closed")
    end)
  end,
  ["closing wakes who waits"] = function()
    with_pair(function(_, server)
      local reader = task.spawn(function() return server:read() end)
      task.sleep(0.02)
      server:close()
      local _, data, err = reader:join(5)
      test.equal(data, nil)
      test.equal(err, "closed")
    end)
  end,
  ["cancelling raises out of a read"] = function()
    with_pair(function(_, server)
      local reader = task.spawn(function() return server:read() end)
      task.sleep(0.01)
      reader:cancel()
      local ok, err = reader:join(5)
      test.equal(ok, false)
      test.equal(err, task.cancelled)
    end)
  end,
  ["a deadline scope ends a read, and its own timeout does not raise"] = function()
    with_pair(function(_, server)
      local result, err = task.deadline(0.02, function() return server:read(1, 5) end)
      test.equal(result, nil)
      test.equal(err, "timeout")
      local reached
      task.deadline(5, function()
        test.equal(select(2, server:read(1, 0.02)), "timeout")
        reached = true
      end)
      assert(reached)
    end)
  end,
  ["nobody listens: connection refused"] = function()
    local listener = assert(net.listen("127.0.0.1", 0))
    local _, port = listener:address()
    listener:close()
    local stream, err = net.connect("127.0.0.1", port, 5)
    test.equal(stream, nil)
    test.equal(err, "connection refused")
  end,
  ["a name that is none is not known"] = function()
    local stream, err = net.connect("no such name", 80, 2)
    test.equal(stream, nil)
    test.equal(err, "host or service not provided, or not known")
  end,
  ["localhost is found"] = function()
    local found = assert(net.resolve("localhost", 5))
    local is_there = false
    for _, address in ipairs(found) do
      is_there = is_there or address == "127.0.0.1" or address == "::1"
    end
    assert(is_there)
    test.equal(net.resolve("192.0.2.7")[1], "192.0.2.7")
  end,
  ["a port is taken once"] = function()
    local listener <close> = assert(net.listen("127.0.0.1", 0))
    local _, port = listener:address()
    local other, err = net.listen("127.0.0.1", port)
    test.equal(other, nil)
    test.equal(err, "address already in use")
  end,
  ["a listener without a host serves both families"] = function()
    local listener <close> = assert(net.listen(nil, 0))
    local _, port = listener:address()
    for _, host in ipairs { "127.0.0.1", "::1" } do
      local client = net.connect(host, port, 5)
      if client then
        local server <close> = assert(listener:accept(5))
        test.equal(server:peer_address(), host)
        client:close()
      else
        test.equal(host, "::1", "connect")
      end
    end
  end,
  ["accept waits so long, and close wakes it"] = function()
    local listener <close> = assert(net.listen("127.0.0.1", 0))
    test.equal(select(2, listener:accept(0.02)), "timeout")
    local waiter = task.spawn(function() return listener:accept() end)
    task.sleep(0.01)
    listener:close()
    local _, _, err = waiter:join(5)
    test.equal(err, "closed")
  end,
  ["both ends know both addresses"] = function()
    with_pair(function(client, server)
      local host, port = client:local_address()
      local peer, peer_port = server:peer_address()
      test.equal(host, peer)
      test.equal(port, peer_port)
    end)
  end,
  ["options are set and read"] = function()
    with_pair(function(client)
      assert(client:set("nodelay", false))
      test.equal(client:get "nodelay", false)
      assert(client:set("nodelay", true))
      test.equal(client:get "nodelay", true)
      assert(client:set("keepalive", true))
      test.raises("no option called 'fast'", client.set, client, "fast", 1)
    end)
  end,
  ["datagrams go to an address and come with one"] = function()
    local a <close> = assert(net.udp { host = "127.0.0.1", port = 0 })
    local b <close> = assert(net.udp { host = "127.0.0.1" })
    local _, port = a:local_address()
    assert(b:sendto("ping", "127.0.0.1", port))
    local data, host, from = a:recvfrom(100, 5)
    test.equal(data, "ping")
    test.equal(host, "127.0.0.1")
    assert(a:sendto("pong", host, from))
    test.equal(b:recv(100, 5), "pong")
    test.equal(select(2, a:recv(100, 0.02)), "timeout")
  end,
  ["a connected datagram socket sends to its peer"] = function()
    local a <close> = assert(net.udp { host = "127.0.0.1", port = 0 })
    local b <close> = assert(net.udp())
    local _, port = a:local_address()
    assert(b:connect("127.0.0.1", port))
    assert(b:send "x")
    test.equal(a:recv(10, 5), "x")
    b:close()
    test.equal(select(2, b:send "x"), "closed")
  end,
  ["misuse raises"] = function()
    test.raises("65535", net.connect, "127.0.0.1", 65536)
    test.raises("backlog", net.listen, nil, 0, { backlog = 0 })
    test.raises("stream expected", pair().read, 5)
    with_pair(function(client)
      test.raises("at least 1", client.read, client, 0)
      test.raises("1 to 64 bytes", client.read_until, client, "", 10)
    end)
  end,
}
