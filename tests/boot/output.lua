-- SPDX-License-Identifier: MIT
-- output.lua: a console whose reader is slow.

local machine = require "machine"
local process = require "util.process"
local suite = require "suite"

-- Says more than the host's buffers take, then a last line after (seconds).
local FLOOD = [[
  local task = require "lunik.task"
  for i = 1, 20000 do print(("line %%d of many, to fill what is in between"):format(i)) end
  task.sleep(%s)
  print "the last line"
]]

return {
  ["the console speaks again after a reader that did not read"] = function()
    local running = machine.start(machine.image(FLOOD:format(3)))
    running:wait_for "line 1 "
    process.run { "sleep", "1.5" }
    local result = running:finish(20)
    assert(not result.is_timeout)
    suite.holds(result.output, "the last line\n")
  end,
}
