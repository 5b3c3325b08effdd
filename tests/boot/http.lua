-- SPDX-License-Identifier: MIT
-- http.lua: lunik.net and lunik.http inside an image: their tests over the
-- image's own loopback (tests/lua/http), and what an image with a server takes.

local fs = require "util.fs"
local machine = require "machine"
local sdk = require "util.sdk"
local suite = require "suite"

local function image()
  local root = suite.root .. "/tests/lua/http"
  local files = {
    ["lunik.lua"] = 'return { name = "http", main = "http/run.lua", include = { "http/*.lua" } }',
    ["lunik/test.lua"] = assert(sdk.lua "lunik/test.lua"),
  }
  for _, path in ipairs(fs.walk(root)) do files["http/" .. path] = fs.read(root .. "/" .. path) end
  return machine.image(files)
end

local function run(names, seconds)
  local result = machine.expect(image(), { memory = "128M", arguments = names, timeout = seconds })
  assert(select(2, result.output:gsub("%f[%w]ok%f[%W]", "")) > 0, result.output)
  suite.note("%s", result.output:match "([^\n]*)\n*$")
end

local hello = [[
local http = require "lunik.http"
local server = http.server { handler = function() return 200, "Hello from Lua!\n" end }
assert(server:listen())
]]

return {
  ["lunik.net keeps its word inside an image"] = function() run({ "http/net.lua", "http/text.lua" }, 120) end,
  ["lunik.http's server keeps its word inside an image"] = function() run({ "http/server.lua" }, 200) end,
  ["lunik.http's client keeps its word inside an image"] = function() run({ "http/client.lua" }, 120) end,
  ["no request is read in two ways inside an image"] = function()
    if suite.is_quick then suite.skip "it takes a minute" end
    run({ "http/smuggling.lua" }, 300)
  end,
  ["an image with a server is small, and needs 5 MiB"] = function()
    local built = machine.image { ["main.lua"] = hello, ["lunik.lua"] = 'return { name = "hello" }' }
    local size = #fs.read(built.image)
    assert(size <= 600000, size)
    machine.expect(built, { memory = "5M", timeout = 20 })
    suite.note("%d bytes", size)
  end,
  ["the client is in an image that uses it, and in no other"] = function()
    local function holds(main)
      local built = machine.image { ["main.lua"] = main, ["lunik.lua"] = 'return { name = "parts" }' }
      return fs.read(built.image):find("client.lua: the HTTP client", 1, true) ~= nil
    end
    assert(not holds(hello))
    assert(holds 'local http = require "lunik.http" print(http.get)')
    assert(holds 'print(require "lunik.http")')
  end,
}
