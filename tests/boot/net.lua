-- SPDX-License-Identifier: MIT
-- net.lua: network devices in images: the contract, links, what is linked.

local elf = require "image.elf"
local fs = require "util.fs"
local machine = require "machine"
local suite = require "suite"

-- What is alike on both buses: a name, the machine, and a device on (netdev).
local BUSES = {
  { name = "pci", machine = "q35", device = "virtio-net-pci,disable-legacy=on,romfile=" },
  { name = "mmio", machine = "microvm", device = "virtio-net-device" },
}

-- QEMU's words for two devices with a hub between them.
local function pair(bus, more)
  local words = {}
  for i = 0, 1 do
    for _, word in ipairs {
      "-netdev", ("hubport,hubid=1,id=n%d"):format(i),
      "-device", ("%s,id=net%d,netdev=n%d,mac=52:54:00:00:00:0%d%s"):format(bus.device, i, i, i + 1,
        more or ""),
    } do words[#words + 1] = word end
  end
  return words
end

local function contract_image()
  local files = {
    ["lunik.lua"] = [[return { name = "contract", c = { sources = {
      "image.c", "contract.c", "console.c", "entropy.c", "net.c" } } }]],
  }
  for _, name in ipairs { "image.c", "contract.c", "contract.h", "console.c", "entropy.c", "net.c" } do
    files[name] = fs.read(suite.root .. "/tests/contract/" .. name)
  end
  files["platform.h"] = fs.read(suite.root .. "/libos/platform/platform.h")
  return machine.image(files)
end

-- Says what the link of net0 is, whenever that changes.
local LINK = [[
#include <lunik/net.h>
#include <lunik/sys.h>
#include <lunik/time.h>
#include <stdio.h>

int lunik_main(int argc, char **argv)
{
    uint64_t until = lunik_time_after_ns(30 * LUNIK_NS_PER_S);
    struct lunik_net *net;
    struct lunik_net_frame frame;
    int changes = 0, last = -1;

    (void)argc;
    (void)argv;
    if (lunik_net_open("net0", &net) != LUNIK_OK)
        return 1;
    for (;;) {
        int is_up = lunik_net_has_link(net);

        if (is_up != last) {
            printf("link %s\n", is_up ? "up" : "down");
            fflush(stdout);
            changes++;
        }
        last = is_up;
        if (changes == 3)
            break;
        while (lunik_net_receive(net, &frame) == LUNIK_OK)
            lunik_net_release(net, frame.tokens[0]);
        if (lunik_net_wait(net, until) != LUNIK_OK)
            return 2;
    }
    lunik_net_close(net);
    return 0;
}
]]

local function link_image()
  return machine.image {
    ["lunik.lua"] = 'return { name = "link", c = { sources = { "main.c" } } }', ["main.c"] = LINK,
  }
end

local tests = {
  ["an image that uses no network has none of it"] = function()
    local file = assert(elf.parse(fs.read(machine.image('print "x"').debug)))
    for _, item in ipairs(elf.symbols(file).functions) do
      assert(not item.name:match "^lunik_net_" and not item.name:match "virtio_net"
        and item.name ~= "platform_net", item.name)
    end
  end,
  ["without a device there is no name, and an open says so"] = function()
    machine.expect(link_image(), nil, 1)
  end,
}

for _, bus in ipairs(BUSES) do
  tests["two devices keep the contract on " .. bus.name] = function()
    local result = machine.expect(contract_image(),
      { machine = bus.machine, extra = pair(bus), timeout = 60 })
    suite.holds(result.output, "contract net: 0 failed")
  end
  tests["plain devices keep the contract on " .. bus.name] = function()
    machine.expect(contract_image(), {
      machine = bus.machine, timeout = 60,
      extra = pair(bus, ",mrg_rxbuf=off,event_idx=off,status=off,rx_queue_size=256"),
    })
  end
  tests["the contract holds in little memory on " .. bus.name] = function()
    machine.expect(contract_image(),
      { machine = bus.machine, memory = "5M", extra = pair(bus), timeout = 60 })
  end
  tests["the link is followed on " .. bus.name] = function()
    local running = machine.start(link_image(), { machine = bus.machine, extra = pair(bus) })
    running:wait_for "link up\n"
    assert(running.qemu:command("set_link", { name = "net0", up = false }))
    running:wait_for "link down\n"
    assert(running.qemu:command("set_link", { name = "net0", up = true }))
    suite.equal(running:finish().code, machine.EXIT.PROGRAM, running.output)
    suite.holds(running.output, "link up\nlink down\nlink up\n")
  end
end

return tests
