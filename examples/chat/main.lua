-- SPDX-License-Identifier: MIT
-- A chat over WebSocket, with its page. One room, kept in memory.
local http = require "lunik.http"
local room = require "room"
local router = require "lunik.http.router"
local static = require "lunik.http.static"
local sys = require "lunik.sys"
local task = require "lunik.task"
local websocket = require "lunik.http.websocket"

local port = tonumber(arg[1]) or 8080
local chat = room.new()

local app = router.new()

app:use(function(_, res, next)
  res:set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:")
  res:set("Referrer-Policy", "no-referrer")
  return next()
end)

app:get("/chat", function(req, res)
  if chat:is_full() then return 503, "the room is full\n", { ["Retry-After"] = "30" } end
  -- Pages of this host may connect; a client that is silent is asked every 20 s.
  local ws = websocket.upgrade(req, res, { max = 16 * 1024, queue = 256 * 1024, ping = 20 })
  -- A task of its own: the server's, which answer requests, stay free.
  if ws then task.spawn(chat.serve, chat, ws) end
end)

app:mount("/", static.new("www"))

local server = http.server { handler = app }
assert(server:listen(nil, port))
print(("chat on port %d"):format(port))
sys.on_shutdown(function() chat:close() end)
server:run()
