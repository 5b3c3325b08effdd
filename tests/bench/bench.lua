-- SPDX-License-Identifier: MIT
-- bench.lua: what things cost, in instructions: the same figures on every
-- machine, however busy. Only what is promised has a limit; the rest is shown.

local elf = require "image.elf"
local fs = require "util.fs"
local machine = require "machine"
local module = require "module"
local process = require "util.process"
local suite = require "suite"
local text = require "util.text"

-- Instructions for each part of the way to the first line.
local STAGES = {
  { "entry to start", "arch_entry_pvh" }, { "start to main", "lunik_start" },
  { "main to libraries", "lunik_main" }, { "libraries", "luaL_openlibs" },
  { "script", "lunik_loader_load" }, { nil, "lunik_console_write" },
}

-- The virtual clock counts instructions; it stands still for nothing else.
local function figures(image, seconds)
  local result = machine.expect(image, {
    extra = { "-icount", "shift=0,sleep=off" }, timeout = seconds or 120,
  })
  local values, lines = {}, {}
  for name, value in result.output:gmatch "([%w_]+) (%d+)\n" do
    values[name] = math.tointeger(value)
    lines[#lines + 1] = ("%-26s %8s"):format(name, text.digits(values[name]))
  end
  assert(#lines > 0, result.output)
  return values, table.concat(lines, "\n")
end

local function source(name) return fs.read(suite.root .. "/tests/bench/programs/" .. name) end

local function lua_figures()
  module.add("count", suite.root .. "/tests/bench/programs/count.c")
  return figures(machine.image(source "tasks.lua"))
end

return {
  ["a task switch in Lua is cheap enough"] = function()
    local values, lines = lua_figures()
    suite.note("%s", lines)
    assert(values.task_switch <= suite.limits.switch, values.task_switch)
    assert(values.task_switch > 20, "nothing was measured")
    assert(values.task_switch_whole <= suite.limits.switch + values.empty_loop_turn + 1)
  end,
  ["a switch among a thousand tasks costs no more than among two"] = function()
    local values = lua_figures()
    suite.note("%d of two, %d of 1,000", values.task_switch, values.task_switch_of_1000)
    -- The loop's instructions are within.
    assert(values.task_switch_of_1000 <= suite.limits.switch + 50, values.task_switch_of_1000)
  end,
  ["the library OS's calls have their figures, and a fiber switch is cheap"] = function()
    local values, lines = figures(machine.image {
      ["lunik.lua"] = 'return { name = "bench", c = { sources = { "libos.c" } } }',
      ["libos.c"] = source "libos.c",
    })
    suite.note("%s", lines)
    assert(values.fiber_switch < suite.limits.switch, values.fiber_switch)
    assert(values.console_line_32, "the last figure")
  end,
  ["the way to the first line is shown stage by stage"] = function()
    local plugin, out = suite.folder() .. "/insncount.so", suite.folder() .. "/count"
    local said, status = process.run { "cc", "-O2", "-shared", "-fPIC", "-o", plugin,
      suite.root .. "/tests/bench/insncount.c" }
    suite.equal(status, 0, said)
    local image = machine.image 'print "Hello, world!"'
    local symbols = elf.symbols(assert(elf.parse(fs.read(image.debug)))).values
    local words = plugin .. ",out=" .. out
    for _, stage in ipairs(STAGES) do
      words = ("%s,at=0x%x"):format(words, assert(symbols[stage[2]], stage[2]))
    end
    machine.run(image, { extra = { "-plugin", words }, timeout = 60 })
    local counts = {}
    for address, count in fs.read(out):gmatch "at (%w+) (%d+)" do
      counts[tonumber(address)] = tonumber(count)
    end
    local lines, last = {}, nil
    for i, stage in ipairs(STAGES) do
      local at = assert(counts[symbols[stage[2]]], stage[2] .. " never ran")
      if last then
        assert(at > last, "stages are in order")
        lines[#lines + 1] = ("%-26s %8s"):format(STAGES[i - 1][1], text.digits(at - last))
      end
      last = at
    end
    suite.note("%s", table.concat(lines, "\n"))
  end,
}
