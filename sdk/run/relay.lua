-- SPDX-License-Identifier: MIT
-- relay.lua: `lunik run` while the image runs: its console is our stdin and
-- stdout, our signals become its orderly stop.

local fail = require "util.fail"
local poll = require "posix.poll"
local process = require "util.process"
local signal = require "posix.signal"
local status = require "run.status"
local unistd = require "posix.unistd"

local relay = {}

-- How long an orderly stop may take before the machine is stopped for good.
local GRACE = { q35 = 10, microvm = 3 }

-- Runs (body)(stops) with SIGINT and SIGTERM counted in stops.count, and SIGTERM
-- alone in stops.terms.
function relay.with_signals(body)
  local stops = { count = 0, terms = 0 }
  local old = {}
  for _, number in ipairs { signal.SIGINT, signal.SIGTERM } do
    old[number] = signal.signal(number, function()
      stops.count = stops.count + 1
      if number == signal.SIGTERM then stops.terms = stops.terms + 1 end
    end)
  end
  local ok, result = pcall(body, stops)
  for number, handler in pairs(old) do signal.signal(number, handler) end
  if not ok then error(result, 0) end
  return result
end

-- Which of (fds) can be read from, and whether (sink) takes more.
local function readable(fds, sink)
  local set = {}
  for _, fd in pairs(fds) do set[fd] = { events = { IN = true } } end
  if sink then set[sink] = { events = { OUT = true } } end
  -- Signals are looked at four times a second, and at once when they come in
  -- the middle of this call.
  if not poll.poll(set, 250) then return {}, false end
  local ready = {}
  for fd, item in pairs(set) do
    local got = item.revents
    if got and (got.IN or got.HUP or got.ERR or got.NVAL) then ready[fd] = true end
  end
  local takes = sink and set[sink].revents
  return ready, takes and (takes.OUT or takes.ERR or takes.HUP)
end

-- Without the carriage returns that a serial line wants. (kept) is one that
-- ended the piece before.
local function plain(text, kept)
  text = (kept and "\r" or "") .. text
  local ends = text:sub(-1) == "\r"
  if ends then text = text:sub(1, -2) end
  return text:gsub("\r\n", "\n"), ends
end

-- Relays until the machine ends. Gives why: nil, "stopped", "timeout" or
-- "deaf".
local function loop(machine, options, stops)
  local began = process.now()
  local fds = { console = machine.console, errors = machine.errors, monitor = machine.monitor_fd }
  local has_input = options.stdin ~= false
  -- What the image has not taken yet. More is read only then: a program that
  -- does not read must not keep us from its output and from signals.
  local typed = ""
  local asked, ended, kept = 0, nil, false
  local grace_ends
  while true do
    local now = process.now()
    if stops.count > asked then
      if asked > 0 then return "stopped" end
      asked = stops.count
      grace_ends = now + (GRACE[options.machine:match "^%w+"] or 3)
      machine:ask "system_powerdown"
    end
    if grace_ends and now >= grace_ends then return "stopped" end
    if options.timeout and now - began >= options.timeout then return "timeout" end
    fds.stdin = has_input and typed == "" and 0 or nil
    local ready, takes = readable(fds, typed ~= "" and machine.keys or nil)
    if takes then
      local count = unistd.write(machine.keys, typed)
      typed = count and typed:sub(count + 1) or ""
      has_input = has_input and count ~= nil
    elseif fds.stdin and ready[0] then
      typed = unistd.read(0, 4096) or ""
      has_input = typed ~= ""
    end
    if fds.monitor and ready[fds.monitor] then
      local text = unistd.read(fds.monitor, 4096)
      if not text or text == "" then fds.monitor = nil end
    end
    if fds.errors and ready[fds.errors] then
      local text = unistd.read(fds.errors, 4096)
      if not text or text == "" then fds.errors = nil else machine.said = machine.said .. text end
    end
    if ready[machine.console] then
      local text = unistd.read(machine.console, 65536)
      if not text or text == "" then return ended end
      text, kept = plain(text, kept)
      if not options.output(text) then return "deaf" end
    end
  end
end

-- Waits for the end of (pid), a program on this machine that has our terminal:
-- as process.wait(), or "timeout". SIGTERM is handed on; SIGINT comes to it from
-- the terminal, too.
function relay.process(pid, timeout)
  local began, sent, step = process.now(), 0, 1
  local status_code
  local how = relay.with_signals(function(stops)
    while true do
      local ended, code = process.try_wait(pid)
      if ended then
        status_code = code
        return ended
      end
      if stops.terms > sent then
        sent = stops.terms
        process.kill(pid, signal.SIGTERM)
      end
      if timeout and process.now() - began >= timeout then
        process.kill(pid)
        process.wait(pid)
        return "timeout"
      end
      poll.poll({}, step)
      step = math.min(50, step + 1)
    end
  end)
  return how, status_code
end

-- Relays (machine) to its end. options: machine = its name, timeout = seconds,
-- stdin = false, output = function(text), which gives false when nobody takes
-- it any more. Gives our exit status and a sentence,
-- or nil for one.
function relay.run(machine, options)
  local why = relay.with_signals(function(stops) return loop(machine, options, stops) end)
  if why then machine:kill() end
  local code = machine:finish()
  if why == "timeout" then
    return status.TIMEOUT, ("the image did not end within %g s"):format(options.timeout)
  elseif why == "deaf" then
    return fail.CANNOT_WRITE, "what the image writes cannot be passed on; it was stopped"
  elseif why == "stopped" then
    return status.STOPPED, "the image did not stop in order, and was stopped"
  end
  local ours, sentence = status.of_qemu(code)
  if ours then return ours, sentence end
  return nil, machine.said ~= "" and machine.said or ("it ended with status %d"):format(code)
end

return relay
