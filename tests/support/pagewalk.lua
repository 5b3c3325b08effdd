-- SPDX-License-Identifier: MIT
-- pagewalk.lua: a guest's page tables as its processor reads them, seen from
-- QEMU's monitor.

local fs = require "util.fs"
local suite = require "suite"

local pagewalk = {}

local PRESENT, WRITE, LARGE, NX = 1, 2, 1 << 7, 1 << 63
local ADDRESS = 0x000ffffffffff000

-- The registers that matter: cr0, cr3, cr4, efer as integers.
function pagewalk.registers(started)
  local text = assert(started.qemu:human "info registers")
  local function register(name)
    return tonumber(text:match(name .. "%s*=%s*(%x+)"), 16)
  end
  return { cr0 = register "CR0", cr3 = register "CR3", cr4 = register "CR4",
    efer = register "EFER", text = text }
end

-- Guest memory [0, size) as a string. The machine must be stopped.
local function memory_of(started, size)
  local folder = suite.folder()
  local path = folder .. "/memory"
  assert(started.qemu:command("pmemsave", { val = 0, size = size, filename = path }))
  return fs.read(path)
end

-- A list of { from, to, writable, executable }, in order and merged, of all
-- that is mapped; then the registers, the tables' addresses as keys, and by the
-- address of each page of memory { writable, executable }: through any mapping.
-- (size): the guest's memory in bytes, below 2 GiB.
function pagewalk.ranges(started, size)
  assert(started.qemu:command "stop")
  local memory = memory_of(started, size)
  local registers = pagewalk.registers(started)
  local has_nx = registers.efer & 0x800 ~= 0
  local list, tables, pages = {}, {}, {}
  local function add_pages(physical, length, flags)
    for at = physical, math.min(physical + length, size) - 1, 4096 do
      local page = pages[at] or {}
      page.writable = page.writable or flags.writable
      page.executable = page.executable or flags.executable
      pages[at] = page
    end
  end
  local function add(from, length, entry_flags)
    local last = list[#list]
    if last and last.to == from and last.writable == entry_flags.writable
      and last.executable == entry_flags.executable then
      last.to = from + length
    else
      list[#list + 1] = { from = from, to = from + length, writable = entry_flags.writable,
        executable = entry_flags.executable }
    end
  end
  local function walk(table_at, level, base, above)
    if table_at + 4096 > #memory then error(("a page table at 0x%x is outside of memory"):format(table_at)) end
    tables[table_at] = true
    local step = 1 << (12 + 9 * (level - 1))
    for i = 0, 511 do
      local entry = ("<i8"):unpack(memory, table_at + i * 8 + 1)
      if entry & PRESENT ~= 0 then
        local flags = {
          writable = above.writable and entry & WRITE ~= 0,
          executable = above.executable and not (has_nx and entry & NX ~= 0),
        }
        local from = base + i * step
        if level == 4 and i >= 256 then from = from | ~0xffffffffffff end
        if level == 1 or (level < 4 and entry & LARGE ~= 0) then
          add(from, step, flags)
          add_pages(entry & ADDRESS & -step, step, flags)
        else
          walk(entry & ADDRESS, level - 1, from, flags)
        end
      end
    end
  end
  walk(registers.cr3 & ADDRESS, 4, 0, { writable = true, executable = true })
  assert(started.qemu:command "cont")
  return list, registers, tables, pages
end

-- The range that holds (address), or nil: not mapped.
function pagewalk.at(ranges, address)
  for _, range in ipairs(ranges) do
    if address >= range.from and address < range.to then return range end
  end
end

return pagewalk
