-- SPDX-License-Identifier: MIT
-- status: 0
-- says: cleaned up
-- says: finalized
-- not: not reached
-- A program ends with its main script; tasks may still clean up.
local task = require "lunik.task"
task.spawn(function()
  local _ <close> = setmetatable({}, { __close = function() print "cleaned up" end })
  task.sleep(math.huge)
  print "not reached"
end)
done = setmetatable({}, { __gc = function() print "finalized" end })
task.yield()
