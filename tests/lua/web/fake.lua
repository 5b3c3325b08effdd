-- SPDX-License-Identifier: MIT
-- fake.lua: requests, responses and streams for tests of what rests on them.
local task = require "lunik.task"

local fake = {}

-- ---- Headers: by any case of their names ----

local Headers = {}
function Headers.__index(self, name) return rawget(self, name:lower()) end

function fake.headers(list)
  local headers = {}
  for name, value in pairs(list or {}) do headers[name:lower()] = value end
  return setmetatable(headers, Headers)
end

-- A request as lunik.http gives it: fake.request("GET", "/a?b", { Host = "x" }).
function fake.request(method, target, headers)
  local path = target:match "^[^?#]*":gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  return {
    method = method, target = target, path = path, query = target:match "%?(.*)$",
    version = "1.1", headers = fake.headers(headers), state = {}, remote = "192.0.2.7",
    scheme = "http", host = headers and headers.Host,
  }
end

-- ---- Responses ----

local Response = {}
Response.__index = Response

-- Writes go to .parts; .room is how many more are taken before the client is
-- gone, nil: all.
function fake.response() return setmetatable({ headers = {}, parts = {} }, Response) end
function Response:status(n) self.code = n return self end
function Response:set(name, value) self.headers[name] = value return self end
function Response:write(data)
  if self.room == 0 then return nil, "closed" end
  if self.room then self.room = self.room - 1 end
  self.sent = true
  self.parts[#self.parts + 1] = data
  return true
end
function Response:send(status, body, headers)
  self.code, self.sent = status, true
  self.parts[1] = body
  for name, value in pairs(headers or {}) do self.headers[name] = value end
end
function Response:upgrade(protocol, headers)
  self.code, self.sent, self.protocol = 101, true, protocol
  for name, value in pairs(headers) do self.headers[name] = value end
  return self.stream
end
function Response:text() return table.concat(self.parts) end

-- ---- Streams ----

local Stream = {}
Stream.__index = Stream

-- Two ends of one connection. (step): a read gives at most so many bytes.
function fake.pipe(step)
  local there, back = task.channel(math.huge), task.channel(math.huge)
  local a = setmetatable({ inbox = back, outbox = there, rest = "", step = step or 1 << 20 }, Stream)
  local b = setmetatable({ inbox = there, outbox = back, rest = "", step = step or 1 << 20 }, Stream)
  return a, b
end

function Stream:read(n, timeout)
  if self.is_closed then return nil, "closed" end
  if self.rest == "" then
    local data, err = self.inbox:receive(timeout)
    if not data then return nil, err end
    self.rest = data
  end
  n = math.min(n or self.step, self.step)
  local data = self.rest:sub(1, n)
  self.rest = self.rest:sub(n + 1)
  return data
end

function Stream:read_until(delimiter, max, timeout)
  local text = ""
  while not text:find(delimiter, 1, true) do
    local data, err = self:read(1, timeout)
    if not data then return nil, err, text end
    text = text .. data
    if #text > max then return nil, "too long", text end
  end
  return text
end

function Stream:write(...)
  if self.is_closed or self.is_shut then return nil, "closed" end
  if self.gate then self.gate:receive() end -- a client that does not read
  if self.is_closed then return nil, "closed" end
  self.count = (self.count or 0) + 1
  local ok = self.outbox:send(table.concat { ... })
  return ok, ok and nil or "closed"
end

function Stream:shutdown()
  self.is_shut = true
  self.outbox:close()
end

function Stream:close()
  self.is_closed = true
  if self.gate then self.gate:close() end
  self.outbox:close()
  self.inbox:close()
end

return fake
