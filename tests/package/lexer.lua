-- SPDX-License-Identifier: MIT
-- lexer.lua: which modules a text asks for.

local lexer = require "project.lexer"
local suite = require "suite"

local function names(source)
  local list = {}
  for _, item in ipairs(lexer.requires(source)) do
    list[#list + 1] = ("%s:%d%s"):format(item.name, item.line, item.optional and "?" or "")
  end
  return table.concat(list, " ")
end

return {
  ["every form of a constant require is found with its line"] = function()
    suite.equal(names 'require "a"\nrequire("b")\nlocal x = require\'c\'\nrequire[[d]]',
      "a:1 b:2 c:3 d:4")
  end,
  ["comments and strings hide a require"] = function()
    suite.equal(names '-- require "a"\n--[[ require "b"\n]] print(\'require "c"\')', "")
    suite.equal(names '--[==[ ]] require "x" ]==] require "y"', "y:1")
    suite.equal(names 'local s = [=[ require "z" ]] ]=] require "w"', "w:1")
  end,
  ["a pcalled require is optional"] = function()
    suite.equal(names 'local ok = pcall(require, "posix")', "posix:1?")
  end,
  ["a field called require is not require"] = function()
    suite.equal(names 'x.require "a" y:require("b") required "c"', "")
  end,
  ["a name that is computed is left alone"] = function()
    suite.equal(names 'require("a" .. b) require(name)', "")
  end,
  ["lines are counted over long strings, comments and escapes"] = function()
    suite.equal(names '#!/usr/bin/lua\nlocal a = [[\n\n]] --[[\n]] local b = "\\\n"\nrequire "m"', "m:7")
  end,
  ["escapes in a name are read"] = function()
    suite.equal(names 'require "a\\\\b"', "a\\b:1")
  end,
  ["the fields of a module that a text uses are found, or not told"] = function()
    local function fields(source)
      local set, list = lexer.fields(source, "m"), {}
      if not set then return "unknown" end
      for name in pairs(set) do list[#list + 1] = name end
      table.sort(list)
      return table.concat(list, " ")
    end
    suite.equal(fields 'local m = require "m" m.a() m.b{} x.c() x.m.d()', "a b")
    suite.equal(fields 'local m = require("m") m:a()', "a")
    -- Another file may use a global variable, or a table's field.
    suite.equal(fields 'm = require("m") m:a()', "unknown")
    suite.equal(fields 'local t = { m = require "m" } t.m.a()', "unknown")
    suite.equal(fields 'local t = { 1; m = require "m" } t.m.a()', "unknown")
    suite.equal(fields 'local _, m = pcall(require, "m") m.a()', "unknown")
    suite.equal(fields 'local f = require "m".a require("m").b()', "a b")
    suite.equal(fields 'local m = require "n" m.a()', "")
    suite.equal(fields 'local m = require "m" print(m)', "unknown")
    suite.equal(fields 'local m = require "m" local n = m', "unknown")
    suite.equal(fields 'local m = require "m" m["a"]()', "unknown")
    suite.equal(fields 'f(require "m")', "unknown")
    suite.equal(fields 'local a, b = require "m", 1', "unknown")
    suite.equal(fields 'local a = require "x", require "m"', "unknown")
    suite.equal(fields 't.m = require "m"', "unknown")
    suite.equal(fields 'return require "m"', "unknown")
  end,
  ["the lexer ends on any bytes"] = function()
    math.randomseed(7)
    local pieces = { "[[", "]]", "--", '"', "'", "\\", "\n", "require", "(", "x", "\0", "[=[", "é" }
    for _ = 1, 2000 do
      local parts = {}
      for i = 1, math.random(0, 12) do parts[i] = pieces[math.random(#pieces)] end
      lexer.requires(table.concat(parts))
      lexer.key_lines(table.concat(parts))
    end
  end,
  ["keys of a project file have their lines"] = function()
    local lines = lexer.key_lines 'return {\n name = "x",\n c = { sources = {\n "a.c" },\n include = {} },\n ["heap"] = 1,\n}'
    suite.equal(lines.name, 2)
    suite.equal(lines.c, 3)
    suite.equal(lines["c.sources"], 3)
    suite.equal(lines["c.include"], 5)
    suite.equal(lines.heap, 6)
  end,
}
