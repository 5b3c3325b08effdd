-- SPDX-License-Identifier: MIT
-- count.lua: the guest's instructions, by the plugin of tests/bench.

local elf = require "image.elf"
local fs = require "util.fs"
local process = require "util.process"
local signal = require "posix.signal"
local suite = require "suite"

local count = {}

local plugin

local function build()
  if plugin then return plugin end
  local folder, remove = fs.temporary_folder()
  suite.at_finish(remove)
  local path = folder .. "/insncount.so"
  local said, status = process.run { "cc", "-O2", "-shared", "-fPIC", "-o", path,
    suite.root .. "/tests/bench/insncount.c" }
  if status ~= 0 then error(said) end
  plugin = path
  return plugin
end

-- A counter for one guest: its .words belong to QEMU's. (symbols) of (image)
-- are noted when they first run.
function count.new(image, symbols)
  local self = setmetatable({ path = suite.folder() .. "/count" }, { __index = count })
  local words = ("%s,out=%s"):format(build(), self.path)
  if symbols then
    self.symbols = elf.symbols(assert(elf.parse(fs.read(image.debug)))).values
    for _, name in ipairs(symbols) do
      words = ("%s,at=0x%x"):format(words, assert(self.symbols[name], name))
    end
  end
  self.words = { "-plugin", words }
  return self
end

-- Instructions until now, of (guest).
function count:now(guest)
  local function lines()
    local list = {}
    for value in (fs.try_read(self.path) or ""):gmatch "signal (%d+)\n" do list[#list + 1] = value end
    return list
  end
  local before = #lines()
  signal.kill(guest.qemu.pid, signal.SIGUSR2)
  local deadline = process.now() + 5
  while #lines() == before do
    assert(process.now() < deadline, "the plugin does not answer")
    process.run { "sleep", "0.01" }
  end
  return math.tointeger(tonumber(lines()[before + 1]))
end

-- Instructions until symbol (name) first ran.
function count:at(name)
  for address, value in (fs.try_read(self.path) or ""):gmatch "at (%w+) (%d+)\n" do
    if tonumber(address) == self.symbols[name] then return math.tointeger(tonumber(value)) end
  end
  return nil
end

return count
