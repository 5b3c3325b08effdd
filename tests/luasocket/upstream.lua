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
  assert(select(2, text:gsub("ok\n", "")) >= 20, text)
end

tests["mimetest.lua"] = function()
  -- It writes files where it stands: that is the sealed tree in an image.
  local text = run("mimetest.lua", nil, function(source)
    return (source:gsub('"(%w+%.bin%d?)"', '"/tmp/%1"'))
  end)
  assert(select(2, text:gsub("ok\n", "")) >= 10, text)
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

tests["udpconnectclnt.lua and udpconnectsrvr.lua"] = function()
  local out = script.recorder()
  task.nursery(function(nursery)
    nursery:spawn(script.run, "udpconnectsrvr.lua", { print = out.print })
    local port
    repeat
      task.sleep(0.01)
      port = out.text():match "getsockname\t127%.0%.0%.1\t(%d+)"
    until port
    script.run("udpconnectclnt.lua", { print = function() end, arg = { port } })
  end)
  -- Connected it hears only the one; then both.
  assert(out.text():find "^setpeername\t1\n.-\nthis is a test from sc\n", out.text())
  assert(out.text():find "\nthis is a test from se\t127%.0%.0%.1\t5062\n", out.text())
end

return tests
