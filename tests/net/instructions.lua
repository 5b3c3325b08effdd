-- SPDX-License-Identifier: MIT
-- instructions.lua: what requests cost the guest, in instructions, which do not
-- move with the machine's load: 3,000 sequential GETs on one connection, 100
-- fresh connections, an idle second, and the way to "listening".

local count = require "count"
local net = require "net"
local process = require "util.process"
local server = require "guest"
local suite = require "suite"
local text = require "util.text"

local STATIC = { launch = net.STATIC }

local function start(name, options)
  local image = server.image(name or server.DEFAULT)
  local network = net.network()
  local counter = count.new(image, { "arch_entry_pvh", "lunik_console_write" })
  local given = { cpu = "max", extra = counter.words }
  for key, value in pairs(options or STATIC) do given[key] = value end
  local guest = network:boot(image, given)
  guest:wait_for("Listening", 20)
  return network, guest, counter
end

-- Instructions for each of (requests).
local function cost(network, guest, counter, requests, more)
  local before = counter:now(guest)
  local figures = network:tool("load", {
    "--host", net.GUEST, "--requests", tostring(requests), table.unpack(more or {}),
  }, { timeout = 120 })
  server.no_errors(figures)
  suite.equal(figures.requests, requests)
  return (counter:now(guest) - before) / requests
end

-- From the entry to "listening": the median of three starts, since frames that
-- the new network's host sends meanwhile are looked at on the way.
local function start_thrice(name)
  local ways = {}
  local network, guest, counter
  for i = 1, 3 do
    if i > 1 then network:remove() end
    network, guest, counter = start(name)
    ways[i] = counter:at "lunik_console_write" - counter:at "arch_entry_pvh"
  end
  table.sort(ways)
  return ways[2], network, guest, counter
end

-- All figures of one server, and the limits on them.
local function measure(name, limits)
  return function()
    local way, network, guest, counter = start_thrice(name)
    network:wait_for_http()
    cost(network, guest, counter, 200)
    local kept = cost(network, guest, counter, 3000)
    local fresh = cost(network, guest, counter, 100, { "--fresh" })
    process.run { "sleep", "3" } -- what a closed connection leaves to do
    local before = counter:now(guest)
    process.run { "sleep", "5" }
    local idle = (counter:now(guest) - before) / 5
    local all = ("keep-alive %s, fresh %s, idle %s a second, entry to listening %s"):format(
      text.digits(kept // 1 | 0), text.digits(fresh // 1 | 0), text.digits(idle // 1 | 0), text.digits(way))
    suite.note("%s", all)
    local wrong = {}
    for what, pair in pairs {
      ["keep-alive"] = { kept, limits.kept }, fresh = { fresh, limits.fresh },
      idle = { idle, 5000 }, ["entry to listening"] = { way, 700000 },
    } do
      if pair[1] > pair[2] then wrong[#wrong + 1] = ("%s: %.0f, limit %d"):format(what, pair[1], pair[2]) end
    end
    assert(#wrong == 0, table.concat(wrong, "; ") .. "\n" .. all)
    assert(kept > 1000 and fresh > kept and way > 100000, "nothing was measured")
  end
end

-- Instructions for each frame of a flood that finds nothing to do.
local function frame_costs(limits)
  return function()
    local network, guest, counter = start(nil)
    network:wait_for_http()
    local lines, wrong = {}, {}
    for _, pair in ipairs(limits) do
      local kind, limit = pair[1], pair[2]
      local before = counter:now(guest)
      local sent = network:tool("flood", { "--kind", kind, "--rate", "5000", "--seconds", "1" }).sent
      process.run { "sleep", "0.2" }
      local each = (counter:now(guest) - before) / sent
      lines[#lines + 1] = ("%-9s %6s"):format(kind, text.digits(each // 1 | 0))
      if each > limit then wrong[#wrong + 1] = ("%s: %.0f, limit %d"):format(kind, each, limit) end
    end
    local all = table.concat(lines, "\n")
    suite.note("%s", all)
    assert(#wrong == 0, table.concat(wrong, "; "))
  end
end

return {
  ["frames of a flood cost little each"] = frame_costs {
    { "syn", 6000 }, { "ack", 6000 }, { "udp", 6000 }, { "ping", 6000 }, { "icmp", 4000 },
    { "fragment", 6000 }, { "arp", 4000 }, { "nd", 6000 }, { "ra", 10000 }, { "noise", 4000 },
  },
  ["LuaSocket's server costs little"] = measure("httpd", { kept = 32000, fresh = 75000 }),
  ["lunik.http's server costs little"] = measure("hello", { kept = 14000, fresh = 45000 }),
  ["10,000 idle connections do not make a request dearer"] = function()
    local network, guest, counter = start("hello", { launch = net.STATIC, memory = "128M" })
    network:wait_for_http()
    cost(network, guest, counter, 200)
    local alone = cost(network, guest, counter, 1000)
    local hold = network:start_tool("hold", {
      "--host", net.GUEST, "--connections", "10000", "--at-once", "100",
    })
    suite.equal(hold:wait_for("open (%d+)", 200), "10000")
    process.run { "sleep", "1" }
    local among = cost(network, guest, counter, 500)
    local fresh = cost(network, guest, counter, 100, { "--fresh" })
    local before = counter:now(guest)
    process.run { "sleep", "3" }
    local idle = (counter:now(guest) - before) / 3
    suite.note("%.0f instructions alone, %.0f among 10,000; fresh %.0f; idle %.0f a second", alone, among,
      fresh, idle)
    assert(among <= alone * 2, ("%.0f, and %.0f alone"):format(among, alone))
  end,
}
