-- SPDX-License-Identifier: MIT
-- bulk.lua: sends and takes many bytes, on LuaSocket alone; see tools/bulk.c.
-- The byte at offset i of what is sent is i mod 251.
local socket = require "socket.core"

local CYCLE = 251
local chunk
do
  local bytes = {}
  for i = 0, CYCLE - 1 do bytes[#bytes + 1] = string.char(i) end
  chunk = table.concat(bytes):rep(256)
end

local function send(client, count)
  while count >= #chunk do
    if not client:send(chunk) then return end
    count = count - #chunk
  end
  client:send(chunk, 1, count)
end

local function take(client, count)
  while count > 0 do
    local data, _, part = client:receive(math.min(count, 65536))
    data = data or part
    if data == "" then return end
    count = count - #data
  end
  client:send "ok"
end

local server = assert(socket.tcp())
server:setoption("reuseaddr", true)
assert(server:bind("0.0.0.0", tonumber(arg and arg[1]) or 8080))
assert(server:listen(16))
print "Listening"
while true do
  local client = server:accept()
  if client then
    client:setoption("tcp-nodelay", true)
    local verb, count = (client:receive "*l" or ""):match "^(%a+) (%d+)$"
    if verb == "send" then send(client, tonumber(count)) end
    if verb == "take" then take(client, tonumber(count)) end
    client:close()
  end
end
