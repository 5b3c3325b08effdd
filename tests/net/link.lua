-- SPDX-License-Identifier: MIT
-- link.lua: the cable is pulled and put back, once and many times, under load;
-- and a card that comes and goes with the kinds of machines.

local net = require "net"
local process = require "util.process"
local server = require "guest"
local suite = require "suite"

local function sleep(seconds) process.run { "sleep", tostring(seconds) } end

local function set_link(guest, is_up)
  assert(guest.qemu:command("set_link", { name = "card0", up = is_up }))
end

local function pulled(name)
  return function()
    local network, guest = server.start(nil, { machine = name })
    local hold = network:start_tool("hold", { "--host", net.GUEST, "--connections", "20", "--ask-again" })
    hold:wait_for "open 20"
    local load = network:start_tool("load", {
      "--host", net.GUEST, "--connections", "8", "--seconds", "8", "--patience", "20000",
    })
    sleep(1)
    set_link(guest, false)
    sleep(0.3)
    assert(not network:get("/", { timeout = 1 }), "the cable was not pulled")
    set_link(guest, true)
    network:wait_for_http { seconds = 10 }
    local figures = net.figures((load:finish(60)))
    server.no_errors(figures)
    hold:stop(15)
    suite.holds(hold:said(), "alive 20")
    suite.note("%d requests around it", figures.requests)
  end
end

return {
  ["connections outlive a pulled cable on q35"] = pulled "q35",
  ["connections outlive a pulled cable on a microvm"] = pulled "microvm",
  ["a cable that comes and goes thirty times does no harm"] = function()
    local network, guest = server.start()
    local load = network:start_tool("load", {
      "--host", net.GUEST, "--connections", "8", "--seconds", "6", "--patience", "20000",
    })
    for _ = 1, 30 do
      set_link(guest, false)
      sleep(0.05)
      set_link(guest, true)
      sleep(0.05)
    end
    server.no_errors(net.figures((load:finish(60))))
    network:wait_for_http()
  end,
  ["a stopped machine goes on where it was"] = function()
    local network, guest = server.start()
    local hold = network:start_tool("hold", { "--host", net.GUEST, "--connections", "10", "--ask-again" })
    hold:wait_for "open 10"
    assert(guest.qemu:command "stop")
    sleep(1)
    assert(guest.qemu:command "cont")
    network:wait_for_http()
    hold:stop(15)
    suite.holds(hold:said(), "alive 10")
  end,
}
