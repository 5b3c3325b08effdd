-- SPDX-License-Identifier: MIT
-- cjson.lua: cjson inside an image: our tests, lua-cjson's own, and its size.

local fs = require "util.fs"
local machine = require "machine"
local suite = require "suite"
local text = require "util.text"
local upstream = require "upstream"

local MOST = 32 * 1024 -- bytes that the module may add to an image

local function image()
  local files = {
    ["lunik.lua"] = 'return { name = "cjson", main = "run.lua", include = { "*.lua", "*.json", "*.dat" } }',
    ["cjson/util.lua"] = fs.read(upstream.folder "luacjson" .. "/lua/cjson/util.lua"),
  }
  local folder = suite.root .. "/tests/cjson"
  for _, name in ipairs { "ours.lua", "run.lua", "upstream.lua" } do
    files[name] = fs.read(folder .. "/" .. name)
  end
  for _, name in ipairs { "test.lua", "octets-escaped.dat", "numbers.json", "types.json",
    "example1.json", "example2.json", "example3.json", "example4.json", "example5.json",
    "rfc-example1.json", "rfc-example2.json" } do
    files[name] = fs.read(upstream.folder "luacjson" .. "/tests/" .. name)
  end
  return machine.image(files)
end

local function run(name, seconds)
  local result = machine.expect(image(), { memory = "256M", arguments = { name }, timeout = seconds })
  assert(result.output:find "ok ", result.output)
  suite.note("%s", result.output:match "([^\n]*)\n*$")
end

return {
  ["cjson is what its tests say, inside an image"] = function() run("ours.lua", 120) end,
  ["lua-cjson's own tests pass, inside an image"] = function() run("upstream.lua", 120) end,
  ["cjson adds little to an image"] = function()
    local without = machine.image 'print(tostring(1))'
    local with = machine.image 'print(require "cjson".encode { 1 })'
    suite.note("%s bytes", text.digits(with.size - without.size))
    assert(with.size - without.size <= MOST, with.size - without.size)
  end,
}
