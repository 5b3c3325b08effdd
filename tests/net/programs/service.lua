-- SPDX-License-Identifier: MIT
-- service.lua: a guest that says what it knows of its network, over HTTP and on
-- the console. "GET /word?text" answers what the function of that name gives.
local net = require "lunik.net"
local sys = require "lunik.sys"
local task = require "lunik.task"

local answers = {}

-- One line for each thing about each interface.
function answers.interfaces()
  local lines = {}
  for _, interface in ipairs(net.interfaces()) do
    lines[#lines + 1] = ("%s %s link=%s broken=%s gateway4=%s gateway6=%s"):format(interface.name,
      interface.hardware, tostring(interface.link), tostring(interface.broken),
      tostring(interface.gateway4), tostring(interface.gateway6))
    for _, address in ipairs(interface.addresses) do
      lines[#lines + 1] = ("address %s/%d %s%s%s"):format(address.address, address.prefix, address.source,
        address.tentative and " tentative" or "", address.duplicate and " duplicate" or "")
    end
  end
  for _, server in ipairs(net.nameservers()) do lines[#lines + 1] = "nameserver " .. tostring(server) end
  return table.concat(lines, "\n") .. "\n"
end

function answers.memory()
  collectgarbage()
  collectgarbage()
  local memory = sys.memory()
  return ("free %d\nheap %d\nstacks %d\nlua %d\n"):format(memory.free, memory.heap, memory.stacks, memory.lua)
end

-- The addresses of a name, and the milliseconds that took.
function answers.resolve(name)
  local began = sys.clock()
  local list, why = net.resolve(name, 8)
  return ("took %d\n%s\n"):format((sys.clock() - began) * 1000 // 1,
    list and table.concat(list, " ") or "failed: " .. tostring(why))
end

-- Connects to "HOST PORT", asks for nothing.
function answers.connect(text)
  local host, port = text:match "^(%S+)%%20(%d+)$"
  local began = sys.clock()
  local stream, why = net.connect(host, tonumber(port), 3)
  if stream then stream:close() end
  return ("took %d\n%s\n"):format((sys.clock() - began) * 1000 // 1, stream and "connected" or "failed: " .. why)
end

-- Connects COUNT times to port 9000 of the host, one after the other.
function answers.connects(count)
  local good = 0
  for _ = 1, tonumber(count) do
    local stream = net.connect("10.77.0.1", 9000, 5)
    if stream then
      good = good + 1
      stream:close()
    end
  end
  return ("good %d\n"):format(good)
end

function answers.names(count)
  local good = 0
  for i = 1, tonumber(count) do
    if net.resolve(("n%d.example"):format(i), 5) then good = good + 1 end
  end
  return ("good %d\n"):format(good)
end

answers[""] = function() return "Hello from Lua!\n" end

local function serve(stream)
  while true do
    local head = stream:read_until("\r\n\r\n", 8192, 60)
    if not head then break end
    local word, text = head:match "^GET /(%w*)%??(%S*) HTTP"
    local fn = answers[word]
    local body = fn and fn(text) or "no such thing\n"
    if not stream:write(("HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"):format(
      fn and "200 OK" or "404 Not Found", #body, body)) then break end
    if head:find("Connection: close", 1, true) then break end
  end
  stream:close()
end

local listener, why = net.listen(nil, 8080)
print("listen", listener and "ok" or why)
print "Listening"
-- Says what changes, until it has said it of half a minute.
task.spawn(function()
  local ok, failure = net.wait(30)
  print("wait", ok, failure)
  if not ok then
    print("connect", net.connect("10.77.0.1", 9, 2))
    print("resolve", net.resolve("some.example", 2))
    print "end"
    return sys.exit(0)
  end
  local last = answers.interfaces()
  io.write(last, "ready\n")
  for _ = 1, 120 do
    task.sleep(0.25)
    local now = answers.interfaces()
    if now ~= last then io.write("changed\n", now) end
    last = now
  end
end)
while true do
  local stream = listener:accept()
  if stream then task.spawn(serve, stream) end
end
