-- SPDX-License-Identifier: MIT
-- schema.lua: the project file: sandbox, keys, types, patterns.

local glob = require "project.glob"
local load = require "project.load"
local suite = require "suite"

local function refuses(source, ...)
  local why = suite.fails("lunik.lua", load.parse, source, "lunik.lua", "x")
  for _, part in ipairs { ... } do suite.holds(why.message, part) end
  suite.equal(why.status, 65)
end

return {
  ["defaults fill what is left out"] = function()
    local project = load.parse("return {}", "lunik.lua", "shop")
    suite.equal(project.name, "shop")
    suite.equal(project.main, "main.lua")
    suite.equal(table.concat(project.path, ";"), "?.lua;?/init.lua")
    suite.equal(project.memory, nil)
  end,
  ["sizes become bytes"] = function()
    local project = load.parse('return { memory = "16M", heap = 8192 }', "lunik.lua", "x")
    suite.equal(project.memory, 16 << 20)
    suite.equal(project.heap, 8192)
  end,
  ["a wrong key is named with its line and the nearest right one"] = function()
    refuses('return {\n  name = "x",\n  memroy = "16M",\n}', "lunik.lua:3:", 'unknown key "memroy"',
      'did you mean "memory"?')
    refuses('return { c = { source = {} } }', 'unknown key "c.source"', '"sources"')
    refuses('return { "x" }', "unknown key")
  end,
  ["a wrong type says what was expected"] = function()
    refuses('return {\n\n heap = true }', "lunik.lua:3:", '"heap" must be a size', "not true")
    refuses('return { include = "x" }', '"include" must be a list of patterns', 'not "x"')
    refuses('return { include = { 5 } }', "as item 1", "not 5")
    refuses('return { include = { x = "a" } }', "without keys")
    refuses('return { env = { ["A B"] = "c" } }', '"env" must be a table of NAME')
    refuses('return { env = { A = 1 } }', "for A a string")
    refuses('return { hypervisors = { "vmware" } }', "one of kvm")
    refuses('return { c = true }', '"c" must be a table')
    refuses('return { name = "Shop" }', '"name" must be a string of 1 to 64')
    refuses('return { path = { "lib" } }', 'a template with a "?"')
  end,
  ["a path out of the project is refused"] = function()
    refuses('return { include = { "../*" } }', '".." leads out of the project', '"../*"')
    refuses('return { include = { "a/../../b" } }', "leads out")
    refuses('return { include = { "/etc/*" } }', "it is absolute")
    refuses('return { main = "../main.lua" }', "leads out")
  end,
  ["a project file has no functions and no libraries"] = function()
    refuses('return { name = os.getenv "HOME" }', "lunik.lua:1:", "global 'os'")
    refuses('return { name = ("x"):rep(9) }', "lunik.lua:1:")
    refuses('return { name = function() end }', "it holds a function")
  end,
  ["a project file cannot run for ever or take all memory"] = function()
    refuses('while true do end', "it runs for too long")
    refuses('local s = "xxxxxxxxxxxxxxxx" while true do s = s .. s end', "not enough memory")
    refuses('local t = {} t.t = t return t', "tables too deep")
  end,
  ["a syntax error has its file and line, and bytecode is refused"] = function()
    refuses('return {\n name = = 1 }', "lunik.lua:2:")
    refuses(string.dump(function() return {} end), "lunik.lua")
    refuses('return 5', "it must return a table")
  end,
  ["patterns match as a shell's do, with ** over folders"] = function()
    assert(glob.matches("*.lua", "a.lua") and not glob.matches("*.lua", "a/b.lua"))
    assert(glob.matches("**/*.lua", "a.lua") and glob.matches("**/*.lua", "a/b/c.lua"))
    assert(glob.matches("data/**", "data/x/y") and not glob.matches("data/**", "data2/x"))
    assert(glob.matches("a?c", "abc") and not glob.matches("a?c", "a/c"))
    assert(glob.matches("a+(1).txt", "a+(1).txt") and not glob.matches("*", ".hidden"))
    assert(glob.matches("./x/./y", "x/y"))
  end,
}
