-- SPDX-License-Identifier: MIT
-- copas_tests.lua: copas as it is, and those of its own tests that need neither
-- the Internet nor TLS.
require "copas"
require "copas.http"
require "copas.lock"
require "copas.queue"
require "copas.semaphore"
require "copas.timer"
require "binaryheap"
require "timerwheel"
local script = require "script"
local socket = require "socket"
local sys = require "lunik.sys"
local task = require "lunik.task"

-- Each begins with a copas that has nothing to do.
local function forget()
  for name in pairs(package.loaded) do
    if name:find "^copas" then package.loaded[name] = nil end
  end
  collectgarbage()
end

local function run(path, ...)
  forget()
  local out = script.recorder()
  -- One asks `uname` where it is: listen(0) does not refuse the second connection
  -- everywhere, which it knows of Macs.
  local system = sys.build.hypervisor == "host" and "Linux" or "Darwin"
  out.io.popen = function() return { read = function() return system end } end
  local folder = script.folder
  script.folder = os.getenv "COPAS_TESTS" or "copas-tests/"
  local ok, why = pcall(script.run, path, { is_shared = true, print = out.print, io = out.io }, nil, ...)
  script.folder = folder
  forget()
  assert(ok, ("%s\nIt printed:\n%s"):format(tostring(why), out.text():sub(-3000)))
  return out.text()
end

local tests = {}

for _, path in ipairs { "close.lua", "errhandlers.lua", "exit.lua",
  "exittest.lua", "lock.lua", "loop_starter.lua", "pause.lua", "queue.lua",
  "removeserver.lua", "removethread.lua", "semaphore.lua", "tcptimeout.lua",
  "timeout_errors.lua", "timer.lua", "udptimeout.lua" } do
  -- Some compare their own timers with the clock, to hundredths: a machine that
  -- is busy may spoil that, but not three times.
  tests["copas: " .. path] = function()
    for _ = 1, 2 do
      if pcall(run, path) then return end
    end
    run(path)
  end
end

tests["copas and tasks live in one program"] = function()
  forget()
  local copas = require "copas"
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  local answers = {}
  copas.addserver(server, copas.handler(function(connection)
    connection:send((connection:receive()):upper() .. "\n")
  end))
  local loop = task.spawn(copas.loop)
  task.nursery(function(nursery)
    for i = 1, 20 do
      nursery:spawn(function()
        local client = assert(socket.connect("127.0.0.1", port))
        client:send("word " .. i .. "\n")
        answers[i] = client:receive()
        client:close()
      end)
    end
  end)
  for i = 1, 20 do assert(answers[i] == "WORD " .. i, answers[i]) end
  copas.removeserver(server)
  loop:cancel()
  loop:join()
  forget()
end

return tests
