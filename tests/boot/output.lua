-- SPDX-License-Identifier: MIT
-- output.lua: a console whose reader is slow.

local machine = require "machine"
local poll = require "posix.poll"
local process = require "util.process"
local suite = require "suite"

-- Says more than the host's buffers take, then a last line after (seconds).
local FLOOD = [[
  local task = require "lunik.task"
  for i = 1, 20000 do print(("line %%d of many, to fill what is in between"):format(i)) end
  task.sleep(%s)
  print "the last line"
]]

return {
  ["the console speaks again after a reader that did not read"] = function()
    local running = machine.start(machine.image(FLOOD:format(3)))
    running:wait_for "line 1 "
    process.run { "sleep", "1.5" }
    local result = running:finish(20)
    assert(not result.is_timeout)
    suite.holds(result.output, "the last line\n")
  end,
  ["what is printed last arrives, even if nobody reads when the image ends"] = function()
    -- QEMU's socket holds some 280 writes, of a byte each, for who reads late.
    local text = ("x"):rep(290)
    local running = machine.start(machine.image(('io.write("%s")'):format(text)))
    assert(poll.rpoll(running.qemu.console, 10000))
    process.run { "sleep", "0.05" }
    local result = running:finish()
    suite.equal(result.code, machine.EXIT.PROGRAM)
    suite.equal(result.output, text)
  end,
}
