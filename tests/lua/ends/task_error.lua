-- SPDX-License-Identifier: MIT
-- status: 1
-- says: test: helper.lua:6: in a task
-- says: 	task_error.lua:8: in function <task_error.lua:7>
-- not: not reached
local task, helper = require "lunik.task", require "helper"
task.spawn(function()
  helper.fail "in a task"
end)
task.sleep(5)
print "not reached"
