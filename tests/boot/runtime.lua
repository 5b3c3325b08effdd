-- SPDX-License-Identifier: MIT
-- runtime.lua: the runtime's own tests (tests/lua), inside an image. With the
-- preset sdk-assert Lua's internal checks (lua_assert) are on in it.

local elf = require "image.elf"
local fs = require "util.fs"
local machine = require "machine"
local sdk = require "util.sdk"
local suite = require "suite"

local function image()
  local root = suite.root .. "/tests/lua"
  local files = {
    ["lunik.lua"] = 'return { name = "runtime", main = "run.lua", include = { "**/*.lua", "**/*.txt" } }',
    ["lunik/test.lua"] = assert(sdk.lua "lunik/test.lua"),
  }
  for _, path in ipairs(fs.walk(root)) do
    if path:match "%.lua$" or path:match "^lib/" then
      if not path:match "^ends/" and not path:match "^web/" then files[path] = fs.read(root .. "/" .. path) end
    end
  end
  return machine.image(files)
end

local function run(names, seconds)
  local built = image()
  local result = machine.expect(built, { memory = "256M", arguments = names, timeout = seconds })
  local symbols = elf.symbols(assert(elf.parse(fs.read(built.debug)))).values
  local count = select(2, result.output:gsub("%f[%w]ok%f[%W]", ""))
  assert(count > 0, result.output)
  suite.note("%s%s", result.output:match "([^\n]*)\n*$",
    symbols.__assert_fail and ", with lua_assert" or "")
end

return {
  ["a task may wait anywhere, inside an image"] = function()
    run({ "blocking.lua", "tasks.lua", "nursery.lua", "channels.lua" }, 120)
  end,
  ["the libraries and modules are what they should be, inside an image"] = function()
    run({ "library.lua", "modules.lua" }, 120)
  end,
  ["memory runs out and comes back, inside an image"] = function()
    if suite.is_quick then suite.skip "it takes a minute" end
    run({ "memory.lua" }, 300)
  end,
}
