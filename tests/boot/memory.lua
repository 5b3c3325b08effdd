-- SPDX-License-Identifier: MIT
-- memory.lua: page permissions as the processor sees them, walked from outside.

local elf = require "image.elf"
local fs = require "util.fs"
local machine = require "machine"
local pagewalk = require "pagewalk"
local suite = require "suite"

local SIZE = 64 << 20

-- Where paging.h puts the stacks, and how large a slot is (event.h).
local STACKS, STACKS_END, SLOT = (1 << 46) + (1 << 29), (1 << 46) + (1 << 34), 512 * 1024

-- Works for as many seconds as it is told, then waits with 40 tasks.
local PROGRAM = [[
local task = require "lunik.task"
local function deep(n) return n == 0 and 0 or 1 + tonumber((("x"):gsub("x", function() return deep(n - 1) end))) end
local function work()
  local list = {}
  task.nursery(function(n)
    for i = 1, 200 do
      n:spawn(function()
        for j = 1, 5 do
          list[i] = ("x"):rep(i * 20) .. j
          pcall(string.rep, "x", 1 << 40)
          if i % 50 == 0 then deep(30) end
          task.sleep(0.001)
        end
        coroutine.wrap(function() task.yield() end)()
      end)
    end
    table.sort(list)
  end)
  local file = assert(io.open("/tmp/list", "w"))
  file:write(table.concat(list))
  file:close()
end
local stop, rounds = task.now() + (tonumber(arg[1]) or 0), 0
while task.now() < stop do
  work()
  rounds = rounds + 1
end
for _ = 1, 40 do task.spawn(task.sleep, 600) end
task.yield()
print(("ready after %d rounds."):format(rounds))
task.sleep(600)
]]

-- No stack begins where its slot does, and none reaches into the next slot:
-- what lies below each one is not mapped.
local function check_stacks(ranges, symbols, started)
  local fixed, slots = {}, {}
  for _, range in ipairs(ranges) do
    if range.from >= STACKS and range.from < STACKS_END then
      local slot = (range.from - STACKS) // SLOT
      assert((range.from - STACKS) % SLOT ~= 0, ("slot %d has no guard page"):format(slot))
      suite.equal((range.to - 1 - STACKS) // SLOT, slot, "the slot in which a stack ends")
      assert(range.writable and not range.executable, "a stack's permissions")
      if slot == 0 then fixed[#fixed + 1] = range end
      slots[slot] = true
    end
  end
  suite.equal(#fixed, 4, "fixed stacks with an unmapped page below each")
  -- The task segment's stacks are three of them, and no other way leads there.
  local base = started.qemu:human "info registers":match "TR%s*=%x+ (%x+)"
  local words = started.qemu:human(("xp /24wx 0x%s"):format(base))
  local list = {}
  for word in words:gmatch "0x(%x+)" do list[#list + 1] = tonumber(word, 16) end
  local ends = {}
  for _, range in ipairs(fixed) do ends[range.to] = true end
  local count = 0
  for i = 1, 7 do
    local ist = list[9 + 2 * i - 1] | list[9 + 2 * i] << 32
    if ist ~= 0 then
      assert(ends[ist], ("interrupt stack %d ends at 0x%x, which is no stack"):format(i, ist))
      count = count + 1
    end
  end
  suite.equal(count, 3, "interrupt stacks")
  for _, name in ipairs { "arch_boot_stack", "arch_trap_stacks" } do
    for at = symbols[name], symbols[name .. "_end"] - 1, 4096 do
      assert(not pagewalk.at(ranges, at), name .. " is mapped a second time")
    end
  end
  local n = -1
  for _ in pairs(slots) do n = n + 1 end
  return n
end

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
  local stacks = check_stacks(ranges, symbols, started)
  assert(stacks >= 41, stacks)
  local mapped = 0
  for _, range in ipairs(ranges) do mapped = mapped + range.to - range.from end
  suite.note("%s; %d ranges, %d KiB mapped, %d KiB executable, %d fibers' stacks",
    started.output:match "ready after %d+ rounds", #ranges, mapped >> 10, executable >> 10, stacks)
  return ranges
end

local function start(seconds, options)
  local image = machine.image(PROGRAM)
  options = options or {}
  options.arguments = seconds and { tostring(seconds) } or nil
  options.memory = "64M"
  local started = machine.start(image, options)
  started:wait_for("ready after %d+ rounds%.", 30 + (seconds or 0))
  return started, image
end

local MINUTE = suite.is_quick and 4 or 60

return {
  ["nothing is writable and executable once the program runs"] = function()
    check(start())
  end,
  ["nothing is writable and executable on microvm"] = function()
    check(start(nil, { machine = "microvm" }))
  end,
  ["nothing is writable and executable after a minute of work (quick: 4 s)"] = function()
    check(start(MINUTE))
  end,
  ["no page table can be written through any mapping"] = function()
    local started = start(1)
    local _, _, tables, pages = pagewalk.ranges(started, SIZE)
    local count = 0
    for at in pairs(tables) do
      assert(not (pages[at] and pages[at].writable), ("the page table at 0x%x is writable"):format(at))
      count = count + 1
    end
    suite.note("%d tables", count)
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
