-- SPDX-License-Identifier: MIT
-- reproducible.lua: the same project gives the same bytes, whoever builds it,
-- wherever and whenever.

local fs = require "util.fs"
local host = require "lunik.host"
local process = require "util.process"
local suite = require "suite"

local FILES = {
  ["lunik.lua"] = [[return { name = "same", version = "1.2", include = { "data/**" },
    env = { B = "2", A = "1", C = "3" }, modules = { "lunik.log", "lunik.sys" } }]],
  ["main.lua"] = 'require "lib.a" print(require "lunik.task".now())',
  ["lib/a.lua"] = "return 1", ["data/z"] = "z", ["data/y/x"] = "x", ["data/Y"] = "Y",
}

local C_FILES = {
  ["lunik.lua"] = 'return { name = "same", c = { sources = { "src/main.c", "src/part.c" } } }',
  ["src/main.c"] = "int part(void);\nint lunik_main(int argc, char **argv);\n"
    .. "int lunik_main(int argc, char **argv)\n{\n    (void)argc, (void)argv;\n    return part();\n}\n",
  ["src/part.c"] = "#include <lunik/panic.h>\n#include <stdio.h>\nint part(void);\n"
    .. 'int part(void)\n{\n    LUNIK_ASSERT(stdout);\n    return puts(__FILE__) < 0;\n}\n',
}

-- Builds the copy in (folder) in a shell that (first) prepares.
local function build(folder, first)
  local output, status = process.run({ "sh", "-c",
    first .. '\nexec "$1" build "$2"', "sh", host.prefix .. "/bin/lunik", folder },
    { timeout = 60, environment = { XDG_CACHE_HOME = folder .. "/cache" } })
  suite.equal(status, 0, output)
end

local function check_equal(one, other)
  local count = 0
  for _, path in ipairs(fs.list(one .. "/build")) do
    local from, to = one .. "/build/" .. path, other .. "/build/" .. path
    if fs.is_file(from) then
      local said, status = process.run { "cmp", from, to }
      suite.equal(status, 0, said)
      count = count + 1
    end
  end
  return count
end

-- Gives (folder) to another user, where one may.
local function give_away(folder)
  if process.run { "id", "-u" } ~= "0\n" or not fs.find_command "setpriv" then return false end
  return select(2, process.run { "chown", "-R", "12345:12345", folder }) == 0
end

local function compare(files)
  local one, base = suite.project(files), suite.folder()
  local other = base .. "/a folder with a much longer name/and one below"
  for path, content in pairs(files) do fs.write(other .. "/" .. path, content) end
  process.run { "chmod", "755", base }
  build(one, "umask 022; TZ=UTC; LANG=C; export TZ LANG")
  -- Later by the clock of files, too.
  process.run { "find", other, "-exec", "touch", "-d", "2001-02-03 04:05:06", "{}", "+" }
  process.run { "sleep", "1.1" }
  local prepare = "umask 077; TZ=Asia/Tokyo; LANG=de_DE.UTF-8; LC_ALL=C.UTF-8; HOME=/nonexistent; "
    .. "export TZ LANG LC_ALL HOME; cd /"
  local is_given = give_away(other)
  if is_given then
    local output, status = process.run({ "sh", "-c", prepare
      .. '\nexec setpriv --reuid=12345 --regid=12345 --clear-groups "$1" build "$2"',
      "sh", host.prefix .. "/bin/lunik", other },
      { timeout = 60, environment = { XDG_CACHE_HOME = other .. "/cache" } })
    suite.equal(status, 0, output)
    suite.equal(process.run { "stat", "-c", "%u", other .. "/build/same.elf" }, "12345\n", "the owner")
  else
    build(other, prepare)
  end
  local count = check_equal(one, other)
  for _, path in ipairs { "/build/same.elf", "/build/same.debug" } do
    local data = fs.read(one .. path)
    assert(not data:find(one, 1, true), path .. " names its folder")
  end
  suite.note("%d files equal%s", count, is_given and ", the second time as user 12345" or "")
end

return {
  ["a Lua project gives the same files in another place, time and user"] = function() compare(FILES) end,
  ["a C project does, too"] = function() compare(C_FILES) end,
}
