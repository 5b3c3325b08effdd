-- SPDX-License-Identifier: MIT
-- client.lua: the HTTP client: connections that are kept, redirects, bodies
-- both ways. What a server answers is read and checked in C.
local http = require "lunik.http"
local net = require "lunik.net"
local now = require "lunik.task".now

local client = {}

local Client = {}
Client.__index = Client

local DEFAULTS = {
  timeout = 30, redirects = 5, idle = 8, idle_time = 15, continue_time = 1,
}
local LIMITS = { head = 16384, fields = 100, body = 16 * 1024 * 1024 }
local PIECE = 65536

local idempotent = { GET = true, HEAD = true, OPTIONS = true, PUT = true, DELETE = true, TRACE = true }

-- ---- Connections ----

local function connect(self, url, timeout)
  if self.connect then return self.connect(url.scheme, url.host, url.port, timeout) end
  if url.scheme ~= "http" then return nil, "unsupported scheme: " .. url.scheme end
  return net.connect((url.host:gsub("^%[(.*)%]$", "%1")), url.port, timeout)
end

-- A connection that is kept may have been closed meanwhile; whoever sent
-- something unasked is not to be trusted with more.
local function is_alive(stream)
  local _, err = stream:read(1, 0)
  return err == "timeout"
end

-- A stream to (url), and whether it was used before.
local function acquire(self, url, fresh, timeout)
  local list = self.kept[url.key]
  while list and #list > 0 and not fresh do
    local entry = table.remove(list)
    self.count = self.count - 1
    if entry.until_time > now() and is_alive(entry.stream) then return entry.stream, true end
    entry.stream:close()
  end
  local stream, err = connect(self, url, timeout)
  return stream, stream and false or err
end

local function release(self, key, stream)
  if self.count >= self.idle or self.closed then
    stream:close()
    return
  end
  local list = self.kept[key]
  if not list then
    list = {}
    self.kept[key] = list
  end
  list[#list + 1] = { stream = stream, until_time = now() + self.idle_time }
  self.count = self.count + 1
end

-- ---- Requests ----

local function check_field(name, value)
  value = tostring(value)
  if type(name) ~= "string" or not http.is_token(name) then
    error("bad name of a request's field", 0)
  end
  if not http.is_value(value) then error(("bad value of a request's field '%s'"):format(name), 0) end
  return name .. ": " .. value .. "\r\n"
end

-- The head's lines, and whether the fields named in (known) were given.
local function fields_of(headers, known)
  local lines = {}
  for name, value in pairs(headers or {}) do
    local lower = type(name) == "string" and name:lower() or name
    if lower == "content-length" or lower == "transfer-encoding" or lower == "connection" then
      error(("the field '%s' is the client's to set"):format(name), 0)
    end
    known[lower] = true
    for _, one in ipairs(type(value) == "table" and value or { value }) do
      lines[#lines + 1] = check_field(name, one)
    end
  end
  return lines
end

local function authority(url)
  local default = url.scheme == "https" and 443 or 80
  return url.port == default and url.host or url.host .. ":" .. url.port
end

local function head_of(method, url, headers, body, expects)
  local known = {}
  local lines = fields_of(headers, known)
  local target = url.path .. (url.query and "?" .. url.query or "")
  if not http.is_token(method) then error("bad method", 0) end
  table.insert(lines, 1, ("%s %s HTTP/1.1\r\n"):format(method, target))
  if not known.host then table.insert(lines, 2, "Host: " .. authority(url) .. "\r\n") end
  if not known["user-agent"] then lines[#lines + 1] = "User-Agent: lunik\r\n" end
  if type(body) == "string" then
    lines[#lines + 1] = ("Content-Length: %d\r\n"):format(#body)
  elseif body then
    lines[#lines + 1] = "Transfer-Encoding: chunked\r\n"
  elseif method == "POST" or method == "PUT" or method == "PATCH" then
    lines[#lines + 1] = "Content-Length: 0\r\n"
  end
  if expects then lines[#lines + 1] = "Expect: 100-continue\r\n" end
  lines[#lines + 1] = "\r\n"
  return table.concat(lines)
end

local function pieces_of(body)
  if type(body) == "function" then return body end
  return function()
    local data, err = body:read(PIECE)
    if not data and err ~= "closed" then error(("reading the body: %s"):format(err), 0) end
    return data
  end
end

local function left(deadline)
  return deadline and math.max(0, deadline - now()) or nil
end

local function send_body(stream, body, deadline)
  if type(body) == "string" then return stream:write(body) end
  for piece in pieces_of(body) do
    if #piece > 0 then
      stream:settimeout(left(deadline))
      local ok, err = stream:write(("%x\r\n"):format(#piece), piece, "\r\n")
      if not ok then return nil, err end
    end
  end
  return stream:write("0\r\n\r\n")
end

-- ---- Answers ----

local Response = {}
function Response.__index(response, key)
  return Response[key] or (key == "trailers" and response.answer.trailers or nil)
end

-- The whole answer was read: its connection may serve another request.
local function finish(response)
  if response.done then return end
  response.done = true
  if response.answer.keep_alive and response.is_clean then
    release(response.pool, response.key, response.connection)
  else
    response.connection:close()
  end
end

for _, name in ipairs { "read", "read_exactly", "read_until", "read_all" } do
  Response[name] = function(response, ...)
    local data, err, partial = response.answer[name](response.answer, ...)
    if response.answer.complete then
      finish(response)
    elseif not data and err ~= "timeout" and err ~= "too long" then
      response:close()
    end
    return data, err, partial
  end
end
function Response.settimeout(response, seconds) response.answer:settimeout(seconds) end
function Response.close(response)
  if response.done then return end
  response.done = true
  response.answer:close()
  response.connection:close()
end
Response.__close = Response.close
Response.__gc = Response.close

-- (is_clean): the server had the whole request, so that it takes what comes
-- next on the connection for another one.
local function new_response(self, url, stream, answer, is_clean)
  return setmetatable({
    status = answer.status, reason = answer.reason, version = answer.version,
    headers = answer.headers, url = url.text, answer = answer, connection = stream,
    key = url.key, pool = self, is_clean = is_clean,
  }, Response)
end

-- ---- One request and its answer ----

local function read_answer(self, stream, method, deadline, more)
  local options = { method = method, timeout = left(deadline), head = self.limits.head,
    fields = self.limits.fields, body = self.limits.body }
  for name, value in pairs(more or {}) do options[name] = value end
  return http.read_response(stream, options)
end

-- Sends the head and, if the server says so or says nothing, the body.
local function send(self, stream, method, head, body, expects, deadline)
  local ok, err
  if not body then return stream:write(head) end
  if type(body) == "string" and not expects then return stream:write(head, body) end
  ok, err = stream:write(head)
  if not ok then return nil, err end
  if expects then
    local go_on = now() + self.continue_time
    local early, why
    repeat -- (Others of its kind, like 103, say nothing of the body.)
      early, why = read_answer(self, stream, method, deadline, { interim = true, timeout = left(go_on) })
    until not early or early.status >= 200 or early.status <= 101
    if early and early.status ~= 100 then return true, early end
    if not early and why ~= "timeout" then return nil, why end
  end
  return send_body(stream, body, deadline)
end

local function attempt(self, opts, url, method, fresh, deadline)
  local expects = opts.expect and opts.body ~= nil
  local head = head_of(method, url, opts.headers, opts.body, expects)
  local stream, used = acquire(self, url, fresh, left(deadline))
  if not stream then return nil, used end
  stream:settimeout(left(deadline))
  local answer, is_clean
  local ok, err = send(self, stream, method, head, opts.body, expects, deadline)
  if ok and type(err) == "userdata" then
    answer = err
  elseif ok or err == "closed" or err == "connection reset by peer" then
    -- (A server may answer and close before it has read all.)
    is_clean = ok
    answer, err = read_answer(self, stream, method, deadline)
  end
  if not answer then
    stream:close()
    local is_lost = err == "closed" or err == "connection reset by peer"
    return nil, err, used and is_lost
  end
  return new_response(self, url, stream, answer, is_clean)
end

local function parse(text)
  local url, err = http.parse_url(text)
  if not url then return nil, err end
  url.text = text
  url.key = url.scheme .. "://" .. url.host .. ":" .. url.port
  return url
end

-- The address that a redirect from (url) to (location) leads to.
local function resolve(url, location)
  if location:match "^%a[%w+.-]*:" then return location end
  local base = url.scheme .. "://" .. authority(url)
  if location:sub(1, 2) == "//" then return url.scheme .. ":" .. location end
  if location:sub(1, 1) == "/" then return base .. location end
  if location:sub(1, 1) == "?" then return base .. url.path .. location end
  return base .. url.path:gsub("[^/]*$", "") .. location
end

local function without(headers, names)
  local kept = {}
  for name, value in pairs(headers or {}) do
    if not names[name:lower()] then kept[name] = value end
  end
  return kept
end

local private = { authorization = true, cookie = true, ["proxy-authorization"] = true, host = true }
local of_body = { ["content-type"] = true, ["content-encoding"] = true, ["content-language"] = true }

-- The request that (response) sends us to; nil: it is the answer itself.
local function redirected(opts, url, method, response)
  local status, location = response.status, response.headers.location
  if not location or not (status == 301 or status == 302 or status == 303 or status == 307 or status == 308) then
    return nil
  end
  local next_url, err = parse((resolve(url, location):gsub("#.*", "")))
  if not next_url then return false, err end
  local next_opts = { headers = opts.headers, body = opts.body, expect = opts.expect }
  if status == 303 and method ~= "HEAD" or (status <= 302 and method == "POST") then
    method, next_opts.body = "GET", nil
    next_opts.headers = without(next_opts.headers, of_body)
  elseif next_opts.body and type(next_opts.body) ~= "string" then
    return nil -- it cannot be sent twice
  end
  if next_url.key ~= url.key then next_opts.headers = without(next_opts.headers, private) end
  return next_opts, next_url, method
end

-- What is left of an answer that nobody wants: a little is read, so that the
-- connection can be kept.
local function discard(response)
  if response.answer.complete then
    finish(response)
  elseif not response:read_all(PIECE, 1) then
    response:close()
  end
end

local function perform(self, opts)
  local timeout = opts.timeout or self.timeout
  local deadline = timeout and now() + timeout
  local method, hops = opts.method or "GET", opts.redirects or self.redirects
  local url, err = parse(opts.url)
  if not url then return nil, err end
  while true do
    local response, why, may_retry = attempt(self, opts, url, method, false, deadline)
    if not response and may_retry and idempotent[method] and
        (opts.body == nil or type(opts.body) == "string") then
      response, why = attempt(self, opts, url, method, true, deadline)
    end
    if not response then return nil, why end
    local next_opts, next_url, next_method = redirected(opts, url, method, response)
    if next_opts == nil or hops == 0 then return response, nil, deadline end
    discard(response)
    if not next_opts then return nil, next_url end
    opts, url, method, hops = next_opts, next_url, next_method, hops - 1
  end
end

function Client:request(opts)
  if type(opts) == "string" then opts = { url = opts } end
  if type(opts) ~= "table" or type(opts.url) ~= "string" then
    error("http.request wants a table with url", 2)
  end
  local response, err, deadline = perform(self, opts)
  if not response then return nil, err end
  if response.answer.complete then
    finish(response)
    response.body = ""
    return response
  end
  if opts.stream then
    response:settimeout(opts.timeout or self.timeout)
    return response
  end
  response.body, err = response:read_all(opts.limit or self.limits.body, left(deadline))
  if not response.body then
    response:close()
    return nil, err
  end
  finish(response)
  return response
end

local function with(opts, more)
  local all = {}
  for name, value in pairs(opts or {}) do all[name] = value end
  for name, value in pairs(more) do all[name] = value end
  return all
end

function Client:get(url, opts) return self:request(with(opts, { url = url, method = "GET" })) end
function Client:post(url, body, opts)
  return self:request(with(opts, { url = url, method = "POST", body = body }))
end

-- Closes the connections that are kept.
function Client:close()
  self.closed = true
  for _, list in pairs(self.kept) do
    for _, entry in ipairs(list) do entry.stream:close() end
  end
  self.kept, self.count = {}, 0
end
Client.__close = Client.close

-- http.client{ timeout =, redirects =, idle =, idle_time =, limits =, connect = }
function client.client(opts)
  local self = with(DEFAULTS, opts or {})
  self.limits = with(LIMITS, opts and opts.limits or {})
  self.kept, self.count = {}, 0
  return setmetatable(self, Client)
end

local default = client.client()
function client.request(opts) return default:request(opts) end
function client.get(url, opts) return default:get(url, opts) end
function client.post(url, body, opts) return default:post(url, body, opts) end

return client
