-- SPDX-License-Identifier: MIT
-- bytecode.lua: what the scripts' bytecode in an image changes, and what not.

local fs = require "util.fs"
local machine = require "machine"
local suite = require "suite"
local unseal = require "image.unseal"

local function sealed_paths(image)
  local paths = {}
  for _, file in ipairs(assert(unseal.image(fs.read(image.image))).files) do paths[file.path] = file.data end
  return paths
end

local MAIN = [[
#!/usr/bin/env lunik
local part = require "lib.part"
print(part.line(), debug.getinfo(1, "S").source, ...)
print(pcall(part.fail))
print(io.open("/lib/part.lua"):read "l")
print(loadfile ".bytecode/main.lua")
print(select("#", loadfile "main.lua"), dofile("/lib/part.lua").name)
error("the end", 0)
]]
local PART = [[
local part = { name = ... }
function part.line() return debug.getinfo(1, "l").currentline end
function part.fail() error "of line 3" end
return part
]]

local function project(more)
  return {
    ["main.lua"] = MAIN, ["lib/part.lua"] = PART,
    ["lunik.lua"] = ('return { name = "probe"%s }'):format(more or ""),
  }
end

-- The same program says the same with bytecode and without.
local function says_the_same(image)
  local result = machine.run(image, { arguments = { "a", "b" } })
  suite.equal(result.code, machine.EXIT.PROGRAM + 1)
  for _, part in ipairs {
    "2\t@main.lua\ta\tb\n", "false\tlib/part.lua:3: of line 3\n", "local part = { name = ... }\n",
    "1\tnil\n", "the end",
  } do
    suite.holds(result.output, part)
  end
  return result.output
end

return {
  ["a script's bytecode lies beside its source, and starts in its place"] = function()
    local image = machine.image(project())
    local paths = sealed_paths(image)
    suite.equal(paths["main.lua"], MAIN)
    suite.equal(paths["lib/part.lua"], PART)
    suite.equal(paths[".bytecode/main.lua"]:sub(1, 4), "\27Lua")
    suite.equal(paths[".bytecode/lib/part.lua"]:sub(1, 4), "\27Lua")
    local output = says_the_same(image)
    suite.holds(output, "attempt to load a binary chunk (mode is 't')")
  end,
  ["an image without bytecode says the same"] = function()
    local image = machine.image(project ", bytecode = false")
    for path in pairs(sealed_paths(image)) do assert(not path:find "bytecode", path) end
    says_the_same(image)
  end,
  ["the sealer keeps its folder to itself"] = function()
    local folder = suite.project {
      ["main.lua"] = "", [".bytecode/main.lua"] = "x = 1",
      ["lunik.lua"] = 'return { name = "x", include = { ".bytecode/*" } }',
    }
    local output, status = suite.lunik { "build", folder }
    suite.equal(status, 65)
    suite.holds(output, "the folder .bytecode/ is the sealer's own")
  end,
}
