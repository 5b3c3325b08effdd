-- SPDX-License-Identifier: MIT
-- load.lua: many requests, many connections, many bytes; no error among them.

local net = require "net"
local process = require "util.process"
local server = require "guest"
local suite = require "suite"

local MIB = 1 << 20

-- The last part of the time is as fast as the first.
local function churn(name)
  return function()
    local seconds = suite.is_long and 600 or suite.is_quick and 6 or 15
    local parts = suite.is_long and 10 or 3
    local network = server.start(name)
    server.load(network, 16, 1, { "--fresh" }) -- warm
    local figures = server.load(network, 16, seconds, { "--fresh", "--parts", tostring(parts) })
    server.no_errors(figures)
    local first, last = figures["part.1"], figures["part." .. parts]
    suite.note("%.0f connections/s, first part %.0f, last %.0f", figures.rate, first, last)
    assert(figures.requests > 100 * seconds, figures.requests)
    -- Seconds tell of a stall; only minutes tell of a slope.
    assert(last >= first * (suite.is_long and 0.85 or 0.5), ("%.0f at first, %.0f at last"):format(first, last))
  end
end

local function by_wrk(name)
  return function()
    net.need "wrk"
    local network = server.start(name)
    local said = network:must({ "wrk", "-t", "2", "-c", "64", "-d", suite.is_long and "60s" or "5s",
      ("http://%s:%d/"):format(net.GUEST, net.PORT) }, { timeout = 120 })
    assert(not said:find "Socket errors" and not said:find "Non%-2xx", said)
    local rate = tonumber(said:match "Requests/sec:%s+([%d.]+)")
    assert(rate and rate > 100, said)
    suite.note("%.0f requests/s at 64 connections", rate)
  end
end

local function by_h2load(name)
  return function()
    net.need "h2load"
    local network = server.start(name)
    local said = network:must({ "h2load", "--h1", "-n", suite.is_long and "100000" or "10000", "-c", "32",
      ("http://%s:%d/"):format(net.GUEST, net.PORT) }, { timeout = 120 })
    suite.matches(said, " 0 failed, 0 errored, 0 timeout")
    suite.note("%s", said:match "finished in [^\n]*")
  end
end

local function bulk(options)
  return function()
    local network = server.start("bulk", options)
    local rates = {}
    for _, words in ipairs { { "--receive", "--check" }, { "--send" } } do
      local figures = network:tool("bulk", { "--host", net.GUEST, words[1], tostring(64 * MIB), words[2] },
        { timeout = 100 })
      suite.equal(figures.bytes, 64 * MIB)
      suite.equal(figures.wrong, 0)
      rates[#rates + 1] = ("%s %.0f MB/s"):format(words[1], figures.megabytes_per_second)
    end
    suite.note("%s", table.concat(rates, ", "))
  end
end

-- Serves (connections) that say nothing, and one that asks.
local function idle(name, connections, memory)
  return function()
    local network = server.start(name, { memory = memory })
    local hold = network:start_tool("hold", {
      "--host", net.GUEST, "--connections", tostring(connections), "--at-once", "100", "--ask-again",
    })
    suite.equal(tonumber(hold:wait_for("open (%d+)", 120)), connections)
    server.no_errors(server.load(network, 4, 2))
    hold:stop(15)
    local alive = tonumber((hold:finish(60)):match "alive (%d+)")
    suite.equal(alive, connections)
  end
end

return {
  ["wrk finds no error in lunik.http"] = by_wrk "hello",
  ["wrk finds no error in LuaSocket's server"] = by_wrk "httpd",
  ["h2load finds no error in lunik.http"] = by_h2load "hello",
  ["h2load finds no error in LuaSocket's server"] = by_h2load "httpd",
  ["fresh connections to lunik.http last as fast as first"] = churn "hello",
  ["fresh connections to LuaSocket's server last as fast as first"] = churn "httpd",
  ["64 MiB come and go whole"] = bulk {},
  ["64 MiB come and go whole on a microvm"] = bulk { machine = "microvm" },
  ["64 MiB come and go whole by a card that joins nothing"] = bulk {
    card = { extra = "csum=off,gso=off,guest_csum=off,guest_tso4=off,guest_tso6=off,host_tso4=off,"
      .. "host_tso6=off,mrg_rxbuf=off,event_idx=off" },
  },
  ["10,000 idle connections fit in 128 MiB with lunik.http"] = idle("hello", 10000, "128M"),
  ["500 idle connections do LuaSocket's server no harm"] = idle("httpd", 500, "64M"),
  ["past the bound on connections, those at work are still served"] = function()
    local network = server.start("hello", { memory = "8M" })
    local others = network:start_tool("hold", {
      "--host", net.GUEST, "--connections", "20000", "--at-once", "1000", "--silent",
    })
    local load = server.load(network, 4, 6)
    others:stop()
    server.no_errors(load)
    assert(load.requests > 1000, load.requests)
    network:wait_for_http { seconds = 40 }
  end,
  ["LuaSocket's server works in 5 MiB"] = function()
    local network = server.start("httpd", { memory = "5M" })
    server.no_errors(server.load(network, 16, 2))
  end,
  ["lunik.http's server works in 5 MiB"] = function()
    local network = server.start("hello", { memory = "5M" })
    server.no_errors(server.load(network, 16, 2))
  end,
  ["images with servers are small"] = function()
    local fs = require "util.fs"
    local httpd = #fs.read(server.image "httpd".image)
    local hello = #fs.read(server.image "hello".image)
    suite.note("LuaSocket's server %d bytes, lunik.http's %d", httpd, hello)
    assert(httpd <= 650000, httpd)
    assert(hello <= 600000, hello)
  end,
}
