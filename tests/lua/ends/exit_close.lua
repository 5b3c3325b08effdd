-- SPDX-License-Identifier: MIT
-- status: 3
-- says: closed
-- says: finalized
-- says: cannot wait inside a finalizer
local task = require "lunik.task"
g = setmetatable({}, { __gc = function()
  print "finalized"
  print(select(2, pcall(task.sleep, 0)))
end })
local _ <close> = setmetatable({}, { __close = function() print "closed" end })
os.exit(3, true)
