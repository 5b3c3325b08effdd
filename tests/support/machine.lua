-- SPDX-License-Identifier: MIT
-- machine.lua: images of tests, and QEMU around them: console, monitor, status.

local build = require "image.build"
local fs = require "util.fs"
local load = require "project.load"
local process = require "util.process"
local qemu = require "run.qemu"
local suite = require "suite"

local machine = {}

machine.EXIT = {
  PROGRAM = 0x10, PANIC = 0x20, NO_MEMORY = 0x21, WATCHDOG = 0x22, NO_ENTROPY = 0x23,
  BAD_LAUNCH = 0x24,
}

local built = {}

-- The sealed image of a project given as its files, or as the text of its
-- main.lua. Equal projects are built once.
function machine.image(files)
  if type(files) == "string" then files = { ["main.lua"] = files } end
  files["lunik.lua"] = files["lunik.lua"] or 'return { name = "probe" }'
  local parts = {}
  for path, content in pairs(files) do parts[#parts + 1] = path .. "\0" .. content end
  table.sort(parts)
  local key = table.concat(parts, "\1")
  if not built[key] then
    local folder, remove = fs.temporary_folder()
    suite.at_finish(remove)
    for path, content in pairs(files) do fs.write(folder .. "/" .. path, content) end
    built[key] = build.project(load.project(folder))
  end
  return built[key]
end

local function need_qemu()
  if not fs.find_command(qemu.COMMAND) then suite.skip "QEMU is not installed" end
end

local Started = {}
Started.__index = Started

-- Starts (image), a result of machine.image() or a path. options: machine, cpu,
-- smp, memory, rng, options, environment, arguments, append, extra, command.
function machine.start(image, options)
  need_qemu()
  options = options or {}
  local running = qemu.start {
    kernel = type(image) == "table" and image.image or image, command = options.command,
    machine = options.machine, cpu = options.cpu, smp = options.smp, memory = options.memory,
    rng = options.rng, extra = options.extra,
    append = options.append
      or qemu.launch_line(options.options, options.environment, options.arguments),
  }
  local self = setmetatable({ qemu = running, pieces = {}, output = "", began = process.now() }, Started)
  suite.at_end(function()
    if running.is_open then
      running:kill()
      running:finish()
    end
  end)
  return self
end

-- Takes what the console says for at most (seconds); false at its end. A long
-- output comes in thousands of pieces: they are put together only when asked.
function Started:take(seconds)
  local data = process.read(self.qemu.console, seconds)
  if data == "" then return false end
  self.pieces[#self.pieces + 1] = data
  return true
end

-- All that was said until now, in .output.
function Started:join()
  self.pieces = { table.concat(self.pieces) }
  self.output = self.pieces[1]:gsub("\r\n", "\n")
  return self.output
end

-- Waits until the output matches (pattern).
function Started:wait_for(pattern, seconds)
  local deadline = process.now() + (seconds or 10)
  while not self:join():find(pattern) do
    local left = deadline - process.now()
    if left <= 0 or not self:take(left) then
      error(("the console never showed %q; it showed:\n%s%s"):format(pattern, self.output,
        self.qemu.said), 2)
    end
  end
end

function Started:type(text) process.write_all(self.qemu.keys, text) end

-- Waits for the end. Gives { output, code, seconds, is_timeout }: (code) is the
-- image's own byte, nil when there is none.
function Started:finish(seconds)
  local deadline = process.now() + (seconds or 10)
  local is_timeout = false
  while true do
    local left = deadline - process.now()
    if left <= 0 then
      is_timeout = true
      self.qemu:kill()
      break
    end
    if not self:take(left) then break end
  end
  local status = self.qemu:finish()
  local code = status > 1 and status % 2 == 1 and status < 128 and status >> 1 or nil
  return {
    output = self:join(), code = not is_timeout and code or nil, status = status,
    seconds = process.now() - self.began, is_timeout = is_timeout, said = self.qemu.said,
  }
end

-- Starts and finishes.
function machine.run(image, options)
  options = options or {}
  return machine.start(image, options):finish(options.timeout)
end

-- As run, and the program must end with (code), 0 if it is nil.
function machine.expect(image, options, code)
  local result = machine.run(image, options)
  local wanted = machine.EXIT.PROGRAM + (code or 0)
  if result.code ~= wanted then
    error(("ended with %s after %.1f s, wanted 0x%02x; it said:\n%s%s"):format(
      result.is_timeout and "a timeout" or result.code and ("0x%02x"):format(result.code)
        or "QEMU's status " .. result.status,
      result.seconds, wanted, result.output, result.said), 2)
  end
  return result
end

return machine
