-- SPDX-License-Identifier: MIT
-- client.lua: the client of lunik.http, against our server and against hostile
-- ones.
local http = require "lunik.http"
local net = require "lunik.net"
local support = require "http.support"
local task = require "lunik.task"
local test = require "lunik.test"

local function url(port, path) return ("http://127.0.0.1:%d%s"):format(port, path or "/") end

-- Calls fn(port) while each connection gets (answer), whatever it asks.
local function with_liar(answer, fn)
  local listener = assert(net.listen("127.0.0.1", 0))
  local _, port = listener:address()
  local server = task.spawn(function()
    while true do
      local stream = listener:accept()
      if not stream then return end
      if stream:read_until("\r\n\r\n", 10000, 2) then stream:write(answer) end
      stream:close()
    end
  end)
  local ok, err = xpcall(fn, debug.traceback, port)
  listener:close()
  server:join(5)
  if not ok then error(err, 0) end
end

-- Calls fn(port, count) while talk(stream) has each connection; count() gives
-- how many there were.
local function with_talker(talk, fn)
  local listener = assert(net.listen("127.0.0.1", 0))
  local _, port = listener:address()
  local count = 0
  local server = task.spawn(function()
    while true do
      local stream = listener:accept()
      if not stream then return end
      count = count + 1
      task.spawn(function()
        talk(stream)
        stream:close()
      end)
    end
  end)
  local ok, err = xpcall(fn, debug.traceback, port, function() return count end)
  listener:close()
  server:join(5)
  if not ok then error(err, 0) end
end

local tests = {
  ["get gives status, fields and body"] = function()
    support.with_server(function(req) return 200, req.method .. " " .. req.target, { ["X-A"] = "b" } end, function(port)
      local response = assert(http.get(url(port, "/x?y=1")))
      test.equal(response.status, 200)
      test.equal(response.reason, "OK")
      test.equal(response.headers["x-a"], "b")
      test.equal(response.body, "GET /x?y=1")
    end)
  end,
  ["post sends a body, as text, from a function, from a stream"] = function()
    support.with_server(function(req)
      return req:body() .. "|" .. tostring(req.headers["content-length"]) .. "|" .. tostring(req.headers["content-type"])
    end, function(port)
      local response = assert(http.post(url(port), "abc", { headers = { ["Content-Type"] = "text/x" } }))
      test.equal(response.body, "abc|3|text/x")
      local n = 0
      response = assert(http.post(url(port), function()
        n = n + 1
        return n <= 3 and ("x"):rep(n) or nil
      end))
      test.equal(response.body, "xxxxxx|nil|nil")
      response = assert(http.post(url(port), "abc", { expect = true }))
      test.equal(response.body, "abc|3|nil")
    end)
  end,
  ["connections are kept, and a stale one is replaced"] = function()
    support.with_server(function() return "x" end, function(port, server)
      local client <close> = http.client { timeout = 5 }
      for _ = 1, 5 do assert(client:get(url(port))) end
      test.equal(server.stats.accepted, 1)
      task.sleep(0.4)
      assert(client:get(url(port)))
      test.equal(server.stats.accepted, 2)
    end, { limits = { keep_alive = 0.2 } })
  end,
  ["a large answer comes whole, or in pieces"] = function()
    local data = ("0123456789"):rep(100000)
    support.with_server(function(req)
      if req.path == "/chunks" then
        local i = 0
        return 200, function()
          i = i + 1
          return i <= 10 and data:sub(i * 100000 - 99999, i * 100000) or nil
        end
      end
      return data
    end, function(port)
      test.equal(http.get(url(port)).body, data)
      test.equal(http.get(url(port, "/chunks")).body, data)
      local response <close> = assert(http.get(url(port), { stream = true }))
      test.equal(response.body, nil)
      test.equal(response:read_exactly(10), "0123456789")
      test.equal(#response:read_all(), #data - 10)
      test.equal(select(2, http.get(url(port), { limit = 1000 })), "too long")
    end)
  end,
  ["redirects are followed, and only so many"] = function()
    support.with_server(function(req)
      local n = tonumber(req.path:match "^/(%d+)$")
      if n and n > 0 then return 302, "", { Location = "/" .. n - 1 } end
      if req.path == "/see" then return 303, "", { Location = "method" } end
      if req.path == "/keep" then return 307, "", { Location = "/method" } end
      return req.method .. " " .. (req:body() or "") .. req.path
    end, function(port)
      test.equal(http.get(url(port, "/3")).body, "GET /0")
      test.equal(http.get(url(port, "/9"), { redirects = 2 }).status, 302)
      test.equal(http.post(url(port, "/see"), "abc").body, "GET /method")
      test.equal(http.post(url(port, "/keep"), "abc").body, "POST abc/method")
    end)
  end,
  ["another origin does not see what was meant for this one"] = function()
    local seen
    support.with_server(function(req) seen = req.headers return "x" end, function(other)
      support.with_server(function() return 302, "", { Location = url(other) } end, function(port)
        assert(http.get(url(port), { headers = { Authorization = "secret", Cookie = "c", ["X-A"] = "1" } }))
        test.equal(seen.authorization, nil)
        test.equal(seen.cookie, nil)
        test.equal(seen["x-a"], "1")
      end)
    end)
  end,
  ["an answer that came before the body ends the connection"] = function()
    local heads = {}
    with_talker(function(stream)
      while true do
        local head = stream:read_until("\r\n\r\n", 10000, 2)
        if not head then return end
        heads[#heads + 1] = head:match "^%a+"
        stream:write "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"
      end
    end, function(port, count)
      local client <close> = http.client { timeout = 5 }
      test.equal(client:post(url(port), "body", { expect = true }).status, 417)
      test.equal(client:get(url(port)).status, 417)
      test.equal(table.concat(heads, " "), "POST GET")
      test.equal(count(), 2)
    end)
  end,
  ["a connection that speaks another protocol is not kept"] = function()
    with_talker(function(stream)
      while stream:read_until("\r\n\r\n", 10000, 2) do
        stream:write "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
      end
    end, function(port, count)
      local client <close> = http.client { timeout = 5 }
      for _ = 1, 2 do test.equal(client:get(url(port)).status, 101) end
      test.equal(count(), 2)
    end)
  end,
  ["a hint before the body may be sent is no answer"] = function()
    local body
    with_talker(function(stream)
      stream:read_until("\r\n\r\n", 10000, 2)
      stream:write "HTTP/1.1 103 Early Hints\r\n\r\n"
      stream:write "HTTP/1.1 100 Continue\r\n\r\n"
      body = stream:read_exactly(4, 2)
      stream:write "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n"
    end, function(port)
      test.equal(http.post(url(port), "body", { expect = true }).status, 201)
      test.equal(body, "body")
    end)
  end,
  ["a body in pieces is sent by the deadline or not at all"] = function()
    with_talker(function(stream)
      for _ = 1, 100 do
        for _ = 1, 4 do
          if not stream:read() then return end
        end
        task.sleep(0.02)
      end
    end, function(port)
      local began, piece = task.now(), ("x"):rep(1 << 16)
      local response, err = http.post(url(port), function() return piece end, { timeout = 0.5 })
      test.equal(response, nil)
      test.equal(err, "timeout")
      assert(task.now() - began < 0.8, task.now() - began)
    end)
  end,
  ["HEAD has no body, and 204 neither"] = function()
    support.with_server(function(req) return req.path == "/n" and 204 or 200, "abc" end, function(port)
      local response = assert(http.request { method = "HEAD", url = url(port) })
      test.equal(response.body, "")
      test.equal(response.headers["content-length"], "3")
      test.equal(http.get(url(port, "/n")).body, "")
    end)
  end,
  ["time is up: timeout"] = function()
    support.with_server(function() task.sleep(5) return "x" end, function(port)
      local start = task.now()
      test.equal(select(2, http.get(url(port), { timeout = 0.1 })), "timeout")
      assert(task.now() - start < 1)
    end)
  end,
  ["nobody there: connection refused"] = function()
    local listener = assert(net.listen("127.0.0.1", 0))
    local _, port = listener:address()
    listener:close()
    test.equal(select(2, http.get(url(port))), "connection refused")
  end,
  ["an answer that ends with the connection is read to its end"] = function()
    with_liar("HTTP/1.1 200 OK\r\n\r\nuntil the end", function(port)
      test.equal(http.get(url(port)).body, "until the end")
    end)
  end,
  ["interim answers are passed over"] = function()
    with_liar("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny",
      function(port) test.equal(http.get(url(port)).body, "y") end)
  end,
  ["trailers come after the body"] = function()
    with_liar("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: v\r\n\r\n", function(port)
      local response = assert(http.get(url(port)))
      test.equal(response.body, "a")
      test.equal(response.trailers["x-t"], "v")
    end)
  end,
  ["nothing gets into a request that is no field"] = function()
    for name, value in pairs { ["X Y"] = "a", X = "a\r\nY: b", ["Content-Length"] = "5" } do
      test.raises("field", http.get, "http://127.0.0.1:1/", { headers = { [name] = value } })
    end
    test.raises("bad method", http.request, { method = "GET x", url = "http://127.0.0.1:1/" })
    test.equal(select(2, http.get "http://a b/"), "bad URL")
    test.equal(select(2, http.get "https://127.0.0.1/"), "unsupported scheme: https")
    test.raises("wants a table", http.request, 5)
  end,
  ["a server may be cut off by cancelling"] = function()
    support.with_server(function() task.sleep(5) return "x" end, function(port)
      local asker = task.spawn(function() return http.get(url(port)) end)
      task.sleep(0.05)
      asker:cancel()
      test.equal(asker:join(2), false)
    end)
  end,
}

-- Answers that are refused.
local hostile = {
  ["nothing"] = "",
  ["no status line"] = "hello\r\n\r\n",
  ["HTTP/2"] = "HTTP/2.0 200 OK\r\n\r\n",
  ["a status of two digits"] = "HTTP/1.1 20 OK\r\n\r\n",
  ["a status of four digits"] = "HTTP/1.1 2000 OK\r\n\r\n",
  ["LF alone"] = "HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
  ["a folded field"] = "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
  ["CL and TE"] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ["CL twice"] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
  ["CL with a plus"] = "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
  ["TE unknown"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
  ["a bad chunk"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
  ["a body that is cut off"] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
  ["chunks that are cut off"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
  ["a head that is cut off"] = "HTTP/1.1 200 OK\r\nContent-",
  ["too long a head"] = "HTTP/1.1 200 OK\r\nX: " .. ("a"):rep(20000) .. "\r\n\r\n",
  ["too many fields"] = "HTTP/1.1 200 OK\r\n" .. ("X: y\r\n"):rep(200) .. "\r\n",
  ["NUL in a field"] = "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
}
for name, answer in pairs(hostile) do
  tests["refused: " .. name] = function()
    with_liar(answer, function(port)
      local response, err = http.get(url(port), { timeout = 2 })
      test.equal(response, nil)
      assert(type(err) == "string" and err ~= "timeout", err)
    end)
  end
end

return tests
