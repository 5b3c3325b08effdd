-- SPDX-License-Identifier: MIT
-- lua_broken_promise.lua: a C module's assertion, in a coroutine in a task.
local fault, task = require "fault", require "lunik.task"
local function body() fault.broken_promise() end
task.spawn(function()
  local resume = coroutine.wrap(body)
  resume()
end):join()
