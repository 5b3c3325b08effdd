-- SPDX-License-Identifier: MIT
-- status: 1
-- says: 	helper.lua:6: in function 'helper.fail'
-- says: raised again at:
-- says: 	nursery_error.lua:8: in main chunk
local task = require "lunik.task"
local fail = require "helper".fail
task.nursery(function(n)
  n:spawn(function() fail "in a child" end)
end)
