-- SPDX-License-Identifier: MIT
-- status: 5
local task = require "lunik.task"
task.spawn(function() os.exit(5) end)
task.sleep(10)
