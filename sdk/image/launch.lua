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

local BRIDGE = "br0"

local function xl(project, has_net)
  return ([[
# xl create %s.xl.cfg
name = "%s"
type = "pvh"
kernel = "%s.elf"
memory = %d
vcpus = 1
shadow_memory = 1
%son_poweroff = "destroy"
on_reboot = "destroy"
on_crash = "destroy"
]]):format(project.name, project.name, project.name, launch.mebibytes(project),
    has_net and ("# A bridge of the host\nvif = [ \"bridge=%s\" ]\n"):format(BRIDGE) or "")
end

local QEMU_NET_HEAD = [[
# NETDEV=tap,ifname=tap0,script=no,downscript=no connects it to a tap; without,
# HOSTFWD=tcp:127.0.0.1:8080-:8080 forwards a port of this machine.
]]
local QEMU_NET = [[
  -netdev "${NETDEV:-user${HOSTFWD:+,hostfwd=$HOSTFWD}},id=net0" \
  -device virtio-net-pci,netdev=net0,disable-legacy=on,disable-modern=off,romfile= \
]]

local function qemu(project, has_net)
  return ([[
#!/bin/sh
# Starts the image in QEMU; the status is (status << 1) | 1, see lunik/abi/exit.h.
%scd "$(dirname "$0")" || exit 1
exec qemu-system-x86_64 -M q35,accel=kvm:tcg -cpu max -m %dM -nodefaults \
  -display none -no-reboot -serial stdio \
  -device virtio-rng-pci,disable-legacy=on,disable-modern=off \
%s  -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel %s.elf ${1:+-append "$*"}
]]):format(has_net and QEMU_NET_HEAD or "", launch.mebibytes(project),
    has_net and QEMU_NET or "", project.name)
end

local function firecracker(project, has_net)
  return json.encode({
    ["boot-source"] = { kernel_image_path = project.name .. ".elf", boot_args = "" },
    ["machine-config"] = { vcpu_count = 1, mem_size_mib = launch.mebibytes(project) },
    entropy = {},
    ["network-interfaces"] = has_net and {
      { iface_id = "net0", host_dev_name = "tap0", guest_mac = "52:54:00:00:00:01" },
    } or nil,
    drives = setmetatable({}, json.array),
  }, "  ") .. "\n"
end

local LIBVIRT_NET = [[
    <interface type='network'>
      <source network='default'/>
      <model type='virtio-non-transitional'/>
      <rom enabled='no'/>
    </interface>
]]

local function libvirt(project, has_net)
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
%s    <rng model='virtio-non-transitional'><backend model='random'>/dev/urandom</backend></rng>
    <serial type='pty'/>
    <console type='pty'/>
    <memballoon model='none'/>
  </devices>
</domain>
]]):format(project.name, launch.mebibytes(project), project.name, has_net and LIBVIRT_NET or "")
end

-- Suffix -> content. (devices): as image.build found them in the program.
function launch.files(project, devices)
  local has_net = false
  for _, device in ipairs(devices or {}) do has_net = has_net or device.class == "net" end
  return {
    [".xl.cfg"] = xl(project, has_net),
    [".qemu.sh"] = qemu(project, has_net),
    [".firecracker.json"] = firecracker(project, has_net),
    [".libvirt.xml"] = libvirt(project, has_net),
  }
end

return launch
