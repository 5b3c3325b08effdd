-- SPDX-License-Identifier: MIT
-- probe.lua: whether KVM really runs guests here: by running one.

local fs = require "util.fs"
local process = require "util.process"
local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"

local probe = {}

-- Enters long mode with paging, writes 0x31 to port 0xf4 and halts. Linked at
-- 1 MiB:
--   movl $0x202003, 0x201000; movl $0, 0x201004      PDPT[0] -> PD
--   movl $0x83, 0x202000; movl $0, 0x202004          PD[0] = 2 MiB at 0
--   movl $0x200083, 0x202008                         PD[1] = 2 MiB at 2 MiB
--   movl %cr4, %eax; orl $0x20, %eax; movl %eax, %cr4
--   movl $0x200000, %eax; movl $0x201003, (%eax); movl $0, 4(%eax)
--   movl %eax, %cr3                                  PML4 at 2 MiB
--   movl $0xc0000080, %ecx; rdmsr; orl $0x100, %eax; wrmsr
--   movl %cr0, %eax; orl $0x80000001, %eax; movl %eax, %cr0
--   lgdt gdtp; ljmp $8, $1f
-- 1: movl $0x31, %eax; outb %al, $0xf4               (64-bit code)
-- 2: hlt; jmp 2b
-- gdt: .quad 0, 0x00af9b000000ffff   gdtp: .word 15; .long gdt
local code = [[
c7050010200003202000c7050410200000000000c7050020200083000000c705042020000000
0000c70508202000830020000f20e083c8200f22e0b800002000c70003102000c74004000000
000f22d8b9800000c00f320d000100000f300f20c00d010000800f22c00f011598001000ea77
0010000800b831000000e6f4f4ebfd0f1f80000000000000000000000000ffff0000009baf00
0f0088001000]]

local EXPECTED = 0x31 << 1 | 1

-- An ELF64 with the PVH note around the code.
function probe.image()
  local bytes = code:gsub("%s", ""):gsub("..", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  local note = ("<I4I4I4"):pack(4, 4, 18) .. "Xen\0" .. ("<I4"):pack(0x100000)
  local offset = 64 + 2 * 56
  local function segment(kind, flags, at, address, size)
    return ("<I4I4I8I8I8I8I8I8"):pack(kind, flags, at, address, address, size, size, 4)
  end
  local head = ("<c4BBBBc8I2I2I4I8I8I8I4I2I2I2I2I2I2"):pack("\127ELF", 2, 1, 1, 0, "", 2, 62,
    1, 0x100000, 64, 0, 0, 64, 56, 2, 64, 0, 0)
  return head .. segment(1, 5, offset, 0x100000, #bytes)
    .. segment(4, 4, offset + #bytes, 0x300000, #note) .. bytes .. note
end

local function key_of(qemu)
  local version = process.run { qemu, "--version" }
  local release = fs.try_read "/proc/sys/kernel/osrelease" or "?"
  local device = stat.stat "/dev/kvm"
  return ("%s|%s|%d:%d:%d"):format(version:match "[^\n]*", release:match "%S+", device.st_dev,
    device.st_ino, device.st_rdev)
end

-- Runs the probe with (accel) and (cpu): what QEMU said, its status, why it was
-- stopped, and the seconds that it took.
local function boot(qemu, image, accel, cpu, timeout)
  local began = process.now()
  local output, status, why = process.run({
    qemu, "-M", "q35", "-accel", accel, "-cpu", cpu, "-m", "16M", "-nodefaults", "-display",
    "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", image,
  }, { timeout = timeout })
  return output, status, why, process.now() - began
end

-- KVM that emulates more than it runs (as in a virtual machine without nesting)
-- is slower than TCG; so the two are run side by side.
local function try(qemu)
  local folder, remove = fs.temporary_folder()
  local image = folder .. "/probe.elf"
  fs.write(image, probe.image())
  local _, _, _, tcg_seconds = boot(qemu, image, "tcg", "max", 10)
  local bound = math.max(1, 3 * tcg_seconds)
  local output, status, why = boot(qemu, image, "kvm", "host", bound)
  remove()
  if status == EXPECTED then return true, "a probe guest ran" end
  if why == "timeout" then return false, "a probe guest ran much slower than with TCG" end
  local said = output:match "[^\n]*":gsub("^[^:]*:%s*", "")
  return false, ("a probe guest failed (%s)"):format(said ~= "" and said or "status " .. status)
end

-- Whether KVM works with (qemu), and a reason. Remembered until QEMU, the
-- kernel or the device change; (again) tries anew.
function probe.kvm(qemu, again)
  if not stat.stat "/dev/kvm" then return false, "there is no /dev/kvm" end
  if not unistd.access("/dev/kvm", "rw") then
    return false, "/dev/kvm may not be opened by this user"
  end
  local cache = fs.cache_folder() .. "/kvm-probe"
  local key = key_of(qemu)
  local known = fs.try_read(cache)
  if known and not again then
    local old_key, works, reason = known:match "^(.-)\n(%a+)\n(.-)\n$"
    if old_key == key then return works == "yes", reason end
  end
  local works, reason = try(qemu)
  pcall(fs.write, cache, ("%s\n%s\n%s\n"):format(key, works and "yes" or "no", reason))
  return works, reason
end

return probe
