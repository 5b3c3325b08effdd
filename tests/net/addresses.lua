-- SPDX-License-Identifier: MIT
-- addresses.lua: where an image gets its address from, and what it does without
-- one: DHCP, the launch line, router advertisements; no card, no cable, and an
-- address that another has.

local fs = require "util.fs"
local machine = require "machine"
local net = require "net"
local process = require "util.process"
local suite = require "suite"

local function service()
  return machine.image {
    ["main.lua"] = fs.read(suite.root .. "/tests/net/programs/service.lua"),
  }
end

-- What the guest said of its interfaces once it had an address.
local function state(guest, seconds)
  guest:wait_for("ready\n", seconds or 30)
  return guest:join()
end

local function dnsmasq(network, words)
  net.need "dnsmasq"
  local folder = suite.folder()
  local server = network:start {
    "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--port=0",
    "--interface=tap0", "--bind-interfaces", "--log-dhcp", "--log-facility=-", "--no-ping",
    "--dhcp-authoritative", "--dhcp-leasefile=" .. folder .. "/leases",
    "--pid-file=" .. folder .. "/pid", "--dhcp-range=10.77.0.100,10.77.0.109,255.255.255.0,120",
    "--dhcp-option=option:router,10.77.0.1", "--dhcp-option=option:dns-server,10.77.0.1",
    table.unpack(words or {}),
  }
  server:wait_for "DHCP, IP range"
  return server
end

-- A server of our own, whose times can be short.
local function start_dhcp(network, words)
  local server = network:start_tool("dhcp", words)
  server:wait_for "ready"
  return server
end

local function radvd(network, more)
  net.need "radvd"
  local folder = suite.folder()
  network:sh "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"
  fs.write(folder .. "/conf", [[
interface tap0 {
  AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;
  prefix fd77::/64 { };
  RDNSS fd77::1 { };
]] .. (more or "") .. "};\n", 384)
  return network:start { "radvd", "-n", "-C", folder .. "/conf", "-p", folder .. "/pid", "-m", "stderr" }
end

local function leases(server)
  local _, count = server:said():gsub("DHCPACK", "")
  return count
end

-- Boots with DHCP, on one kind of machine.
local function by_dhcp(name)
  return function()
    local network = net.network()
    local server = dnsmasq(network)
    local guest = network:boot(service(), { launch = false, machine = name })
    local text = state(guest)
    suite.matches(text, "address 10%.77%.0%.10%d/24 dhcp\n")
    suite.holds(text, "gateway4=10.77.0.1")
    suite.holds(text, "nameserver 10.77.0.1\n")
    suite.equal(leases(server), 1)
    local body = network:get("/", { host = text:match "address (10%.77%.0%.10%d)" })
    suite.equal(body, "Hello from Lua!\n")
  end
end

return {
  ["DHCP gives address, gateway and name server on q35"] = by_dhcp "q35",
  ["DHCP gives address, gateway and name server on a microvm"] = by_dhcp "microvm",
  ["an address of the launch line is used at once, and nobody is asked for one"] = function()
    local network = net.network()
    local server = dnsmasq(network)
    local guest = network:boot(service())
    local text = state(guest, 10)
    suite.holds(text, "address 10.77.0.2/24 static\n")
    suite.equal(network:get "/", "Hello from Lua!\n")
    suite.equal(leases(server), 0)
    assert(not server:said():find "DHCPDISCOVER", server:said())
  end,
  ["both families of the launch line are served"] = function()
    local network = net.network()
    local guest = network:boot(service(), {
      launch = "net0.ip=10.77.0.2/24,gw=10.77.0.1,fd77::2/64",
    })
    local text = state(guest, 10)
    suite.holds(text, "address 10.77.0.2/24 static\n")
    network:wait_for_http { host = "[fd77::2]" }
    suite.equal(network:get("/", { host = "[fd77::2]" }), "Hello from Lua!\n")
    suite.equal(network:get "/", "Hello from Lua!\n")
    local said = network:must { "ping", "-c", "3", "-i", "0.2", "-W", "2", "fd77::2" }
    suite.holds(said, " 0% packet loss")
    said = network:must { "ping", "-c", "3", "-i", "0.2", "-W", "2", "-s", "1400", "10.77.0.2" }
    suite.holds(said, " 0% packet loss")
  end,
  ["without IPv4, a router's advertisement gives address, gateway and name server"] = function()
    local network = net.network { address4 = false }
    radvd(network)
    local guest = network:boot(service(), { launch = "net0.ip=slaac" })
    local text = state(guest)
    local address = text:match "address (fd77:[%x:]+)/64 router\n"
    assert(address, text)
    suite.matches(text, "gateway6=fe80:")
    suite.holds(text, "nameserver fd77::1\n")
    assert(not text:find "address %d+%.", text)
    suite.equal(network:get("/", { host = "[" .. address .. "]" }), "Hello from Lua!\n")
  end,
  ["an image without a card starts, and its calls say so"] = function()
    local network = net.network()
    local result = network:boot(service(), { card = false, launch = false }):finish(20)
    suite.equal(result.code, machine.EXIT.PROGRAM, result.output)
    suite.matches(result.output, "connect\tnil\tnetwork is unreachable\n")
    suite.matches(result.output, "resolve\tnil\tnetwork is unreachable\n")
    suite.matches(result.output, "wait\tnil\t")
  end,
  ["a card whose cable is plugged in later gets its address then"] = function()
    local network = net.network()
    dnsmasq(network)
    local guest = network:boot(service(), { launch = false, extra = { "-S" } })
    assert(guest.qemu:command("set_link", { name = "card0", up = false }))
    assert(guest.qemu:command "cont")
    guest:wait_for "Listening"
    process.run { "sleep", "1.5" }
    assert(not guest:join():find "ready", guest.output)
    assert(guest.qemu:command("set_link", { name = "card0", up = true }))
    local text = state(guest, 15)
    suite.matches(text, "link=true")
    suite.equal(network:get("/", { host = text:match "address (10%.77%.0%.10%d)" }), "Hello from Lua!\n")
  end,
  ["a static address works too when the cable comes later"] = function()
    local network = net.network()
    local guest = network:boot(service(), { extra = { "-S" } })
    assert(guest.qemu:command("set_link", { name = "card0", up = false }))
    assert(guest.qemu:command "cont")
    guest:wait_for "Listening"
    process.run { "sleep", "1" }
    assert(not network:get("/", { timeout = 1 }))
    assert(guest.qemu:command("set_link", { name = "card0", up = true }))
    network:wait_for_http()
    suite.holds(network:get "/interfaces", "link=true")
  end,
  ["a static address that another has is not used"] = function()
    local network = net.network()
    network:sh(("ip addr add %s/24 dev tap0"):format(net.GUEST))
    local guest = network:boot(service())
    guest:wait_for "Listening"
    guest:wait_for("duplicate", 20)
    -- Whoever had it keeps it: the other's own server answers, not the guest.
    local before = network:must { "ip", "neigh", "show", "dev", "tap0" }
    assert(not before:find(net.GUEST .. " lladdr", 1, true), before)
  end,
  ["an IPv6 address that another has is not used"] = function()
    local network = net.network()
    network:sh "ip addr add fd77::2/64 dev tap0 nodad"
    local guest = network:boot(service(), { launch = "net0.ip=10.77.0.2/24,gw=10.77.0.1,fd77::2/64" })
    guest:wait_for("ready\n", 20)
    network:wait_for_http()
    local text, deadline = nil, process.now() + 10
    repeat
      text = network:get "/interfaces"
    until text and text:find "duplicate" or process.now() > deadline
    suite.matches(text, "address fd77::2/64 static.* duplicate")
    suite.holds(text, "address 10.77.0.2/24 static\n")
  end,
  ["an address that DHCP gives and another has is declined"] = function()
    local network = net.network()
    local server = start_dhcp(network)
    local hole = network:start_tool("blackhole", { "--ip", "10.77.0.105" })
    hole:wait_for "ready"
    local guest = network:boot(service(), { launch = false })
    guest:wait_for "Listening"
    server:wait_for("decline\n", 25)
    server:wait_for("decline\n.*grant\n", 30)
    guest:wait_for("address 10%.77%.0%.106/24 dhcp\n", 20)
    network:wait_for_http { host = "10.77.0.106" }
  end,
  ["a lease is renewed before it ends, without a new start"] = function()
    local network = net.network()
    local server = start_dhcp(network, { "--lease", "60", "--renew", "10", "--rebind", "40" })
    local guest = network:boot(service(), { launch = false })
    state(guest)
    local hold = network:start_tool("hold", { "--host", "10.77.0.105", "--connections", "5", "--ask-again" })
    hold:wait_for "open 5"
    server:wait_for("renew\ngrant\n.*renew\ngrant\n", 45)
    local _, discovers = server:said():gsub("discover\n", "")
    suite.equal(discovers, 1)
    hold:stop(15)
    suite.holds(hold:finish(10), "alive 5")
  end,
  ["a lease that is refused is given up for another address"] = function()
    local network = net.network()
    local server = start_dhcp(network, { "--lease", "60", "--renew", "10", "--refuse-after", "1" })
    local guest = network:boot(service(), { launch = false })
    state(guest)
    server:wait_for("renew\nrefuse\n", 25)
    guest:wait_for("address 10%.77%.0%.106/24 dhcp\n", 25)
    network:wait_for_http { host = "10.77.0.106" }
    assert(not network:get("/", { host = "10.77.0.105", timeout = 1 }))
  end,
  ["when the lease has ended, the address is no longer used"] = function()
    if not suite.is_long then suite.skip "takes a minute: --long" end
    local network = net.network()
    local server = start_dhcp(network, { "--lease", "20", "--renew", "10", "--rebind", "15", "--grants", "1" })
    local guest = network:boot(service(), { launch = false })
    state(guest)
    network:wait_for_http { host = "10.77.0.105" }
    server:wait_for("renew\n", 25)
    process.run { "sleep", "40" }
    assert(not network:get("/", { host = "10.77.0.105", timeout = 2 }))
  end,
  ["DHCP that answers only later is waited for"] = function()
    local network = net.network()
    local guest = network:boot(service(), { launch = false })
    guest:wait_for "Listening"
    process.run { "sleep", "5" }
    start_dhcp(network)
    guest:wait_for("address 10%.77%.0%.105/24 dhcp\n", 30)
  end,
  ["advertisements from a thousand routers leave the address and the server alone"] = function()
    local network = net.network()
    radvd(network)
    local guest = network:boot(service(), { launch = "ip=" .. net.STATIC:match "^ip=(.*)$" })
    local text = state(guest)
    network:wait_for_http()
    local seconds = suite.is_long and 60 or 5
    local flood = network:start_tool("flood", { "--kind", "ra", "--rate", "2000", "--seconds", tostring(seconds) })
    local load = network:tool("load", { "--host", net.GUEST, "--connections", "4", "--seconds", tostring(seconds) })
    flood:finish(seconds + 20)
    suite.equal(("%d read errors, %d timeouts, %d refused"):format(load.read_errors, load.timeouts,
      load.connect_errors), "0 read errors, 0 timeouts, 0 refused")
    assert(load.requests > 100, load.requests)
    text = network:get "/interfaces"
    suite.holds(text, "address 10.77.0.2/24 static\n")
    local _, addresses = text:gsub("address ", "")
    assert(addresses <= 8, text)
    suite.note("%.0f requests/s meanwhile", load.rate)
  end,
}
