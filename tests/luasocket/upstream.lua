-- SPDX-License-Identifier: MIT
-- upstream.lua: LuaSocket's own test files, as they are, each in its own
-- environment. What needs servers of its author's is not here.
require "ltn12"
require "mime"
require "socket.headers"
require "socket.url"
local script = require "script"
local socket = require "socket"
local task = require "lunik.task"

-- Runs (path) and gives what it printed.
local function run(path, globals, change)
  local out = script.recorder()
  local all = { print = out.print, io = out.io }
  for name, value in pairs(globals or {}) do all[name] = value end
  local ok, why = pcall(script.run, path, all, change)
  collectgarbage() -- they leave sockets behind
  assert(ok, ("%s\nIt printed:\n%s"):format(why, out.text():sub(-2000)))
  return out.text(), why
end

local tests = {}

tests["urltest.lua"] = function()
  local text, how = run "urltest.lua"
  assert(how == "end", text:sub(-1000)) -- it exits where it fails
  assert(select(2, text:gsub("ok\n", "")) > 0 or #text > 0)
end

tests["ltn12test.lua"] = function()
  local text = run "ltn12test.lua"
  assert(select(2, text:gsub("ok\n", "")) >= 13, text)
end

tests["mimetest.lua"] = function()
  -- It writes files where it stands: that is the sealed tree in an image.
  local text = run("mimetest.lua", nil, function(source)
    return (source:gsub('"(%w+%.bin%d?)"', '"/tmp/%1"'))
  end)
  assert(select(2, text:gsub("ok\n", "")) >= 6, text)
end

tests["stufftest.lua"] = function() assert(run "stufftest.lua" == ("ok\n"):rep(7)) end

tests["hello.lua"] = function() assert(run "hello.lua":find "^Hello from LuaSocket 3") end

tests["excepttest.lua"] = function() assert(run "excepttest.lua" == "OK\n") end

tests["test_bind.lua"] = function() assert(run "test_bind.lua" == "done!\n") end

tests["test_getaddrinfo.lua"] = function() assert(run "test_getaddrinfo.lua" == "done!\n") end

tests["test_socket_error.lua"] = function()
  assert(run "test_socket_error.lua":find "^Passed! Error is 'connection refused'")
end

tests["tcp-getoptions"] = function()
  -- It is for Lua 5.1.
  local text = run("tcp-getoptions", { unpack = table.unpack })
  -- (A socket without a family, the first, has no options yet.)
  assert(select(2, text:gsub("tcp%-keepintvl\ttrue\t", "")) >= 4, text)
end

tests["udp-zero-length-send"] = function() assert(run "udp-zero-length-send":find "^OK") end

tests["udp-zero-length-send-recv"] = function()
  assert(run "udp-zero-length-send-recv":find "^ok")
end

-- (udpconnectclnt.lua is for a person who types in the port, which changes once
-- the socket is disconnected; so we are the client.)
tests["udpconnectsrvr.lua"] = function()
  local out = script.recorder()
  local server = task.spawn(script.run, "udpconnectsrvr.lua", { print = out.print })
  local clients = {}
  for i, port in ipairs { 5062, 5061 } do
    clients[i] = assert(socket.udp4())
    assert(clients[i]:setsockname("127.0.0.1", port))
  end
  for _ = 1, 200 do
    local port = out.text():match ".*getsockname\t%S+\t(%d+)"
    for i, client in ipairs(clients) do
      if port and port ~= "0" then client:sendto("from client " .. i, "127.0.0.1", port) end
    end
    if server:join(0.02) ~= nil then break end
  end
  for _, client in ipairs(clients) do client:close() end
  local ok, why = server:join(0)
  assert(ok, tostring(why) .. "\n" .. out.text())
  -- Connected it hears only the one; then both.
  assert(out.text():find "\nfrom client 2\n", out.text())
  assert(not out.text():find "\nfrom client 1\n", out.text())
  assert(out.text():find "\nfrom client %d\t127%.0%.0%.1\t506%d\n", out.text())
end

return tests
