-- SPDX-License-Identifier: MIT
-- accesslog.lua: the module lunik.http.accesslog: a line for each request.
local log = require "lunik.log"
local sys = require "lunik.sys"

local accesslog = {}

-- What came from outside, fit for one line between quotes: as Apache has it.
local function quoted(text)
  if text == nil then return "-" end
  return (text:gsub('[%c"\\\127-\255]', function(c)
    if c == '"' or c == "\\" then return "\\" .. c end
    return ("\\x%02x"):format(c:byte())
  end))
end

local MAX = 1024 -- bytes of a field that are shown

local function cut(text)
  if text and #text > MAX then return text:sub(1, MAX) .. "..." end
  return text
end

-- The bytes of the body that were sent, if that is known.
local function size_of(entry)
  return entry.bytes and ("%d"):format(entry.bytes) or "-"
end

--- One line of the combined format, without its end.
function accesslog.combined(entry)
  return ('%s - - [%s] "%s %s HTTP/%s" %d %s "%s" "%s"'):format(entry.remote or "-",
    os.date("!%d/%b/%Y:%H:%M:%S +0000", math.tointeger(entry.time // 1)), quoted(cut(entry.method)),
    quoted(cut(entry.target)), quoted(entry.version), entry.status, size_of(entry),
    quoted(cut(entry.referer)), quoted(cut(entry.agent)))
end

local function write_combined(entry)
  io.stderr:write(accesslog.combined(entry), "\n")
end

-- By lunik.log, in the format that it is set to: logfmt or JSON.
local function write_fields(entry)
  log.info("request", {
    remote = entry.remote, method = cut(entry.method), target = cut(entry.target),
    status = entry.status, bytes = entry.bytes, seconds = entry.seconds,
    agent = cut(entry.agent), referer = cut(entry.referer),
  })
end

local writers = { combined = write_combined, fields = write_fields }

local function writer_of(format, level)
  local write = format
  if type(format) ~= "function" then write = writers[format or "combined"] end
  if not write then
    error(("the format must be \"combined\", \"fields\" or a function, not %s"):format(tostring(format)),
      level + 1)
  end
  return write
end

local function entry_of(req, status, bytes, seconds)
  local headers = req.headers
  return {
    remote = req.remote, time = sys.time(), method = req.method, target = req.target,
    version = req.version, status = status, bytes = bytes, seconds = seconds,
    referer = headers["Referer"], agent = headers["User-Agent"],
  }
end

--- A function for the server's `log`: fn(req, status, bytes, seconds). The
--- format is "combined", "fields" (by lunik.log, as logfmt or JSON), or a
--- function that takes the entry.
function accesslog.server(format)
  local write = writer_of(format, 2)
  return function(req, status, bytes, seconds)
    write(entry_of(req, status, bytes, seconds))
  end
end

--- The same as middleware of a router, for only some of a server's paths. It
--- sees what handlers return; of bodies in pieces it does not know the size.
function accesslog.new(format)
  local write = writer_of(format, 2)
  local function note(req, began, ...)
    local status, body = ...
    if type(status) == "string" then status, body = 200, status end
    if math.type(status) ~= "integer" then status = 200 end
    local bytes = type(body) == "string" and #body or body == nil and 0 or nil
    write(entry_of(req, status, bytes, sys.clock() - began))
    return ...
  end
  -- What http.error() raises has a status; other errors are answered with 500.
  local watch = { __close = function(self, err)
    local status = type(err) == "table" and err.status
    if err ~= nil then note(self.req, self.began, math.type(status) == "integer" and status or 500) end
  end }
  return function(req, _, next)
    local began = sys.clock()
    local watched <close> = setmetatable({ req = req, began = began }, watch)
    return note(req, began, next())
  end
end

return accesslog
