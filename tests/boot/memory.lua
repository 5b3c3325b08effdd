-- SPDX-License-Identifier: MIT
-- memory.lua: page permissions as the processor sees them, walked from outside.

local elf = require "image.elf"
local fs = require "util.fs"
local machine = require "machine"
local pagewalk = require "pagewalk"
local suite = require "suite"

local SIZE = 64 << 20

local PROGRAM = [[
local task = require "lunik.task"
print "started"
if arg[1] then
  local list = {}
  task.nursery(function(n)
    for i = 1, 200 do
      n:spawn(function()
        for _ = 1, 20 do
          list[i] = ("x"):rep(1000) .. i
          pcall(string.rep, "x", 100)
          task.sleep(0.001)
        end
      end)
    end
  end)
end
print "ready"
task.sleep(60)
]]

local function check(started, image)
  local ranges, registers = pagewalk.ranges(started, SIZE)
  local symbols = elf.symbols(assert(elf.parse(fs.read(image.debug)))).values
  local text_from, text_to = symbols.lunik_text_start, symbols.lunik_text_end
  local executable, both = 0, 0
  for _, range in ipairs(ranges) do
    local size = range.to - range.from
    if range.writable and range.executable then both = both + size end
    if range.executable then
      executable = executable + size
      assert(range.from >= text_from and range.to <= text_to,
        ("0x%x to 0x%x is executable and no text"):format(range.from, range.to))
    end
  end
  suite.equal(both, 0, "bytes writable and executable")
  suite.equal(executable, text_to - text_from, "bytes executable")
  for address = 0, 0xf000, 0x1000 do
    assert(not pagewalk.at(ranges, address), ("0x%x is mapped"):format(address))
  end
  assert(not pagewalk.at(ranges, symbols.lunik_ro_after_start_start).writable,
    "what start-up wrote is still writable")
  local function bits(name, value, ...)
    for _, bit in ipairs { ... } do
      assert(value >> bit & 1 == 1, ("%s bit %d is off (0x%x)"):format(name, bit, value))
    end
  end
  bits("cr0", registers.cr0, 16, 31)          -- WP, PG
  bits("cr4", registers.cr4, 11, 20, 21)      -- UMIP, SMEP, SMAP
  bits("efer", registers.efer, 8, 10, 11)     -- LME, LMA, NXE
  local mapped = 0
  for _, range in ipairs(ranges) do mapped = mapped + range.to - range.from end
  suite.note("%d ranges, %d KiB mapped, %d KiB executable", #ranges, mapped >> 10, executable >> 10)
  return ranges
end

local function start(argument, options)
  local image = machine.image(PROGRAM)
  options = options or {}
  options.arguments = argument and { argument } or nil
  options.memory = "64M"
  local started = machine.start(image, options)
  started:wait_for("ready", 30)
  return started, image
end

return {
  ["nothing is writable and executable once the program runs"] = function()
    check(start())
  end,
  ["nothing is writable and executable on microvm"] = function()
    check(start(nil, { machine = "microvm" }))
  end,
  ["nothing is writable and executable after work with many tasks"] = function()
    check(start "work")
  end,
  ["no page table can be written through any mapping"] = function()
    local started = start "work"
    local _, _, tables, pages = pagewalk.ranges(started, SIZE)
    for at in pairs(tables) do
      assert(not (pages[at] and pages[at].writable), ("the page table at 0x%x is writable"):format(at))
    end
  end,
  ["no page is writable in one place and executable in another"] = function()
    -- A device where the text is: nothing but RAM answers there.
    for _, append in ipairs { "", "virtio_mmio.device=4096@0x100000:5" } do
      local started = machine.start(machine.image(PROGRAM), { memory = "64M", append = append })
      started:wait_for("ready", 30)
      local _, _, _, pages = pagewalk.ranges(started, SIZE)
      for at, page in pairs(pages) do
        assert(not (page.writable and page.executable), ("0x%x is both"):format(at))
      end
    end
  end,
}
