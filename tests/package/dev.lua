-- SPDX-License-Identifier: MIT
-- dev.lua: `lunik dev`: new versions at each save, and no refused connection.

local fs = require "util.fs"
local json = require "util.json"
local poll = require "posix.poll"
local process = require "util.process"
local sdk = require "util.sdk"
local server = require "server"
local signal = require "posix.signal"
local suite = require "suite"

local LUNIK = sdk.prefix .. "/bin/lunik"

-- Starts `lunik dev` on a project whose server answers (body). Gives the
-- folder, the port and the command.
local function start(body)
  local port = server.free_port()
  local folder = suite.project { ["main.lua"] = server.program(port, body),
    ["lunik.lua"] = 'return { name = "live" }' }
  local dev = server.start { LUNIK, "dev", folder }
  server.await("the first version", function()
    assert(not dev.ended(), dev.said())
    return server.get(port) == body
  end)
  return folder, port, dev
end

local function save(folder, port, body)
  fs.write(folder .. "/main.lua", server.program(port, body))
end

local function stop(dev, number)
  process.kill(dev.pid, number or signal.SIGTERM)
  server.await("the end", dev.ended, 15)
  suite.equal(dev.how, "exited")
  suite.equal(dev.status, 0, dev.said())
end

local function count(text, part)
  return select(2, text:gsub(part, ""))
end

return {
  ["a saved file is served in under a second"] = function()
    local folder, port, dev = start "one\n"
    local slowest = 0
    for i = 2, 6 do
      local body = ("version %d\n"):format(i)
      save(folder, port, body)
      local began = process.now()
      server.await(body, function() return server.get(port) == body end)
      slowest = math.max(slowest, process.now() - began)
    end
    assert(slowest < 1, ("the slowest took %.2f s"):format(slowest))
    suite.note("slowest of 5 reloads: %.2f s from save to answer", slowest)
    suite.equal(count(dev.said(), "reloaded in "), 5, dev.said())
    stop(dev)
  end,
  ["no connection is refused or broken off while versions change"] = function()
    local folder, port, dev = start "0\n"
    local load = server.start { LUNIK, "bench", "--json", "--close", "-c", "4", "-d", "4",
      ("http://127.0.0.1:%d/"):format(port) }
    local versions = 0
    while not load.ended() do
      versions = versions + 1
      save(folder, port, versions .. "\n")
      poll.poll({}, 500)
    end
    local result = json.decode(load.said())
    suite.equal(result.errors.connect, 0, load.said())
    suite.equal(result.errors.read, 0, load.said() .. dev.said())
    assert(result.requests > 100, load.said())
    assert(count(dev.said(), "reloaded in ") >= 3, dev.said())
    suite.note("%d requests over %d versions", result.requests, versions)
    stop(dev)
  end,
  ["what cannot be built leaves the old version serving, and is explained"] = function()
    local folder, port, dev = start "good\n"
    fs.write(folder .. "/main.lua", "local = 1\n")
    server.await("the complaint", function() return dev.said():find("main.lua:1:", 1, true) end)
    suite.equal(server.get(port), "good\n")
    fs.write(folder .. "/lunik.lua", "return { nmae = 1 }")
    server.await("the next", function() return dev.said():find('unknown key "nmae"', 1, true) end)
    suite.equal(server.get(port), "good\n")
    fs.write(folder .. "/lunik.lua", 'return { name = "live" }')
    save(folder, port, "better\n")
    server.await("the repair", function() return server.get(port) == "better\n" end)
    stop(dev)
  end,
  ["a version that fails at its start leaves the old one serving"] = function()
    local folder, port, dev = start "good\n"
    fs.write(folder .. "/main.lua", 'error "boom"\n')
    server.await("the complaint", function()
      return dev.said():find("the new version ended with status 1; the old one goes on", 1, true)
    end)
    suite.holds(dev.said(), "main.lua:1: boom")
    suite.equal(server.get(port), "good\n")
    stop(dev)
  end,
  ["a program that ended is started again by the next save"] = function()
    local folder = suite.project { ["main.lua"] = 'print "first"' }
    local dev = server.start { LUNIK, "dev", folder }
    server.await("its end", function()
      return dev.said():find("the program ended with status 0; it starts again", 1, true)
    end)
    fs.write(folder .. "/main.lua", 'print "second" os.exit(3)')
    server.await("the second", function() return dev.said():find("ended with status 3", 1, true) end)
    suite.holds(dev.said(), "second\n")
    stop(dev)
  end,
  ["a version with another port takes over all the same"] = function()
    local folder, port, dev = start "old\n"
    local other = server.free_port()
    save(folder, other, "new\n")
    server.await("the other port", function() return server.get(other) == "new\n" end)
    -- Nobody must wait there for an answer that does not come.
    local began = process.now()
    server.await("the end of the old", function() return server.get(port) == nil end)
    assert(process.now() - began < 5, dev.said())
    suite.equal(server.get(other), "new\n")
    stop(dev)
  end,
  ["a file that is in no image changes nothing"] = function()
    local folder, port, dev = start "same\n"
    fs.write(folder .. "/notes.txt", "not included")
    fs.write(folder .. "/.hidden.lua", "x")
    fs.write(folder .. "/main.lua~", "x")
    server.await("it is seen", function() return dev.said():find("notes.txt changed", 1, true) end)
    poll.poll({}, 300)
    assert(not dev.said():find("reloaded", 1, true), dev.said())
    assert(not dev.said():find("hidden", 1, true), dev.said())
    assert(not dev.said():find("~", 1, true), dev.said())
    suite.equal(server.get(port), "same\n")
    stop(dev)
  end,
  ["a module that is saved, added or taken away counts too"] = function()
    local port = server.free_port()
    local folder = suite.project {
      ["main.lua"] = server.program(port, "x"):gsub("local BODY = [^\n]*", 'local BODY = require "lib.body"'),
      ["lib/body.lua"] = 'return "a"', ["lunik.lua"] = 'return { name = "live" }' }
    local dev = server.start { LUNIK, "dev", folder }
    server.await("a", function() return server.get(port) == "a" end)
    fs.write(folder .. "/lib/body.lua", 'return "b"')
    server.await("b", function() return server.get(port) == "b" end)
    os.rename(folder .. "/lib/body.lua", folder .. "/lib/other.lua")
    server.await("a complaint", function() return dev.said():find('"lib.body" is not found', 1, true) end)
    suite.equal(server.get(port), "b")
    stop(dev)
  end,
  ["Ctrl-C and SIGTERM end the command and its program"] = function()
    for _, number in ipairs { signal.SIGINT, signal.SIGTERM } do
      local _, port, dev = start "x\n"
      stop(dev, number)
      suite.equal(server.get(port), nil)
    end
  end,
  ["a command that was killed leaves no program behind"] = function()
    local _, port, dev = start "x\n"
    process.kill(dev.pid, signal.SIGKILL)
    server.await("its end", dev.ended)
    server.await("the program's end", function() return server.get(port) == nil end)
  end,
  ["a folder that is not there, and a C program, are refused"] = function()
    local output, status = suite.lunik { "dev", suite.folder() .. "/none" }
    suite.equal(status, 66, output)
    local folder = suite.project { ["main.c"] = "", ["lunik.lua"] = 'return { c = { sources = { "main.c" } } }' }
    local dev = server.start { LUNIK, "dev", folder }
    server.await("a complaint", function() return dev.said():find("is a C program", 1, true) end)
    stop(dev)
  end,
}
