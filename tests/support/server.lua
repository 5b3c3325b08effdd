-- SPDX-License-Identifier: MIT
-- server.lua: small HTTP servers on this machine, for tests of what talks to
-- them: LuaSocket programs, run by the host platform.

local build = require "image.build"
local fs = require "util.fs"
local load = require "project.load"
local poll = require "posix.poll"
local process = require "util.process"
local sdk = require "util.sdk"
local socket = require "posix.sys.socket"
local suite = require "suite"
local unistd = require "posix.unistd"

local server = {}

-- A port of 127.0.0.1 that nobody has now.
function server.free_port()
  local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0))
  assert(socket.bind(fd, { family = socket.AF_INET, addr = "127.0.0.1", port = 0 }))
  local port = socket.getsockname(fd).port
  unistd.close(fd)
  return port
end

-- The text of a main.lua that serves on (port), or on what the variable PORT
-- says. ANSWERS, which (answers) defines, maps a path to the raw bytes of an
-- answer, or to a function of the client that gives none; other paths get
-- (body). Requests whose head asks for it, and answers that say so, end the
-- connection.
function server.program(port, body, answers)
  return ([[
local socket = require "socket"
local task = require "lunik.task"
local listener = assert(socket.bind("%s", %s))
local ANSWERS = { %s }
local BODY = %q
print("listening")

local function serve(client)
  client:settimeout(10)
  while true do
    local line = client:receive()
    if not line then break end
    local path, close = line:match "^%%u+ (%%S+)", false
    while line and line ~= "" do
      if line:lower():match "^connection: close" then close = true end
      line = client:receive()
    end
    local answer = ANSWERS[path] or ("HTTP/1.1 200 OK\r\nContent-Length: "
      .. #BODY .. (close and "\r\nConnection: close" or "") .. "\r\n\r\n" .. BODY)
    if type(answer) == "function" then answer(client) break end
    client:send(answer)
    if close or answer:find "Connection: close" then break end
  end
  client:close()
end

while true do
  local client = listener:accept()
  if client then task.spawn(serve, client) end
end
]]):format("*", port and tostring(port) or 'os.getenv "PORT" or 8080', answers or "", body or "hello\n")
end

-- Sends (text) to (port), and gives what comes until the end, or until nothing
-- comes for 2 s; (size): no more than that is waited for. nil and why.
function server.exchange(port, text, size)
  local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0))
  local ok, why = socket.connect(fd, { family = socket.AF_INET, addr = "127.0.0.1", port = port })
  if not ok then
    unistd.close(fd)
    return nil, why
  end
  process.write_all(fd, text)
  local got = ""
  while not size or #got < size do
    local data = process.read(fd, 2)
    if not data or data == "" then break end
    got = got .. data
  end
  unistd.close(fd)
  return got
end

-- What (port) answers to a GET of (path), whole; nil and why.
function server.get(port, path)
  local text, why = server.exchange(port,
    ("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):format(path or "/"))
  if not text then return nil, why end
  return text:match "^HTTP/1.1 200.-\r\n\r\n(.*)$", text
end

-- Calls (check) until it gives something true; ends the test after (seconds).
function server.await(what, check, seconds)
  local deadline = process.now() + (seconds or 20)
  repeat
    local result = check()
    if result then return result end
    poll.poll({}, 10)
  until process.now() > deadline
  error("never came: " .. what, 2)
end

-- Starts (words) until the test's end, its output in a file. Gives an object
-- with .pid, said(), ended().
function server.start(words)
  local log = suite.folder() .. "/log"
  local out = assert(io.open(log, "w"))
  local fd = require "posix.stdio".fileno(out)
  local pid = process.start(words, { [1] = fd, [2] = fd }, function() unistd.setpid "s" end)
  out:close()
  local self = { pid = pid, said = function() return fs.try_read(log) or "" end }
  function self.ended()
    if not self.how then self.how, self.status = process.try_wait(pid) end
    return self.how ~= nil
  end
  suite.at_end(function()
    if self.ended() then return end
    process.kill(-pid)
    process.wait(pid)
  end)
  return self
end

-- Runs a program, as server.program() makes them, on a free port: the port.
function server.run(body, answers)
  local port = server.free_port()
  local folder = suite.project { ["main.lua"] = server.program(port, body, answers),
    ["lunik.lua"] = 'return { name = "served" }' }
  local sealed = build.seal(load.project(folder))
  local started = server.start { sdk.host_runner, "--image", sealed.image }
  server.await("the server", function() return server.get(port, "/") end)
  return port, started
end

return server
