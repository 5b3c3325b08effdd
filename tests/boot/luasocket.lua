-- SPDX-License-Identifier: MIT
-- luasocket.lua: LuaSocket, its own tests, and copas inside an image, over its
-- loopback interface; and what of it an image links.

local fs = require "util.fs"
local host = require "lunik.host"
local machine = require "machine"
local process = require "util.process"
local server = require "server"
local suite = require "suite"
local upstream = require "upstream"

local function image()
  local files = {
    ["lunik.lua"] = 'return { name = "luasocket", main = "run.lua", '
      .. 'path = { "?.lua", "?/init.lua" }, include = { "*.lua", "copas/*.lua", "test/*", "copas-tests/*" }, '
      .. 'optional = { "coxpcall", "ssl", "system" } }',
  }
  local folder = suite.root .. "/tests/luasocket"
  for _, path in ipairs(fs.walk(folder)) do
    if path:match "%.lua$" then files[path] = fs.read(folder .. "/" .. path) end
  end
  upstream.add(files, "copas", "src", "")
  upstream.add(files, "copas", "tests", "copas-tests/")
  files["copas-tests/certs/_certs_common.lua"] = nil
  local theirs = {}
  upstream.add(theirs, "luasocket", "test", "test/")
  for _, path in ipairs { "urltest.lua", "ltn12test.lua", "mimetest.lua", "stufftest.lua",
    "hello.lua", "excepttest.lua", "test_bind.lua", "test_getaddrinfo.lua",
    "test_socket_error.lua", "tcp-getoptions", "udp-zero-length-send",
    "udp-zero-length-send-recv", "udpconnectsrvr.lua", "testclnt.lua", "testsrvr.lua",
    "testsupport.lua", "httptest.lua", "index.html" } do
    -- (As data: the build would follow what they require.)
    files["test/" .. path] = assert(theirs["test/" .. path], path)
  end
  return machine.image(files)
end

local function run(name, seconds, more)
  local options = {
    memory = "64M", arguments = { name }, timeout = seconds, extra = { "-nic", "none" },
  }
  for key, value in pairs(more or {}) do options[key] = value end
  local result = machine.expect(image(), options)
  assert(result.output:find "%f[^\n\0]ok ", result.output)
  suite.note("%s", result.output:match "([^\n]*)\n*$")
end

-- An image of a main script alone, and what is linked into it.
local function names(main)
  local output, status = suite.lunik { "inspect", "--symbols", machine.image(main).image }
  suite.equal(status, 0, output)
  return output
end

return {
  ["examples/luasocket, the program of other systems, answers, with 5 MiB, too"] = function()
    local folder = suite.root .. "/examples/luasocket"
    local files = {}
    for _, name in ipairs { "lunik.lua", "httpd.lua" } do files[name] = fs.read(folder .. "/" .. name) end
    local built = machine.image(files)
    suite.note("%d bytes", built.size)
    assert(built.size <= 650000, built.size)
    local port = server.free_port()
    local guest = machine.start(built, {
      memory = "5M", options = { "ip=10.0.2.15::10.0.2.2:255.255.255.0" },
      extra = { "-netdev", ("user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:%d-:8080"):format(port),
        "-device", "virtio-net-pci,netdev=n" },
    })
    guest:wait_for "Listening on port 8080\n"
    if not fs.find_command "curl" then suite.skip "curl is not installed" end
    local url = ("http://127.0.0.1:%d/"):format(port)
    local output, status = process.run({ "curl", "-sS", "-m", "20", url, url, url }, { timeout = 30 })
    suite.equal(status, 0, output)
    suite.equal(output, ("Hello from Lua!\n"):rep(3))
  end,
  ["an image links of LuaSocket what it asks for"] = function()
    assert(not names 'print(require "mime".b64 "x")':find "tcp_input")
    assert(not names 'require "ltn12"':find "mime_core")
    assert(names 'require "socket"':find "tcp_input")
  end,
  ["the tables that are no modules of C are in the manifest"] = function()
    local output = suite.lunik { "inspect", machine.image('require "socket.url"').image }
    suite.matches(output, "socket%.url +3%.1%.0")
    suite.matches(output, "luasocket +3%.1%.0")
  end,
  ["LuaSocket's calls wait for nobody but their task, inside an image"] = function()
    run("ours.lua", 120)
  end,
  ["a web server and a client of Redis run as they are, inside an image"] = function()
    run("clients.lua", 120)
  end,
  ["httptest.lua passes against a server of ours, inside an image"] = function()
    run("httptest.lua", 120)
  end,
  ["a Redis server of this machine is served as well as our own"] = function()
    if not fs.find_command "redis-server" then suite.skip "redis-server is not installed" end
    local port = server.free_port()
    local redis = server.start { "redis-server", "--port", tostring(port), "--bind", "127.0.0.1",
      "--save", "", "--appendonly", "no", "--dir", suite.folder() }
    server.await("redis-server", function() return redis.said():find "eady to accept" end, 20)
    run("clients.lua", 120, {
      options = { "ip=10.0.2.15::10.0.2.2:255.255.255.0" },
      environment = { "REDIS_HOST=10.0.2.2", "REDIS_PORT=" .. port },
      extra = { "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n" },
    })
  end,
  ["a name server that is not there delays nobody but who asks, inside an image"] = function()
    run("dns.lua", 120, {
      options = { "ip=10.0.2.15::10.0.2.2:255.255.255.0::net0:off:10.0.2.99" },
      extra = { "-netdev", "user,id=none,restrict=on", "-device", "virtio-net-pci,netdev=none" },
    })
  end,
  ["copas and its own tests pass, inside an image"] = function()
    run("copas_tests.lua", 180)
  end,
  ["LuaSocket's own tests pass, inside an image"] = function() run("upstream.lua", 120) end,
  ["testclnt.lua passes against testsrvr.lua, inside an image"] = function()
    if suite.is_quick then suite.skip "it takes minutes" end
    -- A network of QEMU's own that leads nowhere, and has nobody at that address.
    run("testclnt.lua", 600, {
      memory = "256M", options = { "ip=10.0.2.15::10.0.2.2:255.255.255.0" },
      environment = { "BLACK_HOLE=10.0.2.99" },
      extra = { "-netdev", "user,id=none,restrict=on", "-device", "virtio-net-pci,netdev=none" },
    })
  end,
}
