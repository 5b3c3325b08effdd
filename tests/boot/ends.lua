-- SPDX-License-Identifier: MIT
-- ends.lua: how a program in an image ends in order: by itself, by the power
-- button, by Ctrl-C on a terminal.

local fs = require "util.fs"
local host = require "lunik.host"
local machine = require "machine"
local process = require "util.process"
local suite = require "suite"
local text = require "util.text"
local unistd = require "posix.unistd"

-- Presses the power button once (program) is ready; gives the result.
local function button(program, options)
  local started = machine.start(machine.image(program), options)
  started:wait_for "ready"
  started.qemu:command "system_powerdown"
  return started:finish(10)
end

local ON_SHUTDOWN = [[
local sys, task = require "lunik.sys", require "lunik.task"
sys.on_shutdown(function() task.sleep(0.05) print("first", sys.is_stopping()) end)
sys.on_shutdown(function() print "second" end)
print("ready", sys.is_stopping())
task.sleep(60)
print "never"]]

-- Runs (words) on a terminal of its own, which script(1) makes. Gives what it
-- printed and its status; on_text(output, type) sees what came.
local function on_terminal(words, on_text)
  if not fs.find_command "script" then suite.skip "script is not installed" end
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = text.shell_quote(word) end
  local in_read, in_write = process.pipe()
  local out_read, out_write = process.pipe()
  local pid = process.start(
    { "script", "-q", "-e", "-c", "exec " .. table.concat(quoted, " "), "/dev/null" },
    { [0] = in_read, [1] = out_write, [2] = out_write })
  unistd.close(in_read)
  unistd.close(out_write)
  local output, deadline = "", process.now() + 30
  while process.now() < deadline do
    local data = process.read(out_read, 1)
    if data == "" then break end
    output = output .. (data or "")
    on_text(output, function(keys) process.write_all(in_write, keys) end)
  end
  if process.now() >= deadline then process.kill(pid) end
  unistd.close(in_write)
  unistd.close(out_read)
  local _, status = process.wait(pid)
  assert(process.now() < deadline, "no end on the terminal; it said:\n" .. output)
  return output, status
end

return {
  ["sys.on_shutdown's functions run in their order, then the image ends with 0"] = function()
    local result = button(ON_SHUTDOWN)
    suite.equal(result.code, machine.EXIT.PROGRAM, result.output)
    suite.holds(result.output, "ready\tfalse\nfirst\ttrue\nsecond\n")
    assert(not result.output:find "never")
  end,
  ["an error in sys.on_shutdown ends the image with 1 and a traceback"] = function()
    local result = button [[
      require "lunik.sys".on_shutdown(function() error "cannot save" end)
      print "ready"
      require "lunik.task".sleep(60)]]
    suite.equal(result.code, machine.EXIT.PROGRAM + 1, result.output)
    suite.holds(result.output, "main.lua:1: cannot save")
  end,
  ["a function of sys.on_shutdown that finds nobody stops nothing"] = function()
    local result = machine.expect(machine.image [[
      require "lunik.sys".on_shutdown(function() print "never" end)
      print "done"]])
    suite.holds(result.output, "done\n")
    assert(not result.output:find "never")
  end,
  ["tasks that are left have one second to end, and no more"] = function()
    local quick = machine.expect(machine.image([[
      local task = require "lunik.task"
      task.spawn(function()
        local _ <close> = setmetatable({}, { __close = function()
          print "closed" end })
        task.sleep(60)
      end)
      task.yield()
      print "main ended"]]))
    suite.holds(quick.output, "main ended\nclosed\n")
    assert(quick.seconds < 1, quick.seconds)
    local slow = machine.expect(machine.image [[
      local task = require "lunik.task"
      task.spawn(function() while true do pcall(task.sleep, 60) end end)
      task.sleep(0.01)]], { timeout = 20 })
    assert(slow.seconds > 0.9 and slow.seconds < 5, slow.seconds)
    suite.note("%.2f s with tasks that end, %.2f s with one that does not", quick.seconds, slow.seconds)
  end,
  ["Ctrl-C on a terminal stops the image in order"] = function()
    local folder = suite.project { ["main.lua"] = ON_SHUTDOWN, ["lunik.lua"] = 'return { name = "x" }' }
    suite.equal(select(2, suite.lunik { "build", folder }), 0)
    local sent
    local output, status = on_terminal({ host.prefix .. "/bin/lunik", "run", folder },
      function(said, type_keys)
        if not sent and said:find "ready" then
          sent = process.now()
          type_keys "\3"
        end
      end)
    suite.equal(status, 0, output)
    suite.holds(output:gsub("\r", ""), "first\ttrue\nsecond\n")
    suite.note("ended %.2f s after Ctrl-C", process.now() - sent)
  end,
  ["a second Ctrl-C stops at once an image that does not end"] = function()
    local folder = suite.project { ["lunik.lua"] = 'return { name = "x" }', ["main.lua"] = [[
      require "lunik.sys".on_shutdown(function() print "asked" require "lunik.task".sleep(60) end)
      print "ready"
      require "lunik.task".sleep(60)]] }
    suite.equal(select(2, suite.lunik { "build", folder }), 0)
    local count = 0
    local output, status = on_terminal({ host.prefix .. "/bin/lunik", "run", folder },
      function(said, type_keys)
        if count < 1 and said:find "ready" or count == 1 and said:find "asked" then
          count = count + 1
          type_keys "\3"
        end
      end)
    suite.equal(status, require "run.status".STOPPED, output)
    suite.holds(output, "the image did not stop in order")
    suite.equal(count, 2)
    assert(fs.is_folder(folder))
  end,
}
