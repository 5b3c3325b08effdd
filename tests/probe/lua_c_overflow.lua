-- SPDX-License-Identifier: MIT
-- lua_c_overflow.lua: a C module that recurses without end, in a task.
local fault, task = require "fault", require "lunik.task"
task.spawn(function()
  table.sort({ 2, 1 }, function() return (fault.overflow()) end)
end):join()
