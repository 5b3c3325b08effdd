-- SPDX-License-Identifier: MIT
-- bench.lua: `lunik bench`: its load generator against servers good and bad,
-- and its figures.

local figures = require "run.figures"
local fs = require "util.fs"
local host = require "lunik.host"
local json = require "util.json"
local process = require "util.process"
local server = require "server"
local signal = require "posix.signal"
local sdk = require "util.sdk"
local suite = require "suite"

-- `lunik bench --json WORDS`: its figures and its status.
local function bench(...)
  local output, status = suite.lunik({ "bench", "--json", ... }, { timeout = 60 })
  return json.decode(output), status
end

local function url(port, path) return ("http://127.0.0.1:%d%s"):format(port, path or "/") end

-- Raw answers, by path; see server.program().
local ANSWERS = [[
["/chunked"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
["/to-end"] = "HTTP/1.0 200 OK\r\n\r\nuntil the end; Connection: close",
["/empty"] = "HTTP/1.1 204 No Content\r\n\r\n",
["/missing"] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
["/broken"] = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
["/continue"] = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
["/large"] = "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" .. ("x"):rep(300000),
["/garbage"] = "this is no HTTP at all\r\n\r\nConnection: close",
["/length"] = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello Connection: close",
["/short"] = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello; Connection: close",
["/extra"] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more; Connection: close",
["/head"] = "HTTP/1.1 200 OK\r\nX: " .. ("y"):rep(40000) .. "\r\n\r\nConnection: close",
["/silent"] = function(client) client:receive() end,
["/hang-up"] = function(client) end,
]]

return {
  ["every answer of a good server is counted, on connections that stay"] = function()
    local port = server.run("hello\n")
    local result, status = bench("-n", "500", "-c", "4", url(port))
    suite.equal(status, 0)
    suite.equal(result.requests, 500)
    suite.equal(result.connections_opened, 4)
    suite.equal(result.ended, "requests")
    suite.equal(result.statuses["2xx"], 500)
    suite.equal(result.bytes, 500 * #"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
    for name, count in pairs(result.errors) do suite.equal(count, 0, name) end
    local l = result.latency_ns
    assert(l.fastest <= l.p50 and l.p50 <= l.p90 and l.p90 <= l["p99.9"] and l["p99.9"] <= l.slowest)
  end,
  ["with --close each request has a connection of its own"] = function()
    local port = server.run("hello\n")
    local result, status = bench("-n", "100", "-c", "4", "--close", url(port))
    suite.equal(status, 0)
    suite.equal(result.requests, 100)
    assert(result.connections_opened >= 100 and result.connections_opened <= 103, result.connections_opened)
  end,
  ["a duration ends it"] = function()
    local port = server.run("hello\n")
    local began = process.now()
    local result, status = bench("-d", "0.5", "-c", "2", url(port))
    suite.equal(status, 0)
    suite.equal(result.ended, "time")
    assert(result.requests > 20 and process.now() - began < 5)
    assert(math.abs(result.seconds - 0.5) < 0.2, result.seconds)
  end,
  ["each way to end a body is understood"] = function()
    local port = server.run("hello\n", ANSWERS)
    for _, path in ipairs { "/chunked", "/empty", "/continue", "/large" } do
      local result, status = bench("-n", "20", "-c", "2", url(port, path))
      suite.equal(status, 0, path)
      suite.equal(result.requests, 20, path)
      suite.equal(result.connections_opened, 2, path)
    end
    local result, status = bench("-n", "20", "-c", "2", url(port, "/to-end"))
    suite.equal(status, 0)
    suite.equal(result.requests, 20)
    suite.equal(result.connections_opened, 20)
  end,
  ["answers that are no success are counted by kind"] = function()
    local port = server.run("hello\n", ANSWERS)
    local result, status = bench("-n", "10", "-c", "1", url(port, "/missing"))
    suite.equal(status, 0)
    suite.equal(result.statuses["4xx"], 10)
    suite.equal(bench("-n", "10", "-c", "1", url(port, "/broken")).statuses["5xx"], 10)
    suite.holds(suite.lunik { "bench", "-n", "5", url(port, "/missing") }, "no success: 5 (3xx 0, 4xx 5, 5xx 0")
  end,
  ["what is no answer is an error of its kind, and status 1"] = function()
    local port = server.run("hello\n", ANSWERS)
    for path, kind in pairs { ["/garbage"] = "malformed", ["/length"] = "malformed", ["/extra"] = "malformed",
      ["/head"] = "malformed", ["/short"] = "read", ["/hang-up"] = "read" } do
      local result, status = bench("-d", "0.3", "-c", "2", url(port, path))
      suite.equal(status, 1, path)
      suite.equal(result.requests, 0, path)
      for name, count in pairs(result.errors) do
        suite.equal(count > 0, name == kind, path .. " " .. name)
      end
    end
    local result, status = bench("-d", "1", "-c", "1", "--request-timeout", "0.2", url(port, "/silent"))
    suite.equal(status, 1)
    assert(result.errors.timeout >= 2, json.encode(result))
  end,
  ["where nobody listens it says so and ends"] = function()
    local output, status = suite.lunik { "bench", "-d", "0.3", url(server.free_port()) }
    suite.equal(status, 1)
    suite.holds(output, "0 requests in")
    suite.matches(output, "errors: %d+ %(connect [1-9]")
  end,
  ["the histogram and the quantiles are those of the answers"] = function()
    local result = { requests = 100, slowest = 900000, fastest = 1500, buckets = {
      { below = 2000, count = 50 }, { below = 15000, count = 40 }, { below = 1000000, count = 10 } } }
    suite.equal(figures.quantile(result, 0.5), 2000)
    suite.equal(figures.quantile(result, 0.51), 15000)
    suite.equal(figures.quantile(result, 0.9), 15000)
    suite.equal(figures.quantile(result, 1), 900000)
    local rows, sum = figures.rows(result), 0
    suite.equal(rows[1].below, 2000)
    suite.equal(rows[1].count, 50)
    suite.equal(rows[#rows].below, 1024000)
    for i, row in ipairs(rows) do
      sum = sum + row.count
      if i > 1 then suite.equal(row.below, 2 * rows[i - 1].below) end
    end
    suite.equal(sum, 100)
    local drawn = figures.histogram(result)
    suite.matches(drawn, "< 2%.0 us +50%.00%% +50  " .. ("#"):rep(40) .. "\n")
    suite.equal(select(2, drawn:gsub("\n", "")), #rows - 1)
    suite.equal(figures.time(999), "999 ns")
    suite.equal(figures.time(1500), "1.5 us")
    suite.equal(figures.time(2500000), "2.50 ms")
    suite.equal(figures.time(3000000000), "3.00 s")
  end,
  ["the report is for people"] = function()
    local port = server.run("hello\n")
    local output, status = suite.lunik { "bench", "-n", "200", url(port) }
    suite.equal(status, 0, output)
    suite.matches(output, "^200 requests in [%d.]+ s: [%d,]+ a second, [%d,]+ bytes received, %d+ connections\n")
    suite.matches(output, "latency: fastest .* 50 %% .* 99%.9 %% .* slowest")
    suite.matches(output, "  < .*%%.*#")
    suite.holds(output, "errors: 0 (connect 0, read 0, malformed 0, timeout 0)")
  end,
  ["mistakes in the command line are named"] = function()
    for _, case in ipairs {
      { "-c", "0", "http://x/", part = "-c 0: it must be a number from 1" },
      { "-c", "many", "http://x/", part = "-c many: it must be a number" },
      { "-c", "1.5", "http://x/", part = "whole number" },
      { "-d", "0", "http://x/", part = "-d 0: it must be" },
      { "-d", "nan", "http://x/", part = "-d nan: it must be" },
      { "-n", "-3", "http://x/", part = "'-3'" },
      { "https://x/", part = "only http:// can be loaded" },
      { "http://", part = "that is no http:// address" },
      { "http://x:0/", part = "it must be a number from 1 to 65535" },
      { "http://x:99999/", part = "it must be a number from 1 to 65535" },
      { "http://x:1x/", part = "that is no http:// address" },
      { "http://x/a b", part = "no spaces" },
      { "--port", "0", ".", part = "--port 0: it must be" },
      { "--path", "x", ".", part = "--path x: it must begin with /" },
      { "--tap", "t", ".", part = "--tap t: say with --ip" },
      { "-p", "1:2", ".", part = "bench forwards a port by itself" },
    } do
      local output, status = suite.lunik { "bench", table.unpack(case) }
      suite.equal(status, 64, output)
      suite.holds(output, case.part)
    end
    local output, status = suite.lunik { "bench", "http://nosuchhost.invalid/" }
    suite.equal(status, 69, output)
    suite.holds(output, "nosuchhost.invalid: no address is known")
  end,
  ["the generator refuses what would harm it"] = function()
    local good = { address = "127.0.0.1", port = 1, connections = 1, requests = 1, duration_ms = 10,
      timeout_ms = 10, request = "x" }
    for key, value in pairs { connections = 0, port = 65536, requests = -1, duration_ms = 0,
      timeout_ms = 0, address = "nobody", request = {} } do
      local options = {}
      for name, given in pairs(good) do options[name] = given end
      options[key] = value
      assert(not pcall(host.load, options), key)
    end
    assert(host.load(good))
  end,
  ["a project runs as a process with --host, and ends with it"] = function()
    local port = server.free_port()
    local folder = suite.project { ["main.lua"] = server.program(port, "hi\n") }
    local result, status = bench("--host", "--port", tostring(port), "-n", "50", folder)
    suite.equal(status, 0)
    suite.equal(result.requests, 50)
    suite.equal(server.get(port), nil)
  end,
  ["a program that ends before it answers is quoted"] = function()
    local folder = suite.project { ["main.lua"] = 'print "I am no server"' }
    local output, status = suite.lunik { "bench", "--host", "--port", tostring(server.free_port()), folder }
    suite.equal(status, 69)
    suite.holds(output, "the program ended before it answered")
    suite.holds(output, "I am no server")
  end,
  ["an image is booted, loaded, and its instructions counted"] = function()
    if not fs.find_command "qemu-system-x86_64" then suite.skip "QEMU is not installed" end
    local folder = suite.project { ["main.lua"] = server.program(8080, "hi\n") }
    local result, status = bench("--accel", "tcg", "-n", "100", "-c", "2", folder)
    suite.equal(status, 0)
    suite.equal(result.requests, 100)
    local each = result.instructions.per_request
    assert(each > 3000 and each < 500000, each)
    suite.note("%d instructions for a request of a LuaSocket server, %d in an idle second", each,
      result.instructions.idle_second)
    suite.equal(bench("--accel", "tcg", "--no-count", "-n", "10", "--close", folder).instructions, nil)
  end,
  ["a QEMU without plugins is said to count nothing"] = function()
    local path = fs.find_command "qemu-system-x86_64"
    if not path then suite.skip "QEMU is not installed" end
    local folder = suite.folder()
    fs.write(folder .. "/qemu", ([[
#!/bin/sh
[ "$1" = --help ] && { echo "no such thing as plugins"; exit; }
exec %s "$@"
]]):format(path), 493)
    local project = suite.project { ["main.lua"] = server.program(8080, "hi\n") }
    local output, status = suite.lunik({ "bench", "--accel", "tcg", "-n", "10", project },
      { environment = { LUNIK_QEMU = folder .. "/qemu" } })
    suite.equal(status, 0, output)
    suite.holds(output, "instructions were not counted: this QEMU is built without plugins")
  end,
  ["an image on a tap is loaded at its own address"] = function()
    if not fs.find_command "qemu-system-x86_64" then suite.skip "QEMU is not installed" end
    local folder = suite.project { ["main.lua"] = server.program(8080, "hi\n") }
    local script = suite.folder() .. "/script"
    fs.write(script, ([[
set -e
ip link set lo up
ip tuntap add tap0 mode tap
if "$1" run --tap tap0 "$2"; then exit 1; fi
ip addr add 10.9.8.1/24 dev tap0
ip link set tap0 up
exec "$1" bench --json --accel tcg --no-count -n 50 -c 2 --tap tap0 --ip 10.9.8.2::10.9.8.1:255.255.255.0 "$2"
]]))
    if select(2, process.run { "unshare", "-n", "ip", "tuntap", "add", "tap0", "mode", "tap" }) ~= 0 then
      suite.skip "no network namespaces or taps for this user"
    end
    local output, status = process.run({ "unshare", "-n", "sh", script, sdk.prefix .. "/bin/lunik", folder },
      { timeout = 90 })
    suite.equal(status, 0, output)
    suite.holds(output, "the tap tap0 is down")
    suite.equal(json.decode(output:match "%b{}").requests, 50)
  end,
  ["when it is interrupted nothing of it goes on"] = function()
    local port = server.free_port()
    local folder = suite.project { ["main.lua"] = server.program(port, "hi\n") }
    local running = server.start { sdk.prefix .. "/bin/lunik", "bench", "--host", "--port", tostring(port),
      "-d", "60", folder }
    server.await("the server", function() return server.get(port) end)
    process.kill(running.pid, signal.SIGINT)
    server.await("its end", running.ended, 10)
    suite.equal(running.status, 130, running.said())
    suite.equal(server.get(port), nil)
  end,
}
