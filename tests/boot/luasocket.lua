-- SPDX-License-Identifier: MIT
-- luasocket.lua: LuaSocket, its own tests, and copas inside an image, over its
-- loopback interface; and what of it an image links.

local fs = require "util.fs"
local machine = require "machine"
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
    "testsupport.lua" } do
    -- (As data: the build would follow what they require.)
    files["test/" .. path] = assert(theirs["test/" .. path], path)
  end
  return machine.image(files)
end

local function run(name, seconds, memory)
  local result = machine.expect(image(), {
    memory = memory or "64M", arguments = { name }, timeout = seconds,
    extra = { "-nic", "none" },
  })
  assert(result.output:find "\nok ", result.output)
  suite.note("%s", result.output:match "([^\n]*)\n*$")
end

return {
  ["LuaSocket's calls wait for nobody but their task, inside an image"] = function()
    run("ours.lua", 120)
  end,
  ["copas and its own tests pass, inside an image"] = function()
    run("copas_tests.lua", 180)
  end,
  ["LuaSocket's own tests pass, inside an image"] = function() run("upstream.lua", 120) end,
  ["testclnt.lua passes against testsrvr.lua, inside an image"] = function()
    if suite.is_quick then suite.skip "it takes minutes" end
    run("testclnt.lua", 600, "256M")
  end,
}
