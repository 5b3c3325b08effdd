-- SPDX-License-Identifier: MIT
-- web.lua: the Lua modules above lunik.http inside an image: their own tests
-- (tests/lua/web), which need no network.

local fs = require "util.fs"
local machine = require "machine"
local sdk = require "util.sdk"
local suite = require "suite"

local BIG = ("0123456789 and so on, and so on\n"):rep(2500)

local function image()
  local root = suite.root .. "/tests/lua/web"
  local files = {
    ["lunik.lua"] = [[return { name = "web", main = "web/run.lua", include = { "web/**" } }]],
    ["lunik/test.lua"] = assert(sdk.lua "lunik/test.lua"),
    ["web/big.txt"] = BIG,
    -- In the place of the real one: nothing here may reach for it.
    ["lunik/net.lua"] = 'error "a test uses the network"',
  }
  for _, path in ipairs(fs.walk(root)) do files["web/" .. path] = fs.read(root .. "/" .. path) end
  return machine.image(files)
end

return {
  ["routing, static files, WebSocket, events and metrics work inside an image"] = function()
    local result = machine.expect(image(), { memory = "64M", timeout = 240 })
    suite.matches(result.output, "%d+ passed, 0 failed")
    suite.note("%s", result.output:match "([^\n]*)\n*$")
  end,
}
