-- SPDX-License-Identifier: MIT
-- websocket.lua: the module lunik.http.websocket: both ends of RFC 6455.
--
-- No extension is offered or taken: messages are not compressed.
local frames = require "lunik.http.frames"
local task = require "lunik.task"

local websocket = {}

local Socket = {}
Socket.__index = Socket

local MAX = 1 << 20 -- bytes of a message that is received
local QUEUE_MAX = 1 << 20 -- bytes of messages that wait in ws:post()
local READ = 16 * 1024
local LINGER_MAX = 256 * 1024 -- bytes that are read after a fault
local CLOSE_WAIT = 5 -- seconds for the other side to answer a close
local VERSION = "13"

-- ---- Headers ----

local TOKEN = "^[!#$%%&'*+%-.^_`|~%w]+$"

-- Whether the list (header) has (word), in any case.
local function has_word(header, word)
  for item in (header or ""):gmatch "[^,]+" do
    if item:match "^%s*(.-)%s*$":lower() == word then return true end
  end
  return false
end

-- The words of a list; nil if one is none.
local function words_of(header)
  local list = {}
  for item in (header or ""):gmatch "[^,]+" do
    local word = item:match "^%s*(.-)%s*$"
    if not word:match(TOKEN) then return nil end
    list[#list + 1] = word
  end
  return list
end

-- ---- Objects ----

local function check_number(value, name, least, level)
  if value ~= nil and not (type(value) == "number" and value >= least) then
    error(("%s must be a number of at least %d"):format(name, least), level + 1)
  end
end

local function check_options(options, level)
  check_number(options.max, "max", 1, level + 1)
  check_number(options.queue, "queue", 1, level + 1)
  check_number(options.ping, "ping", 0.001, level + 1)
  for _, name in ipairs(options.protocols or {}) do
    if type(name) ~= "string" or not name:match(TOKEN) then
      error(("%s is no name of a protocol"):format(tostring(name)), level + 1)
    end
  end
end

local function new(stream, is_client, options)
  return setmetatable({
    stream = stream, is_client = is_client,
    reader = frames.reader(not is_client, options.max and options.max // 1 | 0 or MAX),
    mutex = task.mutex(), ping_every = options.ping,
    queue = {}, queue_first = 1, queue_last = 0, queued = 0, queue_max = options.queue or QUEUE_MAX,
    state = "open", -- "closing": our close was sent; "closed"
  }, Socket)
end

-- Notes why it ended, which every later call answers, and closes the stream.
local function finish(self, code, reason)
  if self.state ~= "closed" then
    self.state = "closed"
    self.code, self.reason = self.code or code, self.reason or reason or ""
    self.queue, self.queue_first, self.queue_last, self.queued = {}, 1, 0, 0
    if self.killer then
      self.killer:cancel()
      self.killer = nil
    end
    self.stream:close()
  end
  return nil, "closed", self.code, self.reason
end

local function write_frame(self, kind, payload)
  local held <close> = self.mutex:lock()
  if self.state == "closed" then return nil, "closed" end
  local ok, err = self.stream:write(frames.encode(kind, payload, self.is_client))
  if not ok then
    finish(self, 1006, err)
    return nil, "closed"
  end
  return true
end

-- Sends our close once, and has the stream closed when nothing answers it: a
-- client that reads nothing must not hold anybody up.
local function send_close(self, code, reason)
  if self.state ~= "open" then return end
  self.state = "closing"
  self.killer = task.after(CLOSE_WAIT, function()
    self.killer = nil
    finish(self, 1006, "no answer to the close")
  end)
  write_frame(self, "close", frames.close(code, reason))
end

-- Reads on after a close for a fault, and throws it away: a stream that is
-- closed with bytes unread may be reset, and the close would be lost with it.
local function linger(self)
  local left = LINGER_MAX
  if self.stream.shutdown then self.stream:shutdown("write") end
  while left > 0 and self.state ~= "closed" do
    local data = self.stream:read(READ, 1)
    if not data then break end
    left = left - #data
  end
end

-- ---- Receiving ----

-- Acts on one event of the reader. True with results for the caller when the
-- event is one for him.
local function act(self, kind, payload, code)
  if kind == "text" or kind == "binary" then
    if self.state == "open" then return true, payload, kind end
  elseif kind == "ping" then
    if self.state == "open" then write_frame(self, "pong", payload) end
  elseif kind == "pong" then
    self.pings = 0
  elseif kind == "close" then
    self.code, self.reason = self.code or code, self.reason or payload
    send_close(self, code ~= 1005 and code or nil)
    return true, finish(self, code, payload)
  elseif kind == "error" then
    self.code, self.reason = code, payload
    send_close(self, code, payload)
    linger(self)
    return true, finish(self, code, payload)
  end
end

-- Waits for bytes until (deadline), with signs of life on the way.
local function read_more(self, deadline)
  while true do
    local left = deadline and math.max(deadline - task.now(), 0)
    local wait = left
    if self.ping_every and (not left or self.ping_every < left) then wait = self.ping_every end
    local data, err = self.stream:read(READ, wait)
    if data then
      self.pings = 0
      return data
    elseif err ~= "timeout" then
      return nil, err
    elseif deadline and task.now() >= deadline then
      return nil, "timeout"
    elseif (self.pings or 0) >= 2 then
      return nil, "no answer to a ping"
    end
    self.pings = (self.pings or 0) + 1
    if not write_frame(self, "ping", "") then return nil, "closed" end
  end
end

--- The next message and "text" or "binary". nil, "timeout"; or nil, "closed",
--- the code and the reason. Answers pings and the other side's close. One task
--- may receive at a time.
function Socket:receive(timeout)
  check_number(timeout, "the timeout", 0, 2)
  if self.state == "closed" then return finish(self) end
  if self.is_receiving then error("another task is receiving from this WebSocket", 2) end
  local deadline = timeout and timeout < math.huge and task.now() + timeout or nil
  local data, err
  local guard <close> = setmetatable({}, { __close = function() self.is_receiving = nil end })
  self.is_receiving = true
  while self.state ~= "closed" do
    local kind, payload, code = self.reader:next(data)
    data = nil
    if kind then
      local is_his, a, b, c, d = act(self, kind, payload, code)
      if is_his and c == nil then return a, b end
      if is_his then return a, b, c, d end
    else
      data, err = read_more(self, deadline)
      if not data then
        if err == "timeout" then return nil, err end
        return finish(self, 1006, err)
      end
    end
  end
  return finish(self)
end

--- An iterator: `for data, kind in ws:messages() do`. Ends when ws is closed.
function Socket:messages()
  return function() return self:receive() end
end

-- ---- Sending ----

local function check_message(data, kind, level)
  if type(data) ~= "string" then
    error(("a message must be a string, not a %s value"):format(type(data)), level + 1)
  end
  kind = kind or "text"
  if kind ~= "text" and kind ~= "binary" then
    error(("a message is \"text\" or \"binary\", not %s"):format(tostring(kind)), level + 1)
  end
  if kind == "text" and not frames.is_text(data) then
    error("a text must be UTF-8; send it as \"binary\"", level + 1)
  end
  return kind
end

--- Sends a message, and waits until there was room for it. True; nil, "closed".
function Socket:send(data, kind)
  kind = check_message(data, kind, 2)
  if self.state ~= "open" then return nil, "closed" end
  return write_frame(self, kind, data)
end

-- Sends what waits in the queue; ends when it is empty.
local function drain(self)
  while self.queue_first <= self.queue_last do
    local item = self.queue[self.queue_first]
    if self.state ~= "open" or not pcall(write_frame, self, item.kind, item.data) then break end
    if self.state == "closed" then break end
    self.queue[self.queue_first] = nil
    self.queue_first = self.queue_first + 1
    self.queued = self.queued - #item.data
  end
  self.drainer = nil
end

--- Sends a message later and does not wait, so that a slow client holds up
--- nobody: for one message to many. True; nil, "closed"; nil, "full" when more
--- bytes than `queue` wait already.
function Socket:post(data, kind)
  kind = check_message(data, kind, 2)
  if self.state ~= "open" then return nil, "closed" end
  if self.queued + #data > self.queue_max then return nil, "full" end
  self.queue_last = self.queue_last + 1
  self.queue[self.queue_last] = { data = data, kind = kind }
  self.queued = self.queued + #data
  if not self.drainer then self.drainer = task.spawn(drain, self) end
  return true
end

--- Sends a ping of at most 125 bytes.
function Socket:ping(data)
  if self.state ~= "open" then return nil, "closed" end
  return write_frame(self, "ping", data or "")
end

--- Whether messages can be sent.
function Socket:is_open() return self.state == "open" end

-- ---- Closing ----

--- Says good-bye, with 1000 or another code and a reason, and waits for the
--- other side's, at most 5 seconds.
function Socket:close(code, reason)
  frames.close(code or 1000, reason) -- raises here if it must
  if self.state == "closed" then return end
  send_close(self, code or 1000, reason)
  if not self.is_receiving then
    task.deadline(CLOSE_WAIT, function() self:receive() end)
    finish(self, 1006, "no answer to the close")
  end
end

-- A block or a collection does not wait for an answer.
local function abandon(self)
  if self.state == "closed" then return end
  self.state = "closed"
  self.code, self.reason = self.code or 1001, self.reason or ""
  self.stream:close()
end
Socket.__close = function(self)
  if self.state == "open" then pcall(send_close, self, 1001) end
  finish(self, 1001)
end
Socket.__gc = abandon

-- ---- The server's handshake ----

-- Whether a page of (origin) may connect. A request without one is from no
-- browser, so nobody else's cookies are in it.
local function check_origin(req, allowed)
  local origin = req.headers["Origin"]
  if not origin or allowed == "*" then return true end
  if type(allowed) == "function" then return allowed(origin, req) and true or false end
  if type(allowed) == "table" then
    for _, one in ipairs(allowed) do
      if origin:lower() == one:lower() then return true end
    end
    return false
  end
  local host = origin:match "^https?://([^/]+)$"
  local own = req.headers["Host"]
  return host ~= nil and own ~= nil and host:lower() == own:lower()
end

-- The first of our protocols that the client offers.
local function choose_protocol(offered, ours)
  for _, mine in ipairs(ours or {}) do
    for _, theirs in ipairs(offered) do
      if mine == theirs then return mine end
    end
  end
end

-- What is wrong with the request: a status, a sentence, headers.
local function find_fault(req, options)
  local headers = req.headers
  if req.method ~= "GET" or req.version ~= "1.1" then
    return 400, "a WebSocket begins with a GET of HTTP/1.1"
  end
  if not has_word(headers["Upgrade"], "websocket") or not has_word(headers["Connection"], "upgrade") then
    return 426, "this is a WebSocket", { Upgrade = "websocket", Connection = "Upgrade" }
  end
  if headers["Sec-WebSocket-Version"] ~= VERSION then
    return 426, "version 13 is spoken here", { ["Sec-WebSocket-Version"] = VERSION, Upgrade = "websocket" }
  end
  if not frames.accept(headers["Sec-WebSocket-Key"] or "") then
    return 400, "Sec-WebSocket-Key is malformed"
  end
  if not words_of(headers["Sec-WebSocket-Protocol"]) then
    return 400, "Sec-WebSocket-Protocol is malformed"
  end
  if not check_origin(req, options.origins) then return 403, "pages from there may not connect" end
end

--- Turns a request into a WebSocket. Options: protocols, max, ping, queue, and
--- origins: who may connect from a page: nil: pages of this host, "*", a list,
--- or fn(origin, req). Where the request is none it is answered: nil, reason.
function websocket.upgrade(req, res, options)
  options = options or {}
  check_options(options, 2)
  local status, why, headers = find_fault(req, options)
  if status then
    res:send(status, why .. "\n", headers)
    return nil, why
  end
  local protocol = choose_protocol(words_of(req.headers["Sec-WebSocket-Protocol"]), options.protocols)
  local stream, err = res:upgrade("websocket", {
    ["Sec-WebSocket-Accept"] = frames.accept(req.headers["Sec-WebSocket-Key"]),
    ["Sec-WebSocket-Protocol"] = protocol,
  })
  if not stream then return nil, err end
  local ws = new(stream, false, options)
  ws.protocol = protocol
  return ws
end

-- ---- The client's handshake ----

local function parse_url(url)
  local scheme, authority, path = url:match "^(%a[%w+.-]*)://([^/?#]+)([^#]*)"
  scheme = scheme and scheme:lower()
  if scheme ~= "ws" and scheme ~= "wss" then return nil end
  if authority:find("@", 1, true) or url:find "[%c ]" then return nil end
  local host, port = authority:match "^%[([%x:.%%%w]+)%]:?(%d*)$"
  if not host then host, port = authority:match "^([^:%[%]]+):?(%d*)$" end
  if not host then return nil end
  port = port == "" and (scheme == "ws" and 80 or 443) or math.tointeger(port)
  if port < 1 or port > 65535 then return nil end
  if path:sub(1, 1) ~= "/" then path = "/" .. path end
  return scheme, host, port, path, authority
end

local function build_request(authority, path, key, options)
  local lines = {
    ("GET %s HTTP/1.1"):format(path), "Host: " .. authority, "Upgrade: websocket",
    "Connection: Upgrade", "Sec-WebSocket-Version: " .. VERSION, "Sec-WebSocket-Key: " .. key,
  }
  if options.origin then lines[#lines + 1] = "Origin: " .. options.origin end
  if options.protocols and #options.protocols > 0 then
    lines[#lines + 1] = "Sec-WebSocket-Protocol: " .. table.concat(options.protocols, ", ")
  end
  for name, value in pairs(options.headers or {}) do
    lines[#lines + 1] = ("%s: %s"):format(name, value)
  end
  for _, line in ipairs(lines) do
    if line:find "[\r\n\0]" then error("a header must be one line", 3) end
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- The status and the headers, by small names, of a response's head.
local function parse_response(head)
  local status, rest = head:match "^HTTP/1%.1 (%d%d%d)[^\r\n]*\r\n(.*)$"
  if not status then return nil end
  local headers = {}
  for line in rest:gmatch "(.-)\r\n" do
    if line == "" then break end
    local name, value = line:match "^([^%s:]+):%s*(.-)%s*$"
    if not name or value:find "[\r\n\0]" then return nil end
    name = name:lower()
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
  return math.tointeger(status), headers
end

-- Why the response does not make a WebSocket; nil: it does.
local function find_refusal(status, headers, key, options)
  if not status then return "the response is malformed" end
  if status ~= 101 then return ("the server answered with %d"):format(status) end
  if not has_word(headers["upgrade"], "websocket") or not has_word(headers["connection"], "upgrade") then
    return "the server did not upgrade"
  end
  if headers["sec-websocket-accept"] ~= frames.accept(key) then
    return "the server's proof is wrong"
  end
  if headers["sec-websocket-extensions"] then return "the server chose an extension" end
  local protocol = headers["sec-websocket-protocol"]
  if protocol then
    for _, name in ipairs(options.protocols or {}) do
      if name == protocol then return nil end
    end
    return "the server chose a protocol that was not offered"
  end
end

local function default_connect(scheme)
  if scheme == "wss" then error("wss:// needs options.connect", 3) end
  return require "lunik.net".connect
end

--- Connects to ws://host[:port]/path. Options: protocols, max, ping, queue,
--- headers, origin, timeout (30 s for the handshake), and connect: fn(host,
--- port, timeout) -> stream, for other ways there. nil and a reason.
function websocket.connect(url, options)
  options = options or {}
  check_options(options, 2)
  local scheme, host, port, path, authority = parse_url(url)
  if not scheme then error(("%q is no address of a WebSocket"):format(tostring(url)), 2) end
  local connect = options.connect or default_connect(scheme)
  local key = frames.key()
  local request = build_request(authority, path, key, options)
  local deadline = task.now() + (options.timeout or 30)
  local stream, err = connect(host, port, options.timeout or 30)
  if not stream then return nil, err end
  local ok, head
  ok, err = stream:write(request)
  if ok then head, err = stream:read_until("\r\n\r\n", 16 * 1024, math.max(deadline - task.now(), 0)) end
  local status, headers
  if head then
    status, headers = parse_response(head)
    err = find_refusal(status, headers, key, options)
  end
  if not head or err then
    stream:close()
    return nil, err
  end
  local ws = new(stream, true, options)
  ws.protocol = headers["sec-websocket-protocol"]
  return ws
end

return websocket
