-- SPDX-License-Identifier: MIT
-- support.lua: a server for one test, and raw requests to it.
local http = require "lunik.http"
local net = require "lunik.net"
local task = require "lunik.task"

local support = {}

-- Calls fn(port, server) while a server runs with (handler); stops it, and
-- gives fn's results.
function support.with_server(handler, fn, options)
  local all = { handler = handler, drain = 1 }
  for name, value in pairs(options or {}) do all[name] = value end
  local server = http.server(all)
  assert(server:listen("127.0.0.1", 0))
  local _, port = server:address()
  local runner = task.spawn(function() return server:run() end)
  local results = table.pack(xpcall(fn, debug.traceback, port, server))
  server:stop(0.5)
  local joined = table.pack(runner:join(10))
  if not results[1] then error(results[2], 0) end
  assert(joined[1], joined[2])
  return table.unpack(results, 2, results.n)
end

-- Everything that comes, until the end or until nothing comes for a while.
function support.drain(stream, seconds)
  local parts = {}
  while true do
    local data, err = stream:read(65536, seconds or 0.3)
    if not data then return table.concat(parts), err end
    parts[#parts + 1] = data
  end
end

-- Sends (data) on a connection of its own: what came back, and "closed" or
-- "timeout".
function support.raw(port, data, seconds)
  local stream <close> = assert(net.connect("127.0.0.1", port, 5))
  stream:write(data)
  return support.drain(stream, seconds)
end

-- The codes of the answers in (text).
function support.codes(text)
  local codes = {}
  for code in text:gmatch "HTTP/1%.1 (%d%d%d) " do codes[#codes + 1] = code end
  return table.concat(codes, " ")
end

return support
