-- SPDX-License-Identifier: MIT
-- server.lua: the server of lunik.http, over the loopback, by the byte.
local http = require "lunik.http"
local net = require "lunik.net"
local support = require "http.support"
local task = require "lunik.task"
local test = require "lunik.test"

local with_server, raw, codes = support.with_server, support.raw, support.codes

local GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
local function get(target, fields)
  return ("GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n"):format(target or "/", fields or "")
end
local function post(body, fields)
  return ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%s\r\n%s"):format(#body, fields or "", body)
end

-- The answer that one request gets: head, body.
local function ask(port, request, seconds)
  local text = raw(port, request, seconds or 0.15)
  return text:match "^(.-\r\n)\r\n(.*)$"
end

return {
  ["a handler may return status, body and fields"] = function()
    with_server(function() return 201, "made", { ["X-A"] = "1", ["X-B"] = { "2", 3 } } end, function(port)
      local head, body = ask(port, GET)
      assert(head:find "^HTTP/1.1 201 Created\r\n", head)
      assert(head:find("\r\nX-A: 1\r\n", 1, true), head)
      assert(head:find("\r\nX-B: 2\r\nX-B: 3\r\n", 1, true), head)
      assert(head:find("\r\nContent-Length: 4\r\n", 1, true), head)
      assert(head:find "\r\nDate: %a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT\r\n", head)
      test.equal(body, "made")
    end)
  end,
  ["a handler may return a body alone, or nothing"] = function()
    with_server(function(req) if req.path == "/a" then return "text" end end, function(port)
      local head, body = ask(port, get "/a")
      assert(head:find "^HTTP/1.1 200 ", head)
      test.equal(body, "text")
      head, body = ask(port, get "/b")
      assert(head:find "^HTTP/1.1 204 ", head)
      assert(not head:lower():find "content%-length", head)
      test.equal(body, "")
    end)
  end,
  ["a request tells all that its head said"] = function()
    local seen
    with_server(function(req)
      local list = {}
      for name, value in pairs(req.headers) do list[#list + 1] = name .. "=" .. value end
      seen = { method = req.method, target = req.target, path = req.path, query = req.query,
        version = req.version, host = req.host, remote = req.remote, scheme = req.scheme,
        accept = req.headers.accept, ACCEPT = req.headers["ACCEPT"], none = req.headers.none,
        all = table.concat(req.headers:all "accept", "|"), first = req.headers:get "accept",
        list = table.concat(list, ";"), count = #req.headers, cookie = req.headers.cookie }
      return ""
    end, function(port)
      ask(port, get("/a%20b/./c?x=1&y=%41", "Accept: a\r\nX-Y:  z \t\r\nACCEPT: b\r\nCookie: a=1\r\nCookie: b=2\r\n"))
      test.equal(seen.method, "GET")
      test.equal(seen.target, "/a%20b/./c?x=1&y=%41")
      test.equal(seen.path, "/a b/c")
      test.equal(seen.query, "x=1&y=%41")
      test.equal(seen.version, "1.1")
      test.equal(seen.host, "a")
      test.equal(seen.remote, "127.0.0.1")
      test.equal(seen.scheme, "http")
      test.equal(seen.accept, "a, b")
      test.equal(seen.ACCEPT, "a, b")
      test.equal(seen.none, nil)
      test.equal(seen.all, "a|b")
      test.equal(seen.first, "a")
      test.equal(seen.cookie, "a=1; b=2")
      test.equal(seen.count, 6)
      test.equal(seen.list, "Host=a;Accept=a;X-Y=z;ACCEPT=b;Cookie=a=1;Cookie=b=2")
    end)
  end,
  ["a query's table decodes, and the first of a name counts"] = function()
    local q
    with_server(function(req) q = req:query_table() return "" end, function(port)
      ask(port, get "/?a=1&a=2&b+c=d%20e&f&=g&%zz=1")
      test.equal(q.a, "1")
      test.equal(q["b c"], "d e")
      test.equal(q.f, "")
      test.equal(q[""], "g")
      test.equal(q["%zz"], "1")
    end)
  end,
  ["a request keeps what is set, and outlives its answer"] = function()
    local kept
    with_server(function(req)
      kept = req
      req.params = { id = 5 }
      req.state.user = "u"
      assert(req.params.id == 5 and req.state.user == "u")
      return ""
    end, function(port)
      ask(port, get("/x", "A: b\r\n"))
      test.equal(kept.path, "/x")
      test.equal(kept.headers.a, "b")
      test.equal(kept.params.id, 5)
      test.equal(select(2, kept:body()), "closed")
      test.equal(select(2, kept:read()), "closed")
      test.equal(kept.remote, nil)
    end)
  end,
  ["a response cannot be used when it is over"] = function()
    local kept
    with_server(function(_, res) kept = res return "" end, function(port)
      ask(port, GET)
      test.raises("the request is over", kept.write, kept, "x")
      test.equal(kept.sent, true)
    end)
  end,
  ["a connection serves requests one after the other, and pipelined ones in order"] = function()
    local n = 0
    with_server(function() n = n + 1 return tostring(n) end, function(port)
      local text = raw(port, GET:rep(40), 0.3)
      test.equal(codes(text), ("200 "):rep(39) .. "200")
      local order = {}
      for body in text:gmatch "\r\n\r\n(%d+)" do order[#order + 1] = body end
      for i = 1, 40 do assert(order[i]:find("^" .. i), i) end
    end)
  end,
  ["a handler that waits holds up nobody else"] = function()
    with_server(function(req)
      if req.path == "/slow" then task.sleep(0.4) end
      return req.path
    end, function(port)
      task.nursery(function(nursery)
        for _ = 1, 20 do
          nursery:spawn(function()
            local _, body = ask(port, get "/slow", 1)
            test.equal(body, "/slow")
          end)
        end
        task.sleep(0.05)
        local start = task.now()
        local stream <close> = assert(net.connect("127.0.0.1", port))
        stream:write(get "/fast")
        assert(stream:read_until("/fast", 1000, 0.3))
        assert(task.now() - start < 0.3)
      end)
    end)
  end,
  ["a body is read whole, in pieces, or not at all"] = function()
    local how, seen = "body", nil
    with_server(function(req)
      if how == "body" then
        seen = req:body()
      elseif how == "pieces" and req.method == "POST" then
        seen = assert(req:read_exactly(3)) .. "|" .. assert(req:read_until("5", 10)) .. "|" .. req:read_all()
        assert(select(2, req:read()) == "closed")
      else
        seen = nil
      end
      return "ok"
    end, function(port)
      for _, name in ipairs { "body", "pieces", "none" } do
        how = name
        local text = raw(port, post("0123456789") .. GET, 0.2)
        test.equal(codes(text), "200 200", name)
      end
      how = "body"
      ask(port, post "0123456789")
      test.equal(seen, "0123456789")
      how = "pieces"
      ask(port, post "0123456789")
      test.equal(seen, "012|345|6789")
    end)
  end,
  ["a chunked body is put together, and its trailers come after it"] = function()
    local seen, trailer
    with_server(function(req)
      seen = req:body()
      trailer = req.trailers["x-sum"]
      return "ok"
    end, function(port)
      ask(port, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" ..
        "3;ext=1\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nX-Sum: 42\r\n\r\n")
      test.equal(seen, "abc0123456789abcdef")
      test.equal(trailer, "42")
    end)
  end,
  ["100 Continue is sent when the body is read, and not otherwise"] = function()
    with_server(function(req) return req.path == "/read" and req:body() or "no" end, function(port)
      local head = "POST %s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
      local stream <close> = assert(net.connect("127.0.0.1", port))
      stream:write(head:format "/read")
      test.equal(stream:read_until("\r\n\r\n", 200, 2), "HTTP/1.1 100 Continue\r\n\r\n")
      stream:write "abc"
      assert(stream:read_until("\r\n\r\nabc", 400, 2))
      local text, err = raw(port, head:format "/no", 0.3)
      test.equal(codes(text), "200")
      assert(text:find("Connection: close", 1, true), text)
      test.equal(err, "closed")
    end)
  end,
  ["a body past the limit is 413, with a length and without"] = function()
    with_server(function(req) return req:body() or "nothing" end, function(port)
      local text, err = raw(port, post(("x"):rep(101)), 0.3)
      test.equal(codes(text), "413")
      test.equal(err, "closed")
      text = raw(port, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" ..
        ("40\r\n" .. ("y"):rep(64) .. "\r\n"):rep(2) .. "0\r\n\r\n", 0.3)
      test.equal(codes(text), "413")
      test.equal(codes(raw(port, post(("x"):rep(100)), 0.2)), "200")
    end, { limits = { body = 100 } })
  end,
  ["an iterator's pieces go out as chunks, to 1.0 until the end"] = function()
    with_server(function()
      local n = 0
      return 200, function()
        n = n + 1
        if n <= 3 then return ("x"):rep(n) end
      end
    end, function(port)
      local head, body = ask(port, GET)
      assert(head:find("Transfer-Encoding: chunked", 1, true), head)
      test.equal(body, "1\r\nx\r\n2\r\nxx\r\n3\r\nxxx\r\n0\r\n\r\n")
      local text, err = raw(port, "GET / HTTP/1.0\r\n\r\n", 0.3)
      assert(not text:find("chunked", 1, true))
      assert(text:find "\r\n\r\nxxxxxx$", text)
      test.equal(err, "closed")
    end)
  end,
  ["a response may be written piece by piece"] = function()
    with_server(function(_, res)
      res:status(202):set("X-A", "1"):add("X-A", "2"):set("X-B", "1"):set("x-b", "3")
      test.equal(res.sent, false)
      assert(res:write "abc")
      test.equal(res.sent, true)
      test.raises("begun already", res.status, res, 200)
      assert(res:write("d", "e"))
      res:finish()
    end, function(port)
      local head, body = ask(port, GET)
      assert(head:find "^HTTP/1.1 202 ", head)
      assert(head:find("X-A: 1\r\nX-A: 2\r\nx-b: 3\r\n", 1, true), head)
      test.equal(body, "3\r\nabc\r\n1\r\nd\r\n1\r\ne\r\n0\r\n\r\n")
    end)
  end,
  ["a written response of a known length is not chunked"] = function()
    with_server(function(_, res)
      res:set("Content-Length", "5")
      res:write "ab"
      res:write "cde"
    end, function(port)
      local text = raw(port, GET:rep(2), 0.3)
      test.equal(codes(text), "200 200")
      assert(text:find "\r\n\r\nabcdeHTTP/1.1 200 OK\r\n.*\r\n\r\nabcde$", text)
    end)
  end,
  ["less than the length that was said breaks the connection"] = function()
    with_server(function(_, res)
      res:set("Content-Length", "5")
      res:write "ab"
    end, function(port)
      local text, err = raw(port, GET:rep(2), 0.3)
      assert(text:find "\r\n\r\nab$", text)
      assert(err ~= "timeout", err)
    end)
  end,
  ["HEAD gets the head alone"] = function()
    with_server(function(req)
      if req.path == "/stream" then return 200, function() return nil end end
      return 200, "12345"
    end, function(port)
      local text = raw(port, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" .. GET, 0.3)
      test.equal(codes(text), "200 200")
      assert(text:find "^HTTP/1.1 200 OK\r\n.-Content%-Length: 5\r\n.-\r\n\r\nHTTP/1.1 200", text)
      text = raw(port, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" .. GET, 0.3)
      test.equal(codes(text), "200 200")
    end)
  end,
  ["304 tells no length that nobody knows"] = function()
    with_server(function(req)
      if req.path == "/known" then return 304, nil, { ["Content-Length"] = "7" } end
      return 304
    end, function(port)
      local head = ask(port, GET)
      assert(not head:find "Content%-Length", head)
      head = ask(port, get "/known")
      assert(head:find("\r\nContent-Length: 7\r\n", 1, true), head)
    end)
  end,
  ["204 and 304 have no body"] = function()
    with_server(function(req) return tonumber(req.path:sub(2)), "x" end, function(port)
      local text = raw(port, get "/204" .. get "/304" .. get "/200", 0.3)
      test.equal(codes(text), "204 304 200")
      test.equal(select(2, text:gsub("\r\n\r\nx", "")), 1)
    end)
  end,
  ["what the handler was given lasts until the answer is out"] = function()
    local kept = {}
    with_server(function(req, res)
      return 200, function()
        if #kept > 0 then return nil end
        req, res = nil, nil
        collectgarbage()
        collectgarbage()
        for size = 1, 700 do
          for i = 1, 4 do kept[#kept + 1] = ("A"):rep(size) .. i end
        end
        return "x"
      end
    end, function(port)
      local _, body = ask(port, GET)
      test.equal(body, "1\r\nx\r\n0\r\n\r\n")
      for _, text in ipairs(kept) do assert(text:find "^A+%d$", "memory of another object was written to") end
    end)
  end,
  ["a task that reads the body when the handler ends harms no other request"] = function()
    local why
    with_server(function(req)
      if req.method == "GET" then
        task.sleep(0.6)
        return "slow"
      end
      task.spawn(function() why = select(2, req:read(10)) end)
      task.sleep(0.05)
      return "done"
    end, function(port)
      local stream <close> = assert(net.connect("127.0.0.1", port, 5))
      stream:write "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
      test.equal(codes(support.drain(stream, 0.15)), "200")
      test.equal(codes(raw(port, GET, 1)), "200")
      assert(why == "closed" or why == "timeout", why)
    end, { limits = { body_idle = 0.4 } })
  end,
  ["a task that writes when the handler ends is told, and the connection is cut"] = function()
    local did, why
    with_server(function(req, res)
      if req.path == "/b" then return "b" end
      task.spawn(function() did, why = pcall(res.write, res, ("x"):rep(20000000)) end)
      task.sleep(0.1)
      if req.path == "/finish" then res:finish() end
    end, function(port)
      for _, path in ipairs { "/a", "/finish" } do
        local stream <close> = assert(net.connect("127.0.0.1", port, 5))
        stream:write(get(path))
        for _ = 1, 60 do
          if did == nil then task.sleep(0.05) end
        end
        test.equal(did, false)
        assert(tostring(why):find("the request is over", 1, true), why)
        test.equal(codes(raw(port, get "/b", 0.2)), "200")
        did = nil
      end
    end)
  end,
  ["an error is a 500 that says nothing, and the server goes on"] = function()
    with_server(function(req)
      if req.path == "/table" then error {} end
      if req.path == "/late" then return 200, function() error "secret" end end
      error "secret"
    end, function(port)
      local head, body = ask(port, GET)
      assert(head:find "^HTTP/1.1 500 ", head)
      test.equal(body, "Internal Server Error\n")
      test.equal(codes(raw(port, get "/table" .. GET, 0.2)), "500 500")
      assert(not raw(port, get "/late", 0.2):find "secret")
    end)
  end,
  ["that another task was cancelled is an error as any other"] = function()
    with_server(function(req)
      if req.path == "/b" then return "b" end
      local other = task.spawn(task.sleep, 5)
      other:cancel()
      error(select(2, other:join()), 0)
    end, function(port)
      test.equal(codes(raw(port, GET, 0.2)), "500")
      test.equal(codes(raw(port, get "/b", 0.2)), "200")
    end, { limits = { workers = 1 } })
  end,
  ["the target of a proxy's form may have a query alone"] = function()
    with_server(function(req) return req.path .. " " .. req.query end, function(port)
      local _, body = ask(port, "GET http://a?x=%20/../y HTTP/1.1\r\nHost: a\r\n\r\n")
      test.equal(body, "/ x=%20/../y")
    end)
  end,
  ["http.error is an answer"] = function()
    with_server(function(req)
      if req.path == "/a" then http.error(418, "teapot\n", { ["X-T"] = "1" }) end
      http.error(404)
    end, function(port)
      local head, body = ask(port, get "/a")
      assert(head:find "^HTTP/1.1 418 ", head)
      assert(head:find("X-T: 1", 1, true), head)
      test.equal(body, "teapot\n")
      head, body = ask(port, get "/b")
      test.equal(body, "Not Found\n")
    end)
  end,
  ["nothing gets into a head that is no field"] = function()
    local name, value = "X", "y"
    with_server(function() return 200, "", { [name] = value } end, function(port)
      for _, case in ipairs { { "X", "a\r\nY: b" }, { "X", "a\nb" }, { "X", "a\0b" }, { "X", "a\rb" }, { "X Y", "a" },
        { "X:", "a" }, { "", "a" }, { "X\r\nY", "a" }, { "X", " a" }, { "Transfer-Encoding", "chunked" },
        { "Content-Length", "1x" }, { "X", "\x7f" } } do
        name, value = case[1], case[2]
        local text = raw(port, GET, 0.1)
        test.equal(codes(text), "500", ("%q: %q"):format(name, value))
      end
      name, value = "X", "\xc3\xa9\tb"
      test.equal(codes(raw(port, GET, 0.1)), "200")
    end)
  end,
  ["1.0 is closed unless it asks otherwise"] = function()
    with_server(function() return "x" end, function(port)
      test.equal(select(2, raw(port, "GET / HTTP/1.0\r\n\r\n", 0.3)), "closed")
      local text, err = raw(port, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 0.3)
      test.equal(err, "timeout")
      assert(text:find("Connection: keep-alive", 1, true), text)
    end)
  end,
  ["a handler may close the connection"] = function()
    with_server(function() return 200, "x", { Connection = "close" } end, function(port)
      local text, err = raw(port, GET:rep(2), 0.5)
      test.equal(codes(text), "200")
      test.equal(err, "closed")
    end)
  end,
  ["a head that does not end in time is 408"] = function()
    with_server(function() return "x" end, function(port)
      local text, err = raw(port, "GET / HTTP/1.1\r\nHo", 2)
      test.equal(codes(text), "408")
      test.equal(err, "closed")
      text, err = raw(port, "", 2)
      test.equal(text, "")
      test.equal(err, "closed")
    end, { limits = { head_time = 0.1 } })
  end,
  ["slow bytes do not stretch the time for a head"] = function()
    with_server(function() return "x" end, function(port)
      local stream <close> = assert(net.connect("127.0.0.1", port))
      local start = task.now()
      for _ = 1, 40 do
        if not stream:write "G" then break end
        task.sleep(0.02)
        if stream:read(1, 0) then break end
      end
      assert(task.now() - start < 0.6, "it went on")
    end, { limits = { head_time = 0.2 } })
  end,
  ["an idle connection is closed in time"] = function()
    with_server(function() return "x" end, function(port)
      local start = task.now()
      local text, err = raw(port, GET, 2)
      test.equal(codes(text), "200")
      test.equal(err, "closed")
      assert(task.now() - start < 1.5)
    end, { limits = { keep_alive = 0.1 } })
  end,
  ["after a 408 there is time to read it"] = function()
    with_server(function() return "" end, function(port)
      local stream <close> = assert(net.connect("127.0.0.1", port, 5))
      stream:write "GET /"
      task.sleep(0.5)
      for _ = 1, 3 do
        test.equal(stream:write "x", true)
        task.sleep(0.05)
      end
      test.equal(codes(support.drain(stream, 0.1)), "408")
    end, { limits = { head_time = 0.2 } })
  end,
  ["a body that stops is 408"] = function()
    with_server(function(req) return req:body() or "none" end, function(port)
      local text, err = raw(port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", 2)
      test.equal(codes(text), "408")
      test.equal(err, "closed")
    end, { limits = { body_idle = 0.1 } })
  end,
  ["a reader that stops is cut off, and others are served"] = function()
    with_server(function(req) return req.path == "/big" and ("x"):rep(8 << 20) or "ok" end, function(port, server)
      local stream <close> = assert(net.connect("127.0.0.1", port))
      stream:write(get "/big")
      task.sleep(0.1)
      test.equal(codes(raw(port, GET, 0.1)), "200")
      test.equal(server.stats.workers - server.stats.idle_workers, 0, "busy workers")
      task.sleep(0.5)
      test.equal(server.stats.connections, 0)
    end, { limits = { body_idle = 0.2 } })
  end,
  ["a large body arrives whole"] = function()
    local data = ("0123456789abcdef"):rep(200000)
    with_server(function() return data end, function(port)
      local stream <close> = assert(net.connect("127.0.0.1", port))
      for _ = 1, 2 do
        stream:write(GET)
        assert(stream:read_until("\r\n\r\n", 1000, 5))
        task.sleep(0.02)
        assert(stream:read_exactly(#data, 20) == data)
      end
    end)
  end,
  ["at the bound the oldest idle connection makes room"] = function()
    with_server(function() return "x" end, function(port, server)
      local streams = {}
      for i = 1, 5 do
        streams[i] = assert(net.connect("127.0.0.1", port))
        streams[i]:write(GET)
        assert(streams[i]:read_until("\r\n\r\nx", 1000, 2))
      end
      test.equal(server.stats.connections, 3)
      test.equal(http.stats().connections, 3)
      local _, gone = streams[1]:read(1, 1)
      assert(gone == "closed" or gone == "connection reset by peer", gone)
      streams[5]:write(GET)
      assert(streams[5]:read_until("\r\n\r\nx", 1000, 2))
      for _, stream in ipairs(streams) do stream:close() end
    end, { limits = { connections = 3 } })
  end,
  ["at the bound, with none idle, there is a 503"] = function()
    with_server(function() task.sleep(0.3) return "x" end, function(port, server)
      local streams = {}
      for i = 1, 2 do
        streams[i] = assert(net.connect("127.0.0.1", port))
        streams[i]:write(GET)
      end
      task.sleep(0.05)
      test.equal(codes(raw(port, "", 0.2)), "503")
      test.equal(server.stats.refused, 1)
      for _, stream in ipairs(streams) do
        assert(stream:read_until("\r\n\r\nx", 1000, 2))
        stream:close()
      end
    end, { limits = { connections = 2 } })
  end,
  ["stopping lets what is under way end, and closes the rest"] = function()
    local started
    local text, idle_err
    with_server(function() started = true task.sleep(0.2) return "done" end, function(port, server)
      local idle <close> = assert(net.connect("127.0.0.1", port))
      local asker = task.spawn(function() return raw(port, GET, 1) end)
      while not started do task.sleep(0.01) end
      server:stop(2)
      idle_err = select(2, idle:read(1, 1))
      text = select(2, asker:join(3))
      test.equal(select(2, net.connect("127.0.0.1", port, 1)), "connection refused")
    end)
    test.equal(codes(text), "200")
    assert(text:find("Connection: close", 1, true), text)
    test.equal(idle_err, "closed")
  end,
  ["stopping cancels what does not end"] = function()
    local how
    with_server(function()
      local guard <close> = setmetatable({}, { __close = function(_, err) how = tostring(err) end })
      task.sleep(60)
    end, function(port, server)
      local asker = task.spawn(function() return raw(port, GET, 5) end)
      task.sleep(0.1)
      server:stop(0.1)
      local _, text, err = asker:join(5)
      test.equal(text, "")
      assert(err == "closed" or err == "connection reset by peer", err)
    end)
    test.equal(how, "cancelled")
  end,
  ["cancelling the task of run ends the server"] = function()
    local server = http.server { handler = function() return "x" end }
    assert(server:listen("127.0.0.1", 0))
    local _, port = server:address()
    local runner = task.spawn(function() server:run() end)
    task.sleep(0.02)
    test.equal(codes(raw(port, GET, 0.1)), "200")
    runner:cancel()
    test.equal(runner:join(5), false)
    test.equal(select(2, net.connect("127.0.0.1", port, 1)), "connection refused")
  end,
  ["an upgrade hands the connection over"] = function()
    with_server(function(req, res)
      if req.path == "/plain" then
        test.equal(select(2, res:upgrade "chat"), "the request asks for no upgrade")
        return "no"
      end
      local stream <close> = assert(res:upgrade("chat", { ["X-A"] = "1" }))
      while true do
        local line = stream:read_until("\n", 100, 2)
        if not line then return end
        stream:write("> ", line)
      end
    end, function(port)
      local stream <close> = assert(net.connect("127.0.0.1", port))
      stream:write(get("/", "Connection: Upgrade\r\nUpgrade: chat\r\n") .. "early\n")
      local head = assert(stream:read_until("\r\n\r\n", 500, 2))
      assert(head:find "^HTTP/1.1 101 Switching Protocols\r\n", head)
      assert(head:find("Upgrade: chat\r\nConnection: Upgrade\r\nX-A: 1\r\n", 1, true), head)
      test.equal(stream:read_until("\n", 100, 2), "> early\n")
      stream:write "late\n"
      test.equal(stream:read_until("\n", 100, 2), "> late\n")
      test.equal(codes(raw(port, get "/plain", 0.1)), "200")
    end)
  end,
  ["a request for an upgrade that nobody wants is an ordinary one"] = function()
    with_server(function() return "x" end, function(port)
      local upgrade = get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n")
      test.equal(codes(raw(port, upgrade .. GET, 0.2)), "200 200")
    end)
  end,
  ["the log is told of every answer"] = function()
    local lines = {}
    with_server(function(req) if req.path == "/e" then error "x" end return "abc" end, function(port)
      raw(port, get "/a" .. get "/e" .. "bad\r\n\r\n", 0.2)
      test.equal(lines[1], "/a 200")
      test.equal(lines[2], "/e 500")
    end, { log = function(req, status, bytes, seconds)
      assert(bytes > 50 and seconds >= 0)
      lines[#lines + 1] = req.path .. " " .. status
    end })
  end,
  ["the figures count what happened"] = function()
    with_server(function() return "abc" end, function(port, server)
      local before = http.stats()
      raw(port, GET:rep(3) .. "bad\r\n\r\n", 0.2)
      local stats, after = server.stats, http.stats()
      test.equal(stats.requests, 4)
      test.equal(stats.classes[2], 3)
      test.equal(stats.classes[4], 1)
      test.equal(stats.bad_requests, 1)
      test.equal(stats.accepted, 1)
      assert(stats.sent_bytes > 300)
      test.equal(after.requests - before.requests, 4)
      local sum = 0
      for _, bucket in ipairs(stats.buckets) do sum = sum + bucket.count end
      test.equal(sum, 4)
      test.equal(stats.buckets[#stats.buckets].le, math.huge)
    end)
  end,
  ["a server serves a stream that is no socket's"] = function()
    local server = http.server { handler = function(req) return req:body() end }
    local listener <close> = assert(net.listen("127.0.0.1", 0))
    local _, port = listener:address()
    local client <close> = assert(net.connect("127.0.0.1", port))
    local stream <close> = assert(listener:accept(2))
    local served = task.spawn(function() return server:serve(stream) end)
    client:write(post "one" .. post "two" .. get("/", "Connection: close\r\n"))
    local text = support.drain(client, 0.3)
    test.equal(codes(text), "200 200 200")
    assert(text:find("\r\n\r\noneHTTP", 1, true), text)
    test.equal(served:join(2), true)
  end,
  ["a stream may be the body"] = function()
    local listener <close> = assert(net.listen("127.0.0.1", 0))
    local _, source_port = listener:address()
    with_server(function()
      return 200, assert(net.connect("127.0.0.1", source_port))
    end, function(port)
      task.nursery(function(nursery)
        nursery:spawn(function()
          local stream <close> = assert(listener:accept(2))
          stream:write(("z"):rep(100000))
        end)
        local _, body = ask(port, GET, 0.5)
        test.equal(select(2, body:gsub("z", "")), 100000)
      end)
    end)
  end,
  ["misuse raises"] = function()
    test.raises("handler must be a function", http.server, {})
    test.raises("limits.head", http.server, { handler = print, limits = { head = 5 } })
    test.raises("does not listen", function() http.server { handler = print }:run() end)
    test.raises("400 to 599", http.error, 200)
    with_server(function(_, res)
      test.raises("200 to 599", res.status, res, 99)
      return 200, "x"
    end, function(port) test.equal(codes(raw(port, GET, 0.1)), "200") end)
    for _, bad in ipairs { 99, 600, 200.5 } do
      with_server(function() return bad end, function(port) test.equal(codes(raw(port, GET, 0.1)), "500") end)
    end
    with_server(function() return 200, print == nil end, function(port)
      test.equal(codes(raw(port, GET, 0.1)), "500")
    end)
  end,
  ["a callable object may be the handler"] = function()
    local object = setmetatable({}, { __call = function(_, req) return req.path end })
    with_server(object, function(port)
      local _, body = ask(port, get "/self")
      test.equal(body, "/self")
    end)
  end,
}
