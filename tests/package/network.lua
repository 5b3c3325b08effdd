-- SPDX-License-Identifier: MIT
-- network.lua: the network that `lunik run` gives to an image, and what stands
-- of it in manifests and launch files.

local fs = require "util.fs"
local json = require "util.json"
local net = require "run.net"
local process = require "util.process"
local server = require "server"
local socket = require "posix.sys.socket"
local suite = require "suite"
local unistd = require "posix.unistd"
local sdk = require "util.sdk"

-- A C program that has what opens network devices, and needs none of them: to
-- the SDK that is an image with networking.
local C_PROGRAM = [[
int lunik_net_open(void);
__attribute__((noinline)) int lunik_net_open(void) { return 0; }
int lunik_main(int argc, char **argv);
int lunik_main(int argc, char **argv) { (void)argc; (void)argv; return lunik_net_open(); }
]]

local function with_network()
  return suite.project { ["main.c"] = C_PROGRAM,
    ["lunik.lua"] = 'return { name = "wired", c = { sources = { "main.c" } } }' }
end

local function without_network()
  return suite.project { ["main.lua"] = "", ["lunik.lua"] = 'return { name = "alone" }' }
end

-- `lunik run WORDS FOLDER` ends with (status) and a sentence with (part).
local function refuses(folder, words, status, part)
  local command = table.move(words, 1, #words, 2, { "run" })
  command[#command + 1] = folder
  local output, code = suite.lunik(command)
  suite.equal(code, status, output)
  suite.holds(output, part)
  assert(not output:find("traceback", 1, true), output)
end

local function dry(folder, words)
  local command = table.move(words, 1, #words, 5, { "run", "--dry-run", "--accel", "tcg" })
  command[#command + 1] = folder
  local output, status = suite.lunik(command)
  suite.equal(status, 0, output)
  return output
end

return {
  ["a forward that cannot be read is refused before anything is built"] = function()
    local nowhere = suite.folder() .. "/nowhere"
    for word, part in pairs {
      ["8080"] = "it must be [ADDRESS:]HOST:GUEST[/udp]",
      ["a:b"] = "it must be", [""] = "it must be", [":80"] = "it must be",
      ["80:"] = "it must be", ["1:2:3:4"] = "it must be",
      ["0:80"] = "0 is no port", ["80:0"] = "0 is no port", ["65536:80"] = "65536 is no port",
      ["80:99999999999999999999"] = "is no port; ports are 1 to 65535",
      ["1:2/sctp"] = "tcp or udp, not sctp", ["300.0.0.1:1:2"] = "300.0.0.1 is no IPv4 address",
      ["1.2.3:1:2"] = "1.2.3 is no IPv4 address", ["x:1:2"] = "x is no IPv4 address",
      [":1:2"] = "an empty address is no IPv4 address", ["[::1]:1:2"] = "IPv4 addresses of this machine only",
      ["1.2.3.4.:1:2"] = "is no IPv4 address",
    } do
      refuses(nowhere, { "-p", word }, 64, part)
    end
  end,
  ["two forwards of one port are refused, of two protocols not"] = function()
    local nowhere = suite.folder() .. "/nowhere"
    refuses(nowhere, { "-p", "81:1", "-p", "81:2" }, 64, "both want port 81")
    refuses(nowhere, { "-p", "127.0.0.1:81:1", "-p", "0.0.0.0:81:2" }, 64, "both want port 81")
    suite.equal(#net.parse_forwards { "81:1", "81:2/udp", "127.0.0.2:81:3" }, 3)
  end,
  ["a forward is understood in all its parts"] = function()
    local forward = net.parse_forward "0.0.0.0:53:5353/udp"
    suite.equal(forward.address, "0.0.0.0")
    suite.equal(forward.host, 53)
    suite.equal(forward.guest, 5353)
    suite.equal(forward.protocol, "udp")
    suite.equal(net.describe(net.parse_forward "8080:80"), "forwarding http://127.0.0.1:8080 -> 80")
    suite.equal(net.describe(forward), "forwarding udp 127.0.0.1:53 -> 5353")
  end,
  ["a port that is taken is named before the boot"] = function()
    local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0))
    assert(socket.bind(fd, { family = socket.AF_INET, addr = "127.0.0.1", port = 0 }))
    assert(socket.listen(fd, 1))
    local port = socket.getsockname(fd).port
    local ok, why = pcall(refuses, with_network(), { "-p", port .. ":80" }, 69,
      ("port %d of 127.0.0.1 cannot be had: another program uses it"):format(port))
    unistd.close(fd)
    assert(ok, why)
    refuses(with_network(), { "-p", "192.0.2.77:8080:80" }, 69, "this machine has no such address")
  end,
  ["what has no networking cannot be forwarded to"] = function()
    local folder = without_network()
    refuses(folder, { "-p", "8080:80" }, 64, "-p 8080:80: the image has no networking")
    refuses(folder, { "--tap", "tap0" }, 64, "--tap tap0: the image has no networking")
    refuses(folder, { "--ip", "10.0.0.1" }, 64, "--ip 10.0.0.1: the image has no networking")
  end,
  ["contradictions are refused"] = function()
    local nowhere = suite.folder() .. "/nowhere"
    refuses(nowhere, { "-p", "1:2", "--tap", "t" }, 64, "nothing is forwarded")
    refuses(nowhere, { "--net", "none", "--ip", "1.2.3.4" }, 64, "--net none goes with none of")
    refuses(nowhere, { "--net", "restricted", "--tap", "t" }, 64, "the interface decides")
    refuses(nowhere, { "--net", "opne" }, 64, "'open', 'restricted', 'none'")
    refuses(nowhere, { "--host", "--tap", "t" }, 64, "--host goes with neither --tap nor --ip")
  end,
  ["a tap that is not there, or is none, is refused with what to do"] = function()
    local folder = with_network()
    refuses(folder, { "--tap", "nosuchtap" }, 69, "ip tuntap add nosuchtap mode tap")
    refuses(folder, { "--tap", "lo" }, 69, "lo is no tap interface")
    refuses(folder, { "--tap", "../../etc" }, 69, "there is no network interface")
    refuses(folder, { "--tap", "a,b=c" }, 69, "there is no network interface")
  end,
  ["an image with networking gets a device, another none"] = function()
    local folder = with_network()
    suite.holds(dry(folder, {}), "-netdev user,id=net0 -device virtio-net-pci,netdev=net0")
    suite.holds(dry(folder, { "--machine", "microvm" }), "-device virtio-net-device,netdev=net0")
    suite.holds(dry(folder, { "--net", "restricted" }), "user,id=net0,restrict=on")
    suite.holds(dry(folder, { "--tap", "tap7" }), "tap,id=net0,ifname=tap7,script=no,downscript=no")
    suite.holds(dry(folder, { "-p", "127.0.0.9:81:80", "-p", "53:54/udp" }),
      "user,id=net0,hostfwd=tcp:127.0.0.9:81-:80,hostfwd=udp:127.0.0.1:53-:54")
    local fixed = dry(folder, { "-p", "81:80", "--ip", "10.0.2.9::10.0.2.2:255.255.255.0" })
    suite.holds(fixed, "hostfwd=tcp:127.0.0.1:81-10.0.2.9:80")
    suite.holds(fixed, "ip=10.0.2.9::10.0.2.2:255.255.255.0")
    assert(not dry(folder, { "--net", "none" }):find "netdev", "a device after --net none")
    assert(not dry(without_network(), {}):find "netdev", "a device for an image without networking")
  end,
  ["each tap has a hardware address of its own, the same each time"] = function()
    suite.matches(net.hardware_address "tap0", "^52:54:00:%x%x:%x%x:%x%x$")
    suite.equal(net.hardware_address "tap0", net.hardware_address "tap0")
    assert(net.hardware_address "tap0" ~= net.hardware_address "tap1")
  end,
  ["it boots with its device on q35 and microvm"] = function()
    if not fs.find_command "qemu-system-x86_64" then suite.skip "QEMU is not installed" end
    local folder, port = with_network(), server.free_port()
    for _, name in ipairs { "q35", "microvm" } do
      local output, status = suite.lunik { "run", "--accel", "tcg", "--machine", name, "-p", port .. ":80", folder }
      suite.equal(status, 0, output)
      suite.holds(output, ("forwarding http://127.0.0.1:%d -> 80\n"):format(port))
    end
  end,
  ["the manifest, inspect and launch files name the device"] = function()
    local wired, alone = with_network(), without_network()
    for folder, name in pairs { [wired] = "wired", [alone] = "alone" } do
      suite.equal(select(2, suite.lunik { "build", folder }), 0)
      local base = ("%s/build/%s"):format(folder, name)
      local has = name == "wired"
      local text = suite.lunik { "inspect", base .. ".elf" }
      suite.equal(text:find("network +net0") ~= nil, has, text)
      local described = json.decode((suite.lunik { "inspect", "--json", base .. ".elf" }))
      suite.equal(#described.devices, has and 1 or 0)
      suite.equal(fs.read(base .. ".qemu.sh"):find("virtio-net-pci", 1, true) ~= nil, has)
      suite.equal(fs.read(base .. ".xl.cfg"):find("\nvif = ", 1, true) ~= nil, has)
      suite.equal(fs.read(base .. ".libvirt.xml"):find("<interface ", 1, true) ~= nil, has)
      local fire = json.decode(fs.read(base .. ".firecracker.json"))
      suite.equal(fire["network-interfaces"] ~= nil, has)
    end
    local output, status = process.run { "sh", "-n", wired .. "/build/wired.qemu.sh" }
    suite.equal(status, 0, output)
  end,
  ["with --host -p says that it does nothing"] = function()
    local output, status = suite.lunik { "run", "--host", "-p", "8080:80", without_network() }
    suite.equal(status, 0, output)
    suite.holds(output, "-p does nothing")
  end,
  ["a service in an image answers through a forwarded port"] = function()
    if not fs.find_command "qemu-system-x86_64" then suite.skip "QEMU is not installed" end
    local folder = suite.project { ["main.lua"] = server.program(8080, "from inside\n"),
      ["lunik.lua"] = 'return { name = "service" }' }
    local port = server.free_port()
    local running = server.start { sdk.prefix .. "/bin/lunik", "run", "--accel", "tcg", "-p", port .. ":8080", folder }
    local body = server.await("the answer", function()
      assert(not running.ended(), running.said())
      return server.get(port, "/")
    end, 60)
    suite.equal(body, "from inside\n")
    process.kill(running.pid, require "posix.signal".SIGTERM)
    server.await("its end", running.ended, 15)
    suite.equal(running.status, 0, running.said())
  end,
}
