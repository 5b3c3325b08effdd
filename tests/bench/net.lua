-- SPDX-License-Identifier: MIT
-- net.lua: what frames cost, in instructions: in the device, below any stack.

local fs = require "util.fs"
local machine = require "machine"
local suite = require "suite"
local text = require "util.text"

local LIMITS = { receive_64 = 600, send_64 = 400 }

local function figures(name, device)
  local words = { "-icount", "shift=0,sleep=off" }
  for i = 0, 1 do
    for _, word in ipairs {
      "-netdev", ("hubport,hubid=1,id=n%d"):format(i),
      "-device", ("%s,netdev=n%d,mac=52:54:00:00:00:0%d"):format(device, i, i + 1),
    } do words[#words + 1] = word end
  end
  local result = machine.expect(machine.image {
    ["lunik.lua"] = 'return { name = "bench", c = { sources = { "net.c" } } }',
    ["net.c"] = fs.read(suite.root .. "/tests/bench/programs/net.c"),
  }, { machine = name, extra = words, timeout = 120 })
  local values, lines = {}, {}
  for key, value in result.output:gmatch "([%w_]+) (%d+)\n" do
    values[key] = math.tointeger(value)
    lines[#lines + 1] = ("%-26s %8s"):format(key, text.digits(values[key]))
  end
  suite.note("%s", table.concat(lines, "\n"))
  for key, limit in pairs(LIMITS) do
    assert(values[key], result.output)
    assert(values[key] > 50, key .. ": nothing was measured")
    assert(values[key] <= limit, ("%s: %d of at most %d"):format(key, values[key], limit))
  end
end

return {
  ["a frame is cheap enough on PCI"] = function()
    figures("q35", "virtio-net-pci,disable-legacy=on,romfile=")
  end,
  ["a frame is cheap enough on microvm"] = function() figures("microvm", "virtio-net-device") end,
}
