-- SPDX-License-Identifier: MIT
-- input.lua: tasks that wait for console input while others close or end.

local machine = require "machine"
local suite = require "suite"

-- The image of a program that ends by (ending) while a task waits in (reading).
local function image(reading, ending)
  return machine.image(([[
    local task = require "lunik.task"
    task.spawn(function() %s end)
    task.sleep(0.05)
    io.write "no line's end"
    %s
  ]]):format(reading, ending))
end

return {
  ["the program ends although a task waits for standard input"] = function()
    local result = machine.expect(image('io.read "l"', "os.exit(3)"), nil, 3)
    suite.holds(result.output, "no line's end")
  end,
  ["the program ends although a task waits in a file of its own"] = function()
    local reading = 'io.open("/dev/console"):read "l"'
    machine.expect(image(reading, "os.exit(4)"), nil, 4)
    machine.expect(image(reading, "os.exit(5, true)"), nil, 5)
    machine.expect(image(reading, ""), nil, 0)
  end,
}
