-- SPDX-License-Identifier: MIT
-- process.lua: runs other programs, by a list of words, never by a shell.

local errno = require "posix.errno"
local fail = require "util.fail"
local fcntl = require "posix.fcntl"
local poll = require "posix.poll"
local signal = require "posix.signal"
local time = require "posix.time"
local unistd = require "posix.unistd"
local wait = require "posix.sys.wait"

local process = {}

-- Seconds of a clock that does not step.
function process.now()
  local at = time.clock_gettime(time.CLOCK_MONOTONIC)
  return at.tv_sec + at.tv_nsec / 1e9
end

-- Makes Lua's stack hold (count) values more. luaposix pushes all words of a
-- command without asking for the room.
local function grow_stack(count)
  local list = { n = count }
  return select("#", table.unpack(list, 1, list.n))
end

-- Starts (words). (files) maps the child's descriptors to ours; the others are
-- inherited. (setup), if any, runs in the child. Returns the process id.
function process.start(words, files, setup)
  io.stdout:flush()
  io.stderr:flush()
  local pid, why = unistd.fork()
  if not pid then fail(fail.UNAVAILABLE, "cannot start a process: %s", why) end
  if pid > 0 then return pid end
  for to, from in pairs(files or {}) do unistd.dup2(from, to) end
  if setup then setup() end
  local rest = table.move(words, 2, #words, 1, {})
  rest[0] = words[1]
  grow_stack(#words + 100)
  local _, reason = unistd.execp(words[1], rest)
  io.stderr:write("lunik: cannot run ", words[1], ": ", tostring(reason), "\n")
  unistd._exit(127)
end

-- Waits for (pid): "exited", status or "killed", signal.
function process.wait(pid)
  while true do
    local got, how, status = wait.wait(pid)
    if got then return how, status end
    if status ~= errno.EINTR then return "exited", 127 end
  end
end

-- As wait, at once: nil while it runs.
function process.try_wait(pid)
  local got, how, status = wait.wait(pid, wait.WNOHANG)
  if got == nil and status == errno.EINTR then return nil end
  if got == nil then return "exited", 127 end
  if got == 0 or how == "running" then return nil end
  return how, status
end

function process.kill(pid, number) signal.kill(pid, number or signal.SIGKILL) end

-- A pipe whose ends other children do not inherit by accident.
function process.pipe()
  local read_end, write_end = unistd.pipe()
  if not read_end then fail(fail.UNAVAILABLE, "cannot make a pipe") end
  fcntl.fcntl(read_end, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
  fcntl.fcntl(write_end, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
  return read_end, write_end
end

-- Reads what is there, waiting at most (seconds): text, "" at the end, or nil.
function process.read(fd, seconds)
  local ready = poll.rpoll(fd, math.max(0, math.ceil(seconds * 1000)))
  if not ready or ready == 0 then return nil end
  return (unistd.read(fd, 65536)) or ""
end

function process.write_all(fd, text)
  while #text > 0 do
    local count, _, code = unistd.write(fd, text)
    if count then
      text = text:sub(count + 1)
    elseif code ~= errno.EINTR then
      return false
    end
  end
  return true
end

-- Runs (words) to its end. Gives its output (stdout and stderr together), its
-- exit status and, when it was killed or took too long, why.
-- options: input = text, timeout = seconds, folder, environment = {}.
function process.run(words, options)
  options = options or {}
  local out_read, out_write = process.pipe()
  local null = fcntl.open("/dev/null", fcntl.O_RDONLY)
  local in_read, in_write = null, nil
  if options.input then in_read, in_write = process.pipe() end
  local pid = process.start(words,
    { [0] = in_read, [1] = out_write, [2] = out_write }, function()
      if options.folder then unistd.chdir(options.folder) end
      for name, value in pairs(options.environment or {}) do
        require "posix.stdlib".setenv(name, value or nil)
      end
    end)
  unistd.close(out_write)
  unistd.close(in_read)
  if in_write then
    process.write_all(in_write, options.input)
    unistd.close(in_write)
  end
  local parts, why = {}, nil
  local deadline = process.now() + (options.timeout or 600)
  while true do
    local left = deadline - process.now()
    if left <= 0 then
      why = "timeout"
      process.kill(pid)
      break
    end
    local text = process.read(out_read, left)
    if text == "" then break end
    parts[#parts + 1] = text
  end
  unistd.close(out_read)
  local how, status = process.wait(pid)
  if how == "killed" then
    status, why = 128 + status, why or "killed"
  end
  return table.concat(parts), status, why
end

return process
