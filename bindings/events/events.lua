-- SPDX-License-Identifier: MIT
-- events.lua: the module lunik.http.events: server-sent events.
local task = require "lunik.task"

local events = {}

local Stream = {}
Stream.__index = Stream

-- Writes one block; after a failure the stream is closed.
local function write(self, text)
  if self.err then return nil, self.err end
  local held <close> = self.mutex:lock()
  if self.err then return nil, self.err end
  local ok, err = self.res:write(text)
  if not ok then
    self.err = err or "closed"
    return nil, self.err
  end
  self.count = self.count + 1
  return true
end

-- Sends a comment whenever nothing else was sent for (seconds): proxies close
-- connections that are silent, and a client that is gone is found. A handler
-- that ended without closing the stream makes the write raise.
local function keep_alive(self, seconds)
  while not self.err do
    local before = self.count
    task.sleep(seconds)
    if not self.err and self.count == before and not pcall(write, self, ":\n\n") then return end
  end
end

--- Begins the answer and gives the stream of events. Options: keep_alive,
--- seconds between signs of life (15, false: none); headers.
function events.start(res, options)
  options = options or {}
  local seconds = options.keep_alive
  if seconds == nil then seconds = 15 end
  if seconds and not (type(seconds) == "number" and seconds > 0) then
    error("keep_alive must be a number of seconds above 0, or false", 2)
  end
  res:status(200)
  res:set("Content-Type", "text/event-stream; charset=utf-8")
  res:set("Cache-Control", "no-cache, no-transform")
  res:set("X-Accel-Buffering", "no")
  for name, value in pairs(options.headers or {}) do res:set(name, value) end
  local self = setmetatable({ res = res, mutex = task.mutex(), count = 0 }, Stream)
  -- The headers go out with the first bytes: the client waits for them.
  write(self, ":\n\n")
  if seconds then self.keeper = task.spawn(keep_alive, self, seconds) end
  return self
end

local function check_line(name, value)
  value = tostring(value)
  if value:find "[\r\n\0]" then
    error(("an event's %s must be one line"):format(name), 3)
  end
  return value
end

--- Sends { data =, event =, id =, retry = seconds }, or a string as the data.
--- True; nil and a reason once the client is gone.
function Stream:send(event)
  if type(event) ~= "table" then event = { data = event } end
  local lines = {}
  if event.event ~= nil then lines[#lines + 1] = "event: " .. check_line("event", event.event) end
  if event.id ~= nil then lines[#lines + 1] = "id: " .. check_line("id", event.id) end
  if event.retry ~= nil then
    if type(event.retry) ~= "number" or not (event.retry >= 0 and event.retry < 1e9) then
      error("an event's retry must be a number of seconds", 2)
    end
    lines[#lines + 1] = ("retry: %d"):format(event.retry * 1000 // 1)
  end
  if event.data ~= nil then
    local data = tostring(event.data):gsub("\r\n?", "\n")
    for line in (data .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = "data: " .. line end
  end
  return write(self, table.concat(lines, "\n") .. "\n\n")
end

--- Sends text that clients ignore.
function Stream:comment(text)
  return write(self, ": " .. tostring(text or ""):gsub("[\r\n]+", " ") .. "\n\n")
end

--- Whether the client was there when something was last sent.
function Stream:is_open() return self.err == nil end

--- Ends the stream. The client will connect again unless it is told not to.
function Stream:close()
  self.err = self.err or "closed"
  if self.keeper then
    self.keeper:cancel()
    self.keeper = nil
  end
end

Stream.__close = Stream.close
Stream.__gc = Stream.close

return events
