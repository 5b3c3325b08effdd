-- SPDX-License-Identifier: MIT
-- qemu.lua: QEMU's command line for an image, and a running QEMU whose console
-- and monitor are ours.

local fail = require "util.fail"
local fcntl = require "posix.fcntl"
local fs = require "util.fs"
local json = require "util.json"
local net = require "run.net"
local process = require "util.process"
local socket = require "posix.sys.socket"
local unistd = require "posix.unistd"

local qemu = {}

qemu.COMMAND = "qemu-system-x86_64"
qemu.INSTALL = "apt-get install --no-install-recommends -y qemu-system-x86"

-- QEMU's path, or the end with a sentence.
function qemu.find()
  local path = fs.find_command(os.getenv "LUNIK_QEMU" or qemu.COMMAND)
  if not path then
    fail(fail.UNAVAILABLE,
      "QEMU is not installed, and runs images; on Debian: %s (or try --host)", qemu.INSTALL)
  end
  return path
end

local function quote_launch(word)
  -- The image takes a bare device among the arguments for one that QEMU added.
  local is_device = word:find("^virtio_mmio%.device=") ~= nil
  if word ~= "" and not is_device and not word:find '[%s"\\]' then return word end
  return '"' .. word:gsub('[\\"]', "\\%0") .. '"'
end

-- What an image takes at most (libos/core/launch.h). QEMU puts a longer line
-- where it spoils the start, and the image cannot say so.
local LINE_MAX, ARGUMENTS_MAX = 4095, 64

-- The launch line of <lunik/sys.h>: options, variables, arguments.
function qemu.launch_line(options, environment, arguments)
  local words = {}
  for _, option in ipairs(options or {}) do words[#words + 1] = quote_launch(option) end
  for _, pair in ipairs(environment or {}) do words[#words + 1] = quote_launch("env." .. pair) end
  if arguments and #arguments > ARGUMENTS_MAX then
    fail(fail.USAGE, "%d arguments are too many: an image takes %d", #arguments, ARGUMENTS_MAX)
  end
  if arguments and #arguments > 0 then
    words[#words + 1] = "--"
    for _, argument in ipairs(arguments) do words[#words + 1] = quote_launch(argument) end
  end
  local line = table.concat(words, " ")
  if #line > LINE_MAX then
    fail(fail.USAGE, "options, variables and arguments are %d bytes together: an image takes %d",
      #line, LINE_MAX)
  end
  return line
end

-- QEMU's words. machine: kernel, machine, accel, cpu, smp, memory, append,
-- rng (false: none), net (see run.net; nil: none), console and monitor (words after -chardev X,id=…), extra.
function qemu.words(machine)
  local name = machine.machine or "q35"
  local is_mmio = name:match "^microvm" ~= nil
  local accel = machine.accel or "tcg"
  local words = {
    machine.command or qemu.COMMAND, "-M", name, "-accel", accel, "-cpu",
    machine.cpu or (accel == "kvm" and "host" or "max"), "-smp", tostring(machine.smp or 1),
    "-m", machine.memory or "64M", "-nodefaults", "-no-user-config", "-display", "none",
    "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
  }
  local function add(...)
    for _, word in ipairs { ... } do words[#words + 1] = word end
  end
  if machine.rng ~= false then
    add("-device", is_mmio and "virtio-rng-device"
      or "virtio-rng-pci,disable-legacy=on,disable-modern=off")
  end
  if machine.net then add(table.unpack(net.qemu_words(machine.net, is_mmio))) end
  if machine.console then
    add("-chardev", machine.console .. ",id=con", "-serial", "chardev:con")
  else
    add("-serial", "stdio")
  end
  if machine.monitor then
    add("-chardev", machine.monitor .. ",id=mon", "-mon", "chardev=mon,mode=control")
  end
  if is_mmio then add("-global", "virtio-mmio.force-legacy=false") end
  add("-kernel", machine.kernel)
  if machine.append and machine.append ~= "" then add("-append", machine.append) end
  for _, word in ipairs(machine.extra or {}) do add(word) end
  return words
end

local function socket_pair()
  local ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, 0)
  if not ours then fail(fail.UNAVAILABLE, "cannot make a socket pair") end
  fcntl.fcntl(ours, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
  return ours, theirs
end

local Running = {}
Running.__index = Running

-- Starts QEMU. The object has .console, .errors and .monitor_fd to read from,
-- and .keys to write what is typed. The console is QEMU's standard output, a
-- pipe: a socket would count each byte of a serial port as a packet, and be
-- full with 300 of them.
function qemu.start(machine)
  local self = setmetatable({ said = "", monitor_text = "", is_open = true }, Running)
  local console_theirs, keys_theirs, monitor_theirs, errors_theirs
  self.console, console_theirs = process.pipe()
  keys_theirs, self.keys = process.pipe()
  self.monitor_fd, monitor_theirs = socket_pair()
  self.errors, errors_theirs = process.pipe()
  local copy = {}
  for key, value in pairs(machine) do copy[key] = value end
  copy.console = "stdio,signal=off"
  copy.monitor = "socket,fd=" .. monitor_theirs
  self.words = qemu.words(copy)
  -- A session of its own: the terminal's Ctrl-C is for us alone.
  self.pid = process.start(self.words, { [0] = keys_theirs, [1] = console_theirs, [2] = errors_theirs },
    function() unistd.setpid "s" end)
  for _, fd in ipairs { console_theirs, keys_theirs, monitor_theirs, errors_theirs } do
    unistd.close(fd)
  end
  process.write_all(self.monitor_fd, '{"execute":"qmp_capabilities"}\n')
  return self
end

-- Reads one line that QMP sent; nil after (seconds).
local function monitor_line(self, seconds)
  local deadline = process.now() + seconds
  while true do
    local line, rest = self.monitor_text:match "^([^\n]*)\n(.*)$"
    if line then
      self.monitor_text = rest
      return json.decode(line)
    end
    local data = process.read(self.monitor_fd, deadline - process.now())
    if not data or data == "" then return nil end
    self.monitor_text = self.monitor_text .. data
  end
end

-- Runs a QMP command: its result, or nil and a message.
function Running:command(name, arguments)
  self.serial = (self.serial or 0) + 1
  local message = { execute = name, arguments = arguments, id = self.serial }
  process.write_all(self.monitor_fd, json.encode(message) .. "\n")
  while true do
    local answer = monitor_line(self, 10)
    if not answer then return nil, "the monitor does not answer" end
    if answer.id == self.serial then
      if answer.error then return nil, answer.error.desc end
      return answer["return"]
    end
  end
end

-- Runs a command of the human monitor: its text.
function Running:human(line)
  return self:command("human-monitor-command", { ["command-line"] = line })
end

-- Asks without waiting for the answer: for the way out.
function Running:ask(name)
  process.write_all(self.monitor_fd, json.encode { execute = name } .. "\n")
end

function Running:kill() process.kill(self.pid) end

-- Waits for the end, and closes all. Gives QEMU's exit status.
function Running:finish()
  if not self.is_open then return self.status end
  local how, status = process.wait(self.pid)
  local text = process.read(self.errors, 0)
  self.said = self.said .. (text or "")
  for _, fd in ipairs { self.console, self.keys, self.monitor_fd, self.errors } do unistd.close(fd) end
  self.is_open = false
  self.status = how == "killed" and 128 + status or status
  return self.status
end

return qemu
