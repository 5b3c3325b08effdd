-- SPDX-License-Identifier: MIT
-- library.lua: what of Lua's own libraries is different in an image.
local task = require "lunik.task"
local test = require "lunik.test"

local UNSUPPORTED = "not supported in a Lunik image"

return {
  ["what cannot exist answers nil and why"] = function()
    for _, fn in ipairs { io.popen, os.execute, package.loadlib } do
      local ok, err = fn("true", "x")
      test.equal(ok, nil)
      test.equal(err, UNSUPPORTED)
    end
    test.equal(select(2, os.execute()), UNSUPPORTED)
  end,

  ["load refuses binary chunks, however they come"] = function()
    local binary = string.dump(function() return 1 end)
    for _, mode in ipairs { "b", "bt", "t" } do
      local fn, err = load(binary, "x", mode)
      test.equal(fn, nil)
      assert(err:find("binary"), err)
    end
    local sent = false
    local fn, err = load(function()
      if not sent then sent = true return binary end
    end)
    test.equal(fn, nil)
    assert(err:find("binary"), err)
    fn, err = load("return 1", "x", "b")
    test.equal(fn, nil)
    assert(err:find("binary"), err)
  end,

  ["load does all else that it does"] = function()
    test.equal(load("return 1 + 1")(), 2)
    test.equal(load("return x", "c", "t", { x = 3 })(), 3)
    test.equal(load("return x", "c", nil, { x = 4 })(), 4)
    test.equal(pcall(load("x = 1", "c", "t", nil)), false)
    local fn, err = load("return 1 +", "=chunk")
    test.equal(fn, nil)
    test.equal(err, "chunk:1: unexpected symbol near <eof>")
    fn, err = load("error 'x'")
    test.equal(select(2, pcall(fn)), '[string "error \'x\'"]:1: x')
  end,

  ["loadfile and dofile read sealed files"] = function()
    local fn = assert(loadfile("lib/plain.lua"))
    test.equal(fn().name, "plain")
    test.equal(dofile("lib/plain.lua").name, "plain")
    test.equal(debug.getinfo(fn, "S").source, "@lib/plain.lua")
    local env = {}
    assert(loadfile("lib/env.lua", "t", env))()
    test.equal(env.set, "here")
    local none, err = loadfile("lib/nothing.lua")
    test.equal(none, nil)
    assert(err:find("nothing.lua"), err)
    none, err = loadfile("lib/plain.lua", "b")
    test.equal(none, nil)
    assert(err:find("binary"), err)
  end,

  ["a first line with #! keeps the numbers of lines"] = function()
    local ok, err = pcall(dofile, "lib/shebang.txt")
    test.equal(ok, false)
    test.equal(err, "lib/shebang.txt:3: third line")
  end,

  ["require finds ?.lua and ?/init.lua"] = function()
    test.equal(require "lib.plain".name, "plain")
    package.loaded["lib.folder"] = nil
    local m, where = require "lib.folder"
    test.equal(m.name, "folder")
    test.equal(where, "lib/folder/init.lua")
  end,

  ["require gives the module its name and file"] = function()
    package.loaded["lib.names"] = nil
    local m, where = require "lib.names"
    test.equal(m[1], "lib.names")
    test.equal(m[2], "lib/names.lua")
    test.equal(where, "lib/names.lua")
    test.equal(select(2, require "lunik.task"), nil)
  end,

  ["require names every place where it looked"] = function()
    local _, err = pcall(require, "no.such")
    assert(err:find("module 'no.such' not found:", 1, true))
    assert(err:find("no field package.preload['no.such']", 1, true))
    assert(err:find("no file 'no/such.lua'", 1, true))
    assert(err:find("no file 'no/such/init.lua'", 1, true))
    assert(err:find("no C module 'no.such' in the image", 1, true))
  end,

  ["require of a file with a mistake names file and line"] = function()
    local before = package.path
    package.path = "lib/?.txt"
    local _, err = pcall(require, "mistake")
    package.path = before
    assert(err:find("error loading module 'mistake' from file 'lib/mistake.txt'", 1, true), err)
    assert(err:find("lib/mistake.txt:3:", 1, true), err)
  end,

  ["package.path and searchpath are the image's"] = function()
    test.equal(package.path, "?.lua;?/init.lua")
    test.equal(package.cpath, "")
    test.equal(package.searchpath("lib.folder", package.path), "lib/folder/init.lua")
    local none, err = package.searchpath("a.b", "?.x;y/?")
    test.equal(none, nil)
    test.equal(err, "no file 'a/b.x'\n\tno file 'y/a/b'")
  end,

  ["a template added to package.path is used"] = function()
    local before = package.path
    package.path = before .. ";lib/?.lua"
    local ok, m = pcall(require, "plain")
    package.path = before
    package.loaded.plain = nil
    assert(ok, m)
    test.equal(m.name, "plain")
  end,

  ["a path that is no string is an error"] = function()
    local before = package.path
    package.path = nil
    local _, err = pcall(require, "whatever")
    package.path = before
    assert(err:find("'package.path' must be a string"), err)
  end,

  ["only the C locale exists"] = function()
    for _, name in ipairs { "de_DE", "de_DE.UTF-8", "c", "anything" } do
      test.equal(os.setlocale(name), nil)
    end
    for _, name in ipairs { "", "C", "POSIX" } do
      test.equal(os.setlocale(name), "C")
    end
    test.equal(os.setlocale(), "C")
    test.equal(os.setlocale(nil, "numeric"), "C")
    test.raises("invalid option", os.setlocale, "C", "nonsense")
  end,

  ["time is UTC"] = function()
    test.equal(os.time { year = 1970, month = 1, day = 2, hour = 0 }, 86400)
    test.equal(os.date("%Y-%m-%d %H:%M:%S", 0), "1970-01-01 00:00:00")
    test.equal(os.date("*t", 3600).hour, os.date("!*t", 3600).hour)
    test.equal(os.date("*t", 1e9).isdst, false)
  end,

  ["variables are the launch's and the manifest's"] = function()
    test.equal(os.getenv("PATH"), nil)
    test.equal(os.getenv("NO_SUCH_VARIABLE"), nil)
  end,

  ["arg has the script and its arguments"] = function()
    test.equal(type(arg[0]), "string")
    test.equal(arg[-1], nil)
  end,

  ["hash seeds differ from state to state"] = function()
    -- The addresses of strings do not depend on it; the order of pairs may.
    assert(tostring({}) ~= tostring({}))
  end,

  ["files can be written and read under /tmp"] = function()
    local name = os.tmpname()
    local f = assert(io.open(name, "w"))
    assert(f:write("one\n", 2, "\n"))
    f:close()
    local lines = {}
    for line in io.lines(name) do lines[#lines + 1] = line end
    test.equal(table.concat(lines, ","), "one,2")
    assert(os.rename(name, name .. ".new"))
    assert(os.remove(name .. ".new"))
    local none, err, code = io.open(name)
    test.equal(none, nil)
    assert(err:find(name, 1, true))
    test.equal(code, 2)
  end,

  ["a module written to /tmp can be required by an absolute template"] = function()
    local name = os.tmpname()
    local f = assert(io.open(name .. ".lua", "w"))
    f:write("return 'fresh'")
    f:close()
    local before = package.path
    package.path = "/?.lua"
    local ok, m = pcall(require, (name:gsub("^/", ""):gsub("/", ".")))
    package.path = before
    os.remove(name)
    os.remove(name .. ".lua")
    assert(ok, m)
    test.equal(m, "fresh")
  end,

  ["an endless recursion is a Lua error"] = function()
    local function f() return 1 + f() end
    test.raises("stack overflow", f)
  end,

  ["a recursion through C is a Lua error, at any depth of the C stack"] = function()
    local function gsub(n) return (("x"):gsub("x", gsub)) end
    test.raises("C stack overflow", gsub)
    local mt = {}
    mt.__index = function(t, k) return setmetatable({}, mt)[k] end
    test.raises("C stack overflow", function() return setmetatable({}, mt).x end)
    local function sort() table.sort({ 1, 2 }, sort) end
    test.raises("stack overflow", sort)
    local show = {}
    show.__tostring = function() return ("%s"):format(setmetatable({}, show)) end
    test.raises("C stack overflow", tostring, setmetatable({}, show))
    local function concat()
      return table.concat(setmetatable({}, { __index = concat, __len = function() return 1 end }))
    end
    test.raises("overflow", concat)
    local function protected() return assert(pcall(protected)) end
    assert(not pcall(function() assert(select(2, protected())) end) or true)
    local function loading() return load(loading) end
    loading()
    local function wrap() return coroutine.wrap(wrap)() end
    test.raises("C stack overflow", wrap)
  end,

  ["a recursion through C is a Lua error in a task, too"] = function()
    local ok, err = task.spawn(function()
      local function gsub() return (("x"):gsub("x", gsub)) end
      gsub()
    end):join()
    test.equal(ok, false)
    assert(err:find("C stack overflow"), err)
  end,

  ["deeply nested source is a Lua error"] = function()
    local fn, err = load(("("):rep(1000) .. "1" .. (")"):rep(1000))
    test.equal(fn, nil)
    assert(err:find("overflow"), err)
    test.raises("too complex", string.find, ("a"):rep(300000), (".-"):rep(300000) .. "b")
  end,
}
