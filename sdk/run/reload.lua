-- SPDX-License-Identifier: MIT
-- reload.lua: a program on the host platform that is exchanged for a newer
-- version while its listening sockets stay.
--
-- Each version is a process with a socket to us (LUNIK_DEV): it sends us what it
-- listens on, and a new one gets these sockets from the start
-- (LUNIK_DEV_LISTENERS). Both versions then hold the same sockets, so no moment
-- is without a listener. Once the new one listens on all that the old one did,
-- the old one is told ('R') and turns deaf; shortly after it is asked to stop.

local fail = require "util.fail"
local fcntl = require "posix.fcntl"
local host = require "lunik.host"
local process = require "util.process"
local setenv = require "posix.stdlib".setenv
local signal = require "posix.signal"
local socket = require "posix.sys.socket"
local unistd = require "posix.unistd"

local reload = {}

-- Seconds: how long a version that does not listen must run to count as good;
-- how long an old one may finish its answers before it is asked to stop, and
-- before it is stopped.
local GOOD, FINISH, STOP = 1, 0.3, 10

local Versions = {}
Versions.__index = Versions

-- say(text): tells the user. 
function reload.versions(say)
  return setmetatable({ say = say, current = nil, next = nil, old = {} }, Versions)
end

local function key_of(fd)
  local name = socket.getsockname(fd)
  return name and name.addr and ("%s port %d"):format(name.addr, name.port) or "?"
end

local function close_listeners(version)
  for _, fd in pairs(version.listeners) do unistd.close(fd) end
  version.listeners = {}
end

-- Starts (words) as the next version. (began): when the change was seen.
function Versions:start(words, began)
  local ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, 0)
  if not ours then fail(fail.UNAVAILABLE, "cannot make a socket pair") end
  fcntl.fcntl(ours, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
  local handed, list = self.current and self.current.listeners or {}, {}
  for _, fd in pairs(handed) do list[#list + 1] = fd end
  local pid = process.start(words, nil, function()
    for _, fd in ipairs(list) do fcntl.fcntl(fd, fcntl.F_SETFD, 0) end
    setenv("LUNIK_DEV", tostring(theirs))
    setenv("LUNIK_DEV_LISTENERS", table.concat(list, ","))
  end)
  unistd.close(theirs)
  local version = { pid = pid, channel = ours, listeners = {}, began = began,
    started = process.now(), is_running = true }
  if self.next then self:retire(self.next, true) end
  if self.current then
    self.next = version
  else
    self.current = version
  end
end

-- The old (version) goes. (at_once): it never served.
function Versions:retire(version, at_once)
  if version.channel then
    socket.send(version.channel, "R")
  end
  close_listeners(version)
  local now = process.now()
  version.stop_at = now + (at_once and 0 or FINISH)
  version.kill_at = now + STOP
  self.old[#self.old + 1] = version
end

-- The next version takes over.
function Versions:switch()
  local before = self.current
  self.current, self.next = self.next, nil
  local is_quiet = next(before.listeners) == nil
  if before.is_running then
    self:retire(before, is_quiet)
  else
    close_listeners(before)
    if before.channel then unistd.close(before.channel) end
  end
  if self.current.channel then socket.send(self.current.channel, "C") end
  self.say(("reloaded in %.2f s"):format(process.now() - self.current.began))
end

-- Takes what (version) sent.
local function receive(version)
  while version.channel do
    local word, fd = host.receive_fd(version.channel)
    if word == nil then return end
    if word == "" then
      unistd.close(version.channel)
      version.channel = nil
    elseif word == "L" and fd then
      local key = key_of(fd)
      if version.listeners[key] then unistd.close(version.listeners[key]) end
      version.listeners[key] = fd
    elseif fd then
      unistd.close(fd)
    end
  end
end

-- Whether the next version serves all that the current one does.
local function has_taken_over(version, current)
  if not current.is_running and next(current.listeners) == nil then return true end
  if process.now() - version.started >= GOOD then return true end
  if next(current.listeners) == nil then return false end
  for key in pairs(current.listeners) do
    if not version.listeners[key] then return false end
  end
  return true
end

local function ended(version)
  if not version.is_running then return false end
  local how, code = process.try_wait(version.pid)
  if not how then return false end
  receive(version)
  version.is_running = false
  version.how = how == "killed" and ("by signal %d"):format(code) or ("with status %d"):format(code)
  version.is_good = how == "exited" and code == 0
  return true
end

function Versions:look_at_old()
  local now, left = process.now(), {}
  for _, version in ipairs(self.old) do
    if ended(version) then
      if version.channel then unistd.close(version.channel) end
    else
      if version.stop_at and now >= version.stop_at then
        process.kill(version.pid, signal.SIGTERM)
        version.stop_at = nil
      end
      if now >= version.kill_at then process.kill(version.pid) end
      left[#left + 1] = version
    end
  end
  self.old = left
end

-- Looks at all versions; to be called whenever something may have happened.
function Versions:turn()
  for _, version in ipairs { self.current or nil, self.next or nil } do receive(version) end
  self:look_at_old()
  local current, coming = self.current, self.next
  if current and ended(current) then
    if not coming then
      self.say(("the program ended %s; it starts again with the next change"):format(current.how))
    end
  end
  if not coming then return end
  if ended(coming) and not coming.is_good then
    self.say(("the new version ended %s%s"):format(coming.how,
      current.is_running and "; the old one goes on" or ""))
    close_listeners(coming)
    if coming.channel then unistd.close(coming.channel) end
    self.next = nil
  elseif not coming.is_running or has_taken_over(coming, current) then
    self:switch()
  end
end

-- The descriptors that a poll should wait for.
function Versions:channels()
  local list = {}
  for _, version in ipairs { self.current or nil, self.next or nil } do
    if version.channel then list[#list + 1] = version.channel end
  end
  return list
end

local function each_running(self)
  local list = {}
  for _, version in pairs { self.current or false, self.next or false, table.unpack(self.old) } do
    if version and version.is_running then list[#list + 1] = version end
  end
  return list
end

function Versions:is_running() return #each_running(self) > 0 end

-- Sends signal (number) to all.
function Versions:signal(number)
  for _, version in ipairs(each_running(self)) do process.kill(version.pid, number) end
end

-- Waits for all to end, at most (seconds); then ends them.
function Versions:finish(seconds, is_urgent)
  local deadline = process.now() + seconds
  while self:is_running() and process.now() < deadline and not is_urgent() do
    for _, version in ipairs(each_running(self)) do ended(version) end
    require "posix.poll".poll({}, 10)
  end
  self:signal(signal.SIGKILL)
  for _, version in ipairs(each_running(self)) do process.wait(version.pid) end
end

return reload
