-- SPDX-License-Identifier: MIT
-- testclnt.lua: LuaSocket's testclnt.lua against its testsrvr.lua, two tasks of
-- one program. Where it goes outside it is sent to a black hole of our own, and
-- the time that a call took, which only its debugging build gives, is measured
-- here.
local script = require "script"
local socket = require "socket"
local task = require "lunik.task"

local PORT = 8383

-- A port of ours that answers no more: its queue is full. Linux drops what comes
-- then. In an image the launch variable BLACK_HOLE says where there is nobody.
local function black_hole()
  local held = {}
  local server = assert(socket.tcp4())
  assert(server:bind("127.0.0.1", 0))
  assert(server:listen(0))
  local _, port = server:getsockname()
  for i = 1, 3 do
    held[i] = socket.tcp4()
    held[i]:settimeout(0)
    held[i]:connect("127.0.0.1", port)
  end
  held[#held + 1] = server
  return port, held
end

-- Gives receive() and send() their fourth result.
local function with_elapsed(fn)
  local methods = debug.getregistry()["tcp{client}"].__index
  local saved = {}
  for _, name in ipairs { "receive", "send" } do
    local method = methods[name]
    saved[name] = method
    methods[name] = function(...)
      local began = socket.gettime()
      local a, b, c = method(...)
      return a, b, c, socket.gettime() - began
    end
  end
  local ok, why = pcall(fn)
  for name, method in pairs(saved) do methods[name] = method end
  if not ok then error(why, 0) end
end

local function run_client(out)
  local host, port, held = os.getenv "BLACK_HOLE", 81, {}
  if not host then
    host = "127.0.0.1"
    port, held = black_hole()
  end
  local how = script.run("testclnt.lua", {
    print = out.print, io = out.io, host = "127.0.0.1", port = PORT,
    math = setmetatable({ mod = math.fmod }, { __index = math }),
  }, function(text)
    local changed, count = text:gsub('"10%.0%.0%.1", 81', ('"%s", %d'):format(host, port))
    assert(count == 1)
    return changed
  end)
  for _, s in ipairs(held) do s:close() end
  assert(how == "end", "it failed:\n" .. out.text():sub(-3000))
end

return {
  ["testclnt.lua passes against testsrvr.lua"] = function()
    local out = script.recorder()
    rawset(socket, "_DEBUG", true)
    task.nursery(function(nursery)
      local server = nursery:spawn(script.run, "testsrvr.lua",
        { print = function() end, host = "127.0.0.1", port = PORT })
      task.yield()
      local ok, why = pcall(with_elapsed, function() run_client(out) end)
      server:cancel()
      assert(ok, why)
    end)
    assert(not out.text():find "ERROR", out.text():sub(-3000))
    assert(select(2, out.text():gsub("\ntesting: ", "")) >= 15, out.text())
  end,
}
