-- SPDX-License-Identifier: MIT
-- timerwheel.lua: what copas uses of the library of that name: callbacks at
-- times. For tests: step() looks at all of them.
local wheel = {}
wheel.__index = wheel

function wheel.new(options)
  return setmetatable({ now = options.now, err = options.err_handler, timers = {}, n = 0 }, wheel)
end

function wheel:set(delay, callback, arg)
  local id = {}
  self.timers[id] = { at = self.now() + delay, callback = callback, arg = arg }
  self.n = self.n + 1
  return id
end

function wheel:cancel(id)
  if not self.timers[id] then return false end
  self.timers[id] = nil
  self.n = self.n - 1
  return true
end

function wheel:count() return self.n end

function wheel:step()
  local due, now = {}, self.now()
  for id, timer in pairs(self.timers) do
    if timer.at <= now then due[#due + 1] = { id = id, timer = timer } end
  end
  table.sort(due, function(a, b) return a.timer.at < b.timer.at end)
  for _, item in ipairs(due) do
    if self:cancel(item.id) then xpcall(item.timer.callback, self.err, item.timer.arg) end
  end
end

return wheel
