-- SPDX-License-Identifier: MIT
-- launch.lua: how other hypervisors start an image: files beside it.

local json = require "util.json"

local launch = {}

local DEFAULT_MEMORY = 64 << 20

-- The memory that a machine for (project) gets, in MiB.
function launch.mebibytes(project)
  local bytes = project.memory or DEFAULT_MEMORY
  return math.max(2, (bytes + (1 << 20) - 1) >> 20)
end

local function xl(project)
  return ([[
# xl create %s.xl.cfg
name = "%s"
type = "pvh"
kernel = "%s.elf"
memory = %d
vcpus = 1
shadow_memory = 1
on_poweroff = "destroy"
on_reboot = "destroy"
on_crash = "destroy"
]]):format(project.name, project.name, project.name, launch.mebibytes(project))
end

local function qemu(project)
  return ([[
#!/bin/sh
# Starts the image in QEMU; the status is (status << 1) | 1, see lunik/abi/exit.h.
cd "$(dirname "$0")" || exit 1
exec qemu-system-x86_64 -M q35,accel=kvm:tcg -cpu max -m %dM -nodefaults \
  -display none -no-reboot -serial stdio \
  -device virtio-rng-pci,disable-legacy=on,disable-modern=off \
  -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel %s.elf ${1:+-append "$*"}
]]):format(launch.mebibytes(project), project.name)
end

local function firecracker(project)
  return json.encode({
    ["boot-source"] = { kernel_image_path = project.name .. ".elf", boot_args = "" },
    ["machine-config"] = { vcpu_count = 1, mem_size_mib = launch.mebibytes(project) },
    entropy = {},
    drives = setmetatable({}, json.array),
  }, "  ") .. "\n"
end

local function libvirt(project)
  return ([[
<domain type='kvm'>
  <name>%s</name>
  <memory unit='MiB'>%d</memory>
  <vcpu>1</vcpu>
  <cpu mode='host-passthrough'/>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <!-- libvirt wants an absolute path: put the image's here. -->
    <kernel>%s.elf</kernel>
  </os>
  <features><acpi/></features>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <rng model='virtio-non-transitional'><backend model='random'>/dev/urandom</backend></rng>
    <serial type='pty'/>
    <console type='pty'/>
    <memballoon model='none'/>
  </devices>
</domain>
]]):format(project.name, launch.mebibytes(project), project.name)
end

-- Suffix -> content.
function launch.files(project)
  return {
    [".xl.cfg"] = xl(project),
    [".qemu.sh"] = qemu(project),
    [".firecracker.json"] = firecracker(project),
    [".libvirt.xml"] = libvirt(project),
  }
end

return launch
