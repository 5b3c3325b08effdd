-- SPDX-License-Identifier: MIT
-- frames.lua: examples/frames, asked by frames that this test makes. QEMU
-- gives each frame as one datagram.

local fs = require "util.fs"
local machine = require "machine"
local process = require "util.process"
local socket = require "posix.sys.socket"
local suite = require "suite"
local unistd = require "posix.unistd"

local OURS, THEIRS = "\2\0\0\0\0\1", "\x52\x54\0\0\0\1"
local OUR_IP, THEIR_IP = "\10\0\2\2", "\10\0\2\15"

local function sum(data)
  local total = 0
  for i = 1, #data do total = total + (data:byte(i) << (i % 2 == 1 and 8 or 0)) end
  while total > 0xffff do total = (total & 0xffff) + (total >> 16) end
  return total
end

local function arp(operation, from, from_ip, to, to_ip)
  return ("\0\1\8\0\6\4\0%c"):format(operation) .. from .. from_ip .. to .. to_ip
end

local function icmp(kind, payload)
  local text = string.char(kind, 0, 0, 0, 1, 2, 0, 7) .. payload
  return text:sub(1, 2) .. (">I2"):pack(~sum(text) & 0xffff) .. text:sub(5)
end

local function ip(payload, to, fields)
  fields = fields or {}
  local head = (">BBI2I2I2BBI2"):pack(fields.version or 0x45, 0, fields.total or 20 + #payload, 9,
    fields.fragment or 0, 64, fields.protocol or 1, 0) .. OUR_IP .. to
  head = head:sub(1, 10) .. (">I2"):pack(~sum(head) & 0xffff) .. head:sub(13)
  return head .. payload
end

local function start(bus)
  local files = {}
  for _, name in ipairs { "lunik.lua", "main.c" } do
    files[name] = fs.read(suite.root .. "/examples/frames/" .. name)
  end
  local ours, theirs = assert(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM, 0))
  local running = machine.start(machine.image(files), {
    machine = bus == "pci" and "q35" or "microvm",
    extra = {
      "-netdev", "dgram,id=n0,local.type=fd,local.str=" .. theirs,
      "-device", (bus == "pci" and "virtio-net-pci,romfile=,disable-legacy=on" or "virtio-net-device")
        .. ",netdev=n0,mac=52:54:00:00:00:01",
    },
  })
  suite.at_end(function() unistd.close(ours) end)
  unistd.close(theirs)
  running:wait_for "10.0.2.15 is at 52:54:00:00:00:01\n"
  return running, ours
end

-- Sends a frame; gives the answer, nil if there is none.
local function ask(fd, frame, seconds)
  assert(socket.send(fd, frame))
  local answer = process.read(fd, seconds or 5)
  return answer ~= "" and answer or nil
end

local function frame(kind, payload) return THEIRS .. OURS .. kind .. payload end

local tests = {}

for _, bus in ipairs { "pci", "mmio" } do
  tests["examples/frames answers on " .. bus] = function()
    local _, fd = start(bus)
    local who = arp(1, OURS, OUR_IP, "\0\0\0\0\0\0", THEIR_IP)
    local answer = assert(ask(fd, "\xff\xff\xff\xff\xff\xff" .. OURS .. "\8\6" .. who), "no ARP answer")
    suite.equal(answer:sub(1, 42), OURS .. THEIRS .. "\8\6" .. arp(2, THEIRS, THEIR_IP, OURS, OUR_IP))
    for size = 0, 1472, 184 do
      local payload = ("ping"):rep(400):sub(1, size)
      answer = assert(ask(fd, frame("\8\0", ip(icmp(8, payload), THEIR_IP))), "no echo")
      suite.equal(answer:sub(1, 14), OURS .. THEIRS .. "\8\0")
      suite.equal(answer:sub(27, 34), THEIR_IP .. OUR_IP)
      suite.equal(sum(answer:sub(15, 34)), 0xffff, "the IP header's sum")
      suite.equal(answer:sub(35, 42 + size), icmp(0, payload))
    end
  end
end

tests["examples/frames answers nothing that is wrong or for others"] = function()
  local running, fd = start "pci"
  local good = ip(icmp(8, "abcd"), THEIR_IP)
  local bad = {
    frame("\8\6", arp(1, OURS, OUR_IP, "\0\0\0\0\0\0", "\10\0\2\16")),
    frame("\8\6", arp(2, OURS, OUR_IP, THEIRS, THEIR_IP)),
    frame("\8\6", arp(1, OURS, OUR_IP, THEIRS, THEIR_IP):sub(1, 27)),
    frame("\8\0", ip(icmp(8, "abcd"), "\10\0\2\16")),
    frame("\8\0", ip(icmp(0, "abcd"), THEIR_IP)),
    frame("\8\0", good:sub(1, 31)),
    frame("\8\0", good:sub(1, -2) .. "X"),
    frame("\8\0", ip(icmp(8, "abcd"), THEIR_IP, { total = 33 })),
    frame("\8\0", ip(icmp(8, "abcd"), THEIR_IP, { total = 27 })),
    frame("\8\0", ip(icmp(8, "abcd"), THEIR_IP, { version = 0x44 })),
    frame("\8\0", ip(icmp(8, "abcd"), THEIR_IP, { version = 0x4f })),
    frame("\8\0", ip(icmp(8, "abcd"), THEIR_IP, { version = 0x65 })),
    frame("\8\0", ip(icmp(8, "abcd"), THEIR_IP, { protocol = 17 })),
    frame("\8\0", ip(icmp(8, "abcd"), THEIR_IP, { fragment = 0x2000 })),
    frame("\8\0", ip(icmp(8, "abcd"), THEIR_IP, { fragment = 1 })),
    frame("\x86\xdd", good),
    THEIRS .. OURS .. "\8\0",
    THEIRS:sub(1, 3),
  }
  for _, text in ipairs(bad) do assert(socket.send(fd, text)) end
  -- The first answer is to the first good question.
  local answer = assert(ask(fd, frame("\8\0", ip(icmp(8, "last"), THEIR_IP))), "no echo")
  suite.equal(answer:sub(35, 46), icmp(0, "last"))
  assert(not process.read(fd, 0.1), "more than one answer")
  suite.equal(running.output, "10.0.2.15 is at 52:54:00:00:00:01\n")
end

tests["examples/frames says what is missing"] = function()
  local files = {}
  for _, name in ipairs { "lunik.lua", "main.c" } do
    files[name] = fs.read(suite.root .. "/examples/frames/" .. name)
  end
  local image = machine.image(files)
  suite.holds(machine.expect(image, nil, 1).output, "net0: not found")
  suite.holds(machine.expect(image, { arguments = { "10.0.2.256" } }, 1).output, "not an address")
  suite.holds(machine.expect(image, { arguments = { "10.0.2.1.1" } }, 1).output, "not an address")
end

return tests
