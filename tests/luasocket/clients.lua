-- SPDX-License-Identifier: MIT
-- clients.lua: programs as people write them on LuaSocket: a web server in the
-- manner of Pegasus, and a client of Redis with its protocol; the one serves a
-- page that it keeps with the other.
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"
local task = require "lunik.task"
local test = require "lunik.test"

local equal = test.equal

-- ---- A client of Redis, as redis-lua is ----

local Redis = {}
Redis.__index = function(self, name)
  return Redis[name] or function(...) return Redis.call(self, name, select(2, ...)) end
end

function Redis.connect(host, port)
  local connection = assert(socket.connect(host, port))
  connection:setoption("tcp-nodelay", true)
  return setmetatable({ connection = connection }, Redis)
end

local read_reply

local readers = {
  ["+"] = function(_, rest) return rest end,
  ["-"] = function(_, rest) error("redis error: " .. rest, 0) end,
  [":"] = function(_, rest) return math.tointeger(rest) end,
  ["$"] = function(connection, rest)
    local size = math.tointeger(rest)
    if size < 0 then return nil end
    local data = assert(connection:receive(size + 2))
    return data:sub(1, -3)
  end,
  ["*"] = function(connection, rest)
    local list = {}
    for i = 1, math.tointeger(rest) do list[i] = read_reply(connection) or false end
    return list
  end,
}

function read_reply(connection)
  local line = assert(connection:receive())
  local reader = assert(readers[line:sub(1, 1)], line)
  return reader(connection, line:sub(2))
end

local function request(name, ...)
  local parts = { ("*%d\r\n$%d\r\n%s\r\n"):format(select("#", ...) + 1, #name, name) }
  for i = 1, select("#", ...) do
    local word = tostring((select(i, ...)))
    parts[#parts + 1] = ("$%d\r\n%s\r\n"):format(#word, word)
  end
  return table.concat(parts)
end

function Redis.call(self, name, ...)
  assert(self.connection:send(request(name:upper(), ...)))
  return read_reply(self.connection)
end

-- Sends all that fn(queue) asks for at once, and gives the answers.
function Redis.pipeline(self, fn)
  local parts = {}
  fn(setmetatable({}, { __index = function(_, name)
    return function(_, ...) parts[#parts + 1] = request(name:upper(), ...) end
  end }))
  assert(self.connection:send(table.concat(parts)))
  local replies = {}
  for i = 1, #parts do replies[i] = read_reply(self.connection) end
  return replies
end

function Redis.quit(self) self.connection:close() end

-- ---- So much of Redis as the tests want, where there is none ----

local commands = {}
function commands.PING() return "+PONG\r\n" end
function commands.SET(data, key, value) data[key] = value return "+OK\r\n" end
function commands.GET(data, key)
  return data[key] and ("$%d\r\n%s\r\n"):format(#data[key], data[key]) or "$-1\r\n"
end
function commands.INCR(data, key)
  data[key] = tostring((math.tointeger(data[key] or "0")) + 1)
  return ":" .. data[key] .. "\r\n"
end
function commands.DEL(data, key)
  local had = data[key] and 1 or 0
  data[key] = nil
  return ":" .. had .. "\r\n"
end
function commands.MGET(data, ...)
  local parts = { ("*%d\r\n"):format(select("#", ...)) }
  for i = 1, select("#", ...) do parts[#parts + 1] = commands.GET(data, (select(i, ...))) end
  return table.concat(parts)
end

local function serve_redis(data, connection)
  while true do
    local line = connection:receive()
    if not line then break end
    local words = {}
    for i = 1, math.tointeger(line:match "^%*(%d+)") do
      local size = math.tointeger(connection:receive():sub(2))
      words[i] = connection:receive(size)
      connection:receive(2)
    end
    local command = commands[words[1]]
    connection:send(command and command(data, table.unpack(words, 2))
      or ("-ERR unknown command '%s'\r\n"):format(words[1]))
  end
  connection:close()
end

-- ---- A web server, as Pegasus is ----

local function read_request(connection)
  local line = connection:receive()
  if not line then return nil end
  local method, path = line:match "^(%u+) (%S+) HTTP/1%.%d$"
  local headers = {}
  while true do
    line = connection:receive()
    if not line or line == "" then break end
    local name, value = line:match "^([^:]+):%s*(.*)$"
    if name then headers[name:lower()] = value end
  end
  local size = tonumber(headers["content-length"]) or 0
  local body = size > 0 and connection:receive(size) or ""
  return { method = method, path = path, headers = headers, body = body }
end

local function answer(connection, status, body, keeps)
  connection:send(("HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
    .. "Connection: %s\r\n\r\n%s"):format(status, #body, keeps and "keep-alive" or "close", body))
end

local function serve_pages(port, host, connection)
  local redis = Redis.connect(host or "127.0.0.1", port)
  while true do
    local req = read_request(connection)
    if not req then break end
    local keeps = req.headers.connection == "keep-alive"
    if req.method == "PUT" then
      redis:set(req.path, req.body)
      answer(connection, "201 Created", "kept\n", keeps)
    else
      local page = redis:get(req.path)
      answer(connection, page and "200 OK" or "404 Not Found", page or "nothing here\n", keeps)
    end
    if not keeps then break end
  end
  redis:quit()
  connection:close()
end

-- ---- Tests ----

-- Calls fn(port) while serve(connection) runs in a task for each connection.
local function with_server(serve, fn)
  local server = assert(socket.bind("127.0.0.1", 0, 128))
  local _, port = server:getsockname()
  local ok, why
  task.nursery(function(nursery)
    local accepting = nursery:spawn(function()
      while true do nursery:spawn(serve, (assert(server:accept()))) end
    end)
    ok, why = pcall(fn, tonumber(port))
    accepting:cancel()
  end)
  server:close()
  assert(ok, why)
end

-- The Redis of this machine, if the test was told of one; else our own.
local function with_redis(fn)
  local real = os.getenv "REDIS_PORT"
  if real then return fn(tonumber(real), os.getenv "REDIS_HOST") end
  local data = {}
  with_server(function(connection) serve_redis(data, connection) end, fn)
end

local function put(url, body)
  local parts = {}
  local _, code = http.request {
    url = url, method = "PUT", headers = { ["content-length"] = #body },
    source = ltn12.source.string(body), sink = ltn12.sink.table(parts),
  }
  return code, table.concat(parts)
end

return {
  ["a client of Redis gets every kind of reply"] = function()
    with_redis(function(port, host)
      local redis = Redis.connect(host or "127.0.0.1", port)
      equal(redis:ping(), "PONG")
      redis:del "lunik:n"
      redis:del "lunik:x"
      equal(redis:set("lunik:x", "a\r\nb\0c"), "OK")
      equal(redis:get "lunik:x", "a\r\nb\0c")
      equal(redis:get "lunik:none", nil)
      equal(redis:incr "lunik:n", 1)
      equal(redis:incr "lunik:n", 2)
      local both = redis:mget("lunik:x", "lunik:none", "lunik:n")
      equal(both[1], "a\r\nb\0c")
      equal(both[2], false)
      equal(both[3], "2")
      test.raises("unknown command", redis.nonsense, redis)
      equal(redis:ping(), "PONG")
      local replies = redis:pipeline(function(p)
        for _ = 1, 1000 do p:incr "lunik:n" end
      end)
      equal(#replies, 1000)
      equal(replies[1000], 1002)
      redis:quit()
    end)
  end,
  ["many tasks share one Redis"] = function()
    with_redis(function(port, host)
      local sum = 0
      task.nursery(function(nursery)
        for i = 1, 50 do
          nursery:spawn(function()
            local redis = Redis.connect(host or "127.0.0.1", port)
            local key = "lunik:task:" .. i
            redis:del(key)
            for _ = 1, 5 do redis:incr(key) end
            local count = tonumber(redis:get(key))
            sum = sum + count
            redis:quit()
          end)
        end
      end)
      equal(sum, 250)
    end)
  end,
  ["a web server keeps its pages with Redis"] = function()
    with_redis(function(redis_port, redis_host)
      with_server(function(connection) serve_pages(redis_port, redis_host, connection) end, function(port)
        local root = ("http://127.0.0.1:%d"):format(port)
        task.nursery(function(nursery)
          for i = 1, 30 do
            nursery:spawn(function()
              local url, page = root .. "/lunik/" .. i, ("page %d "):format(i):rep(100 * i)
              local code, said = put(url, page)
              equal(code, 201)
              equal(said, "kept\n")
              local body, status = http.request(url)
              equal(status, 200)
              equal(body, page)
            end)
          end
        end)
        equal(select(2, http.request(root .. "/lunik/none")), 404)
        -- One connection, several requests.
        local connection = assert(socket.connect("127.0.0.1", port))
        for i = 1, 3 do
          connection:send(("GET /lunik/%d HTTP/1.1\r\nConnection: keep-alive\r\n\r\n"):format(i))
          equal(connection:receive(), "HTTP/1.1 200 OK")
          local size
          repeat
            local line = connection:receive()
            size = tonumber(line:match "^Content%-Length: (%d+)$") or size
          until line == ""
          equal(#connection:receive(size), 700 * i)
        end
        connection:close()
      end)
    end)
  end,
}
