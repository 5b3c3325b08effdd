-- SPDX-License-Identifier: MIT
-- names.lua: names asked from servers that are slow, silent, or lie.

local net = require "net"
local process = require "util.process"
local random = require "random"
local server = require "guest"
local suite = require "suite"

-- A guest whose name server answers in (mode); the server too.
local function start(mode, more)
  net.need "curl"
  local network = server.start "service"
  local names = network:start_tool("names", { "--mode", mode, "--address", net.HOST, table.unpack(more or {}) })
  names:wait_for "ready"
  return network, names
end

local function resolve(network, name)
  local said = assert(network:get("/resolve?" .. name, { timeout = 20 }))
  return said:match "took %d+\n(.*)\n$", tonumber(said:match "took (%d+)")
end

-- The one who lies gets nowhere: the right answer is taken.
local function not_fooled(mode)
  return function()
    local network = start(mode)
    for i = 1, 5 do
      suite.equal(resolve(network, ("n%d.example"):format(i)), net.HOST)
    end
  end
end

return {
  ["a name is found, and found again without asking"] = function()
    local network, names = start "answer"
    suite.equal(resolve(network, "some.example"), net.HOST)
    suite.equal(resolve(network, "some.example"), net.HOST)
    local _, count = names:said():gsub("query %d+ %d+ 1 some.example\n", "")
    suite.equal(count, 1)
  end,
  ["an address is not asked for"] = function()
    local network, names = start "answer"
    suite.equal(resolve(network, "10.1.2.3"), "10.1.2.3")
    assert(not names:said():find "query", names:said())
  end,
  ["a name that is not there is said to be not there"] = function()
    local network = start "none"
    local said = resolve(network, "some.example")
    suite.equal(said, "failed: host or service not provided, or not known")
  end,
  ["a name server that drops everything delays only the task that asked"] = function()
    local network, names = start "drop"
    local asking = network:start { "curl", "-sS", "-m", "20",
      ("http://%s:%d/resolve?some.example"):format(net.GUEST, net.PORT) }
    names:wait_for "query"
    local load = server.load(network, 4, 2)
    server.no_errors(load)
    assert(load.longest < 1000000, "an answer took " .. load.longest .. " us")
    assert(asking:is_running(), "it gave up within two seconds")
    local said = asking:finish(20)
    suite.matches(said, "failed: timeout")
  end,
  ["a slow name server is waited for, and nobody else waits"] = function()
    local network, names = start("answer", { "--delay", "1500" })
    local asking = network:start { "curl", "-sS", "-m", "20",
      ("http://%s:%d/resolve?some.example"):format(net.GUEST, net.PORT) }
    names:wait_for "query"
    assert(network:get("/", { timeout = 1 }))
    suite.holds(asking:finish(20), net.HOST)
  end,
  ["200 forged answers before the right one are not taken"] = not_fooled "forge",
  ["an answer from another port is not taken"] = not_fooled "stranger",
  ["an answer to another question is not taken"] = not_fooled "other",
  ["a name that points to itself ends"] = function()
    local network = start "loop"
    local said = resolve(network, "some.example")
    suite.matches(said, "^failed: ")
    suite.equal(network:get "/", "Hello from Lua!\n")
  end,
  ["half an answer is none"] = function()
    local network = start "short"
    local said = resolve(network, "some.example")
    suite.matches(said, "^failed: ")
    suite.equal(network:get "/", "Hello from Lua!\n")
  end,
  ["nobody can foresee a question's number and port"] = function()
    local network, names = start "answer"
    suite.equal(network:get("/names?1000", { timeout = 60 }), "good 1000\n")
    local ids, ports = {}, {}
    for id, port, kind in names:said():gmatch "query (%d+) (%d+) (%d+)" do
      if kind == "1" then
        ids[#ids + 1], ports[#ports + 1] = math.tointeger(tonumber(id)), math.tointeger(tonumber(port))
      end
    end
    assert(#ids >= 1000)
    suite.equal(random.complaint(ids, 16), nil)
    suite.equal(random.complaint(ports, 16, 16384), nil)
  end,
  ["a connection to a host that takes everything times out alone"] = function()
    local network = server.start "service"
    local hole = network:start_tool("blackhole", {})
    hole:wait_for "ready"
    local asking = network:start { "curl", "-sS", "-m", "20",
      ("http://%s:%d/connect?%s%%20%d"):format(net.GUEST, net.PORT, net.NOBODY, 80) }
    process.run { "sleep", "0.3" }
    server.no_errors(server.load(network, 4, 1))
    suite.matches(asking:finish(20), "took [23]%d%d%d\nfailed: timeout")
    hole:stop(15)
    assert(net.figures(hole:said()).syns >= 1)
  end,
  ["a connection to a closed port is refused at once"] = function()
    local network = server.start "service"
    local said = assert(network:get(("/connect?%s%%20%d"):format(net.HOST, 9)))
    suite.matches(said, "failed: connection refused")
    assert(tonumber(said:match "took (%d+)") < 1000, said)
  end,
}
