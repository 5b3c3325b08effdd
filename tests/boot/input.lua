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
  ["a file that is closed while a task reads it ends after the reading"] = function()
    local running = machine.start(machine.image [[
      local task = require "lunik.task"
      local file = assert(io.open "/dev/console")
      local reader = task.spawn(function() print("read", file:read(5)) end)
      task.sleep(0.05)
      print "ready"
      local closer = task.spawn(function() print("closed", file:close()) end)
      reader:join()
      closer:join()
    ]])
    running:wait_for "ready"
    running:type "hello"
    suite.holds(running:finish().output, "read\thello\nclosed\ttrue\n")
  end,
  ["the power button ends a program that waits for standard input"] = function()
    local running = machine.start(machine.image 'print "ready" io.read "l"')
    running:wait_for "ready"
    running.qemu:command "system_powerdown"
    suite.equal(running:finish().code, machine.EXIT.PROGRAM, running.output)
  end,
  ["a question without a line's end shows before the answer is waited for"] = function()
    local running = machine.start(machine.image 'io.write "name? " print("hello " .. io.read "l")')
    running:wait_for("name%? ", 5)
    running:type "you\n"
    suite.holds(running:finish().output, "hello you\n")
  end,
}
