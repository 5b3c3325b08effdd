-- SPDX-License-Identifier: MIT
-- install.lua: the installed SDK as another project uses it.

local fs = require "util.fs"
local host = require "lunik.host"
local machine = require "machine"
local process = require "util.process"
local server = require "server"
local signal = require "posix.signal"
local suite = require "suite"

local function example(name)
  local from = host.prefix .. "/share/lunik/examples/" .. name
  if not fs.is_folder(from) then suite.skip("the example " .. name .. " is not installed") end
  local folder = suite.folder()
  for _, path in ipairs(fs.walk(from)) do
    fs.write(folder .. "/" .. path, fs.read(from .. "/" .. path))
  end
  return folder
end

local function configure(folder)
  return process.run { "cmake", "-G", "Ninja", "-S", folder, "-B", folder .. "/out",
    "-DCMAKE_PREFIX_PATH=" .. host.prefix }
end

-- The examples that go on until they are stopped: the port of each, and whether
-- it answers at (port) of this machine, or has said that it is there.
local SERVICES = {
  chat = { port = 8080, answers = function(port) return server.get(port, "/") end },
  echo = { port = 7, answers = function(port) return server.exchange(port, "marco", 5) == "marco" end },
  -- (Below TCP: tests/net asks it.)
  frames = { port = 7, answers = function(_, running) return running.said():find " is at 52:54:" end },
  http = { port = 8080, answers = function(port) return server.get(port, "/api/notes") end },
  luasocket = { port = 8080, answers = function(port) return server.get(port, "/") end },
}

return {
  ["find_package and lunik_add_image build the C example"] = function()
    if not fs.find_command "ninja" then suite.skip "Ninja is not installed" end
    local folder = example "cimage"
    local output, status = configure(folder)
    suite.equal(status, 0, output)
    output, status = process.run { "cmake", "--build", folder .. "/out" }
    suite.equal(status, 0, output)
    local result = machine.expect(folder .. "/out/cimage.elf", { arguments = { "a" } })
    suite.holds(result.output, "5 items, sum 15, 1 argument\n")
  end,
  ["find_package refuses a version that is not there"] = function()
    if not fs.find_command "ninja" then suite.skip "Ninja is not installed" end
    local folder = example "cimage"
    local list = fs.read(folder .. "/CMakeLists.txt"):gsub("Lunik 0.1", "Lunik 9.0")
    fs.write(folder .. "/CMakeLists.txt", list)
    local output, status = configure(folder)
    assert(status ~= 0)
    suite.holds(output, "9.0")
  end,
  ["a misused lunik_add_image names the call"] = function()
    if not fs.find_command "ninja" then suite.skip "Ninja is not installed" end
    local folder = example "cimage"
    local list = fs.read(folder .. "/CMakeLists.txt"):gsub("lunik_add_image%(cimage%)",
      "lunik_add_image(cimage MIAN x)")
    fs.write(folder .. "/CMakeLists.txt", list)
    local output, status = configure(folder)
    assert(status ~= 0)
    suite.holds(output, "lunik_add_image(cimage): does not know")
  end,
  ["every installed example runs and ends with 0"] = function()
    local names = {}
    for _, name in ipairs(fs.list(host.prefix .. "/share/lunik/examples")) do
      if not SERVICES[name] then names[#names + 1] = name end
    end
    for _, name in ipairs(names) do
      local output, status = suite.lunik({ "run", "--timeout", "60", example(name) },
        { timeout = 120 })
      suite.equal(status, 0, name .. ": " .. output)
    end
    suite.note("%s", table.concat(names, ", "))
  end,
  ["every installed example of a service answers, and stops in order"] = function()
    if not fs.find_command "qemu-system-x86_64" then suite.skip "QEMU is not installed" end
    local names = {}
    for _, name in ipairs(fs.list(host.prefix .. "/share/lunik/examples")) do
      local service = SERVICES[name]
      if service then
        local port = server.free_port()
        local running = server.start { host.prefix .. "/bin/lunik", "run", "--accel", "tcg",
          "-p", ("%d:%d"):format(port, service.port), example(name) }
        server.await(name, function()
          assert(not running.ended(), running.said())
          return service.answers(port, running)
        end, 60)
        process.kill(running.pid, signal.SIGTERM)
        server.await("the end of " .. name, running.ended, 15)
        suite.equal(running.status, 0, name .. ": " .. running.said())
        names[#names + 1] = name
      end
    end
    suite.note("%s", table.concat(names, ", "))
  end,
  ["the tests of a new project pass in an image and on the host"] = function()
    local folder = suite.folder()
    suite.lunik({ "new", "shop" }, { folder = folder })
    for _, word in ipairs { "--timeout=60", "--host" } do
      local output, status = suite.lunik({ "test", word }, { folder = folder .. "/shop" })
      suite.equal(status, 0, output)
      suite.holds(output, "1 passed, 0 failed, 0 skipped")
    end
  end,
  ["a failing test and a crashing one fail the run"] = function()
    local folder = suite.project { ["main.lua"] = "",
      ["tests/a.lua"] = 'return { ["two is three"] = function() assert(2 == 3) end }' }
    local output, status = suite.lunik { "test", folder }
    suite.equal(status, 1, output)
    suite.holds(output, "0 passed, 1 failed, 0 skipped")
    fs.write(folder .. "/tests/a.lua", 'return { x = function() os.exit(0) end }')
    output, status = suite.lunik { "test", folder }
    suite.equal(status, 1, output)
    suite.holds(output, "the image ended before its tests did")
  end,
}
