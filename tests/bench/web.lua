-- SPDX-License-Identifier: MIT
-- web.lua: what the modules above lunik.http cost, in instructions.

local fs = require "util.fs"
local machine = require "machine"
local module = require "module"
local suite = require "suite"
local text = require "util.text"

local PROGRAMS = suite.root .. "/tests/bench/programs/"

-- What is promised: see docs/lua/metrics.md. The others are only shown.
local LIMITS = { counter_inc = 600, counter_inc_1_label = 800, counter_inc_2_labels = 950, counter_inc_held = 550,
  histogram_observe = 900 }

return {
  ["counting costs a few hundred instructions"] = function()
    module.add("count", PROGRAMS .. "count.c")
    local result = machine.expect(machine.image {
      ["main.lua"] = fs.read(PROGRAMS .. "web.lua"),
    }, { extra = { "-icount", "shift=0,sleep=off" }, timeout = 120 })
    local lines, values = {}, {}
    for name, value in result.output:gmatch "([%w_]+) (%d+)\n" do
      values[name] = math.tointeger(value)
      lines[#lines + 1] = ("%-26s %8s"):format(name, text.digits(values[name]))
    end
    suite.note("%s", table.concat(lines, "\n"))
    for name, limit in pairs(LIMITS) do
      assert(values[name] and values[name] > 20, name .. " was not measured")
      assert(values[name] <= limit, ("%s: %d of %d"):format(name, values[name], limit))
    end
  end,
}
