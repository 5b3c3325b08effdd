-- SPDX-License-Identifier: MIT
-- probes.lua: images that commit one fault each (tests/probe), and the C
-- library's own test as an image (tests/boot/libc).

local build = require "image.build"
local fs = require "util.fs"
local load = require "project.load"
local machine = require "machine"
local module = require "module"
local suite = require "suite"

local tests = {}

local function image_of(name)
  local folder = suite.root .. "/tests/probe"
  if name:find "^lua_" then
    module.add("fault", folder .. "/fault.c")
    return machine.image {
      ["lunik.lua"] = ('return { name = "probe", main = "%s.lua" }'):format(name),
      [name .. ".lua"] = fs.read(("%s/%s.lua"):format(folder, name)),
    }
  end
  return machine.image {
    ["lunik.lua"] = ('return { name = "%s", c = { sources = { "probe.c" } } }'):format(
      name:gsub("_", "-")),
    ["probe.c"] = fs.read(("%s/%s.c"):format(folder, name)),
  }
end

local function run(probe)
  local result = machine.run(image_of(probe.name), {
    append = probe.launch, cpu = probe.cpu, rng = probe.rng or false, timeout = 10,
    memory = probe.memory,
  })
  local said = "it said:\n" .. result.output
  suite.equal(result.code, probe.status, said)
  suite.matches(result.output, probe.says)
  if probe.function_ then suite.holds(result.output, probe.function_) end
  for _, part in ipairs(probe.also or {}) do suite.holds(result.output, part) end
  if probe.never then
    assert(not result.output:find(probe.never, 1, true), said)
  end
  assert(result.seconds < (probe.seconds or 2), ("took %.1f s"):format(result.seconds))
  local line = result.output:match("[^\n]*" .. probe.says .. "[^\n]*"):gsub("^lunik: panic: ", "")
  suite.note("status 0x%02x after %.2f s: %s", result.code, result.seconds, line)
end

local list = suite.root .. "/tests/probe/table.lua"
for _, probe in ipairs(fs.is_file(list) and dofile(list) or {}) do
  local name = probe.name:gsub("_", " ")
  if probe.launch then name = name .. " with " .. probe.launch end
  if probe.cpu then name = name .. " on " .. probe.cpu end
  local sentence = "the fault is found and named: " .. name
  while tests[sentence] do sentence = sentence .. ", again" end
  tests[sentence] = function() run(probe) end
end

tests["the C library's own test passes inside an image"] = function()
  local folder = suite.root .. "/tests/boot/libc"
  if not fs.is_folder(folder) then suite.skip "it is not there" end
  local out = suite.folder()
  local built = build.project(load.project(folder), { out = out })
  local result = machine.expect(built, { timeout = 60 })
  suite.note("%s", result.output:match "([^\n]+)\n*$" or "")
end

return tests
