-- SPDX-License-Identifier: MIT
-- harness.lua: the tools do what the other tests believe they do. In the
-- guest's place is a second namespace with Linux's own stack.

local fs = require "util.fs"
local host = require "lunik.host"
local net = require "net"
local process = require "util.process"
local random = require "random"
local suite = require "suite"

local SERVER = [[
local http = require "lunik.http"
local server = http.server { port = 8080, handler = function(req)
  if req.path == "/missing" then return 404, "no\n" end
  return 200, "Hello from Linux\n"
end }
assert(server:listen())
server:run()
]]

-- Linux's stack in the guest's place, and on it a server: the image's program
-- as a process (`lunik run --host`).
local function linux_with_server()
  net.need "curl"
  local network = net.network { is_linux = true }
  local folder = suite.project { ["main.lua"] = SERVER, ["lunik.lua"] = 'return { name = "server" }' }
  network.guest:start { host.prefix .. "/bin/lunik", "run", "--host", folder }
  network:wait_for_http()
  return network
end

-- A number that the wrong kind of generator would give.
local function series(count, step)
  local values, value = {}, 12345
  for i = 1, count do
    value = step(value, i)
    values[i] = value
  end
  return values
end

return {
  ["a network is gone when its test ends, with all that ran in it"] = function()
    net.need()
    local network = net.network()
    local child = network:start { "sleep", "1000" }
    assert(fs.is_folder("/proc/" .. child.pid))
    suite.holds(process.run { "ip", "netns", "list" }, network.name)
    network:remove()
    assert(not process.run({ "ip", "netns", "list" }):find(network.name, 1, true))
    assert(not child:is_running())
  end,
  ["nothing gets out of a network"] = function()
    net.need()
    local network = net.network()
    local said = network:must { "ip", "route" }
    assert(not said:find "default", said)
  end,
  ["load counts answers, and says what fails"] = function()
    local network = linux_with_server()
    local kept = network:tool("load", { "--host", net.GUEST, "--requests", "500", "--connections", "8" })
    suite.equal(kept.requests, 500)
    suite.equal(kept.connects, 8)
    suite.equal(kept.read_errors + kept.connect_errors + kept.status_errors + kept.timeouts, 0)
    assert(kept.p50 > 0 and kept.p50 <= kept.p99 and kept.p99 <= kept.longest)
    local fresh = network:tool("load", { "--host", net.GUEST, "--requests", "200", "--fresh" })
    suite.equal(fresh.requests, 200)
    suite.equal(fresh.connects, 200)
    suite.equal(fresh.read_errors, 0)
    local bad = network:tool("load",
      { "--host", net.GUEST, "--seconds", "1", "--path", "/missing" })
    suite.equal(bad.requests, 0)
    assert(bad.status_errors > 0)
    local refused = network:tool("load", { "--host", net.GUEST, "--port", "9", "--seconds", "1" })
    suite.equal(refused.requests, 0)
    assert(refused.connect_errors > 0)
  end,
  ["load sees a server that dies meanwhile"] = function()
    local network = linux_with_server()
    local load = network:start_tool("load", { "--host", net.GUEST, "--seconds", "2", "--parts", "2" })
    process.run { "sleep", "1" }
    network.guest:kill_all()
    local figures = net.figures((load:finish(10)))
    assert(figures.requests > 0 and figures.read_errors + figures.connect_errors > 0)
    assert(figures["part.2"] < figures["part.1"] / 2)
  end,
  ["load works over IPv6"] = function()
    local network = linux_with_server()
    local figures = network:tool("load", { "--host", net.GUEST6, "--requests", "100" })
    suite.equal(figures.requests, 100)
    suite.equal(figures.read_errors + figures.connect_errors, 0)
  end,
  ["held connections are counted while they live"] = function()
    local network = linux_with_server()
    local hold = network:start_tool("hold", { "--host", net.GUEST, "--connections", "300", "--ask-again" })
    suite.equal(hold:wait_for "open (%d+)", "300")
    hold:stop(15)
    suite.holds(hold:said(), "alive 300")
    local again = network:start_tool("hold", { "--host", net.GUEST, "--connections", "20" })
    again:wait_for "open 20"
    network.guest:kill_all()
    process.run { "sleep", "0.2" }
    again:stop(15)
    suite.holds(again:said(), "alive 0")
  end,
  ["blind attacks are sent, and notice a connection that dies"] = function()
    local network = linux_with_server()
    for _, kind in ipairs { "rst", "rst-window", "syn-window", "fin-window", "data-window", "icmp" } do
      local figures = network:tool("blind", { "--kind", kind, "--count", "200" })
      suite.equal(figures.sent, 200)
      assert(figures.asked >= 4)
      suite.equal(figures.killed, 0, kind)
    end
    -- One who sees the segments need not guess.
    local figures = network:tool("blind", { "--kind", "rst-exact", "--count", "20", "--each", "5" })
    suite.equal(figures.killed, 4)
  end,
  ["floods come at their rate"] = function()
    local network = linux_with_server()
    for _, kind in ipairs { "syn", "ack", "udp", "ping", "icmp", "fragment", "arp", "nd", "ra", "noise" } do
      if suite.is_quick and kind ~= "syn" then break end
      local before = network.guest:must { "cat", "/sys/class/net/eth0/statistics/rx_packets" }
      local figures = network:tool("flood", { "--kind", kind, "--rate", "2000", "--seconds", "1" })
      suite.equal(figures.sent, 2000)
      local after = network.guest:must { "cat", "/sys/class/net/eth0/statistics/rx_packets" }
      assert(tonumber(after) - tonumber(before) >= 2000, kind)
    end
  end,
  ["the numbers of a good host are found good, and bad ones bad"] = function()
    local network = linux_with_server()
    local _, said = network:tool("sample", { "--count", "1000" })
    local values = {}
    for value in said:gmatch "isn (%d+)" do values[#values + 1] = math.tointeger(tonumber(value)) end
    suite.equal(#values, 1000)
    suite.equal(random.complaint(values, 32), nil)
    assert(random.complaint(series(1000, function(v) return (v + 64000) & 0xffffffff end), 32))
    assert(random.complaint(series(1000, function(v, i) return (v + 64000 + i * i % 977) & 0xffffffff end), 32))
    assert(random.complaint(series(1000, function(_, i) return i % 10 * 123456789 & 0xffffffff end), 32))
    assert(random.complaint(series(1000, function() return math.random(0, 0xffffffff) & ~16 end), 32))
    suite.equal(random.complaint(series(1000, function() return math.random(0, 0xffffffff) end), 32), nil)
  end,
  ["a black hole answers who asks where it is, and nothing else"] = function()
    local network = linux_with_server()
    local hole = network:start_tool("blackhole", {})
    hole:wait_for "ready"
    local said, status = network.guest:run({ "curl", "-sS", "-m", "2", "http://" .. net.NOBODY .. "/" })
    assert(status == 28, said)
    suite.holds(network.guest:must { "ip", "neigh" }, net.NOBODY .. " dev eth0 lladdr")
    hole:stop(15)
    local syns = tonumber(hole:wait_for "syns (%d+)")
    assert(syns >= 1)
  end,
  ["the name server answers as it is told"] = function()
    local network = linux_with_server()
    fs.make_folder("/etc/netns/" .. network.guest.name)
    suite.at_end(function()
      os.remove("/etc/netns/" .. network.guest.name .. "/resolv.conf")
      os.remove("/etc/netns/" .. network.guest.name)
    end)
    fs.write("/etc/netns/" .. network.guest.name .. "/resolv.conf",
      "nameserver " .. net.HOST .. "\noptions timeout:1 attempts:1\n")
    for mode, wanted in pairs { answer = net.HOST, forge = net.HOST, stranger = net.HOST, drop = false,
      none = false } do
      local names = network:start_tool("names", { "--mode", mode, "--address", net.HOST })
      names:wait_for "ready"
      local said, status = network.guest:run { "getent", "ahostsv4", "some.example" }
      names:stop()
      suite.holds(names:said(), "some.example")
      if wanted then suite.holds(said, wanted) else assert(status ~= 0, mode .. said) end
    end
  end,
}
