-- SPDX-License-Identifier: MIT
-- suite.lua: what test files of tests/run.lua use: checks, skipping, folders
-- that go away, and the `lunik` command itself.

local fail = require "util.fail"
local fs = require "util.fs"
local host = require "lunik.host"
local process = require "util.process"

local suite = { root = ".", is_quick = false, is_long = false }

-- What is promised of the SDK as released, which gcc builds; and what clang's
-- build of the same must not exceed: docs/decisions/0005-limits-are-gccs.md.
local LIMITS = {
  gcc = { c_hello = 60000, lua_hello = 360000, first_line = 400000, switch = 300 },
  clang = { c_hello = 64000, lua_hello = 360000, first_line = 400000, switch = 350 },
}

-- Says which compiler built the SDK under test.
function suite.set_compiler(name)
  suite.limits = assert(LIMITS[name], "no limits for this compiler")
end

local Skip = {}
local cleaners, finishers = {}, {}
local note

-- ---- Ends of a test ----

function suite.skip(reason) error(setmetatable({ reason = reason }, Skip), 0) end

function suite.skip_reason(value)
  return getmetatable(value) == Skip and value.reason or nil
end

function suite.handler(why)
  if getmetatable(why) == Skip then return why end
  if fail.is(why) then why = why.message end
  return debug.traceback(tostring(why), 2)
end

-- A figure to show below the test's line.
function suite.note(format, ...) note = format:format(...) end
function suite.take_note()
  local text = note
  note = nil
  return text
end

function suite.at_end(cleaner) cleaners[#cleaners + 1] = cleaner end
function suite.at_finish(cleaner) finishers[#finishers + 1] = cleaner end

local function run_all(list)
  while #list > 0 do pcall(table.remove(list)) end
end
function suite.clean() run_all(cleaners) end
function suite.finish() run_all(finishers) end

-- ---- Checks ----

function suite.equal(found, wanted, what)
  if found ~= wanted then
    error(("%sfound %q, wanted %q"):format(what and what .. ": " or "", tostring(found),
      tostring(wanted)), 2)
  end
end

-- (text) as a message can show it.
local function shown(text)
  return #text > 2000 and text:sub(1, 2000) .. "\n(and " .. #text - 2000 .. " bytes more)" or text
end

-- (text) holds (part), literally.
function suite.holds(text, part)
  if not text:find(part, 1, true) then
    error(("%q is not in:\n%s"):format(part, shown(text)), 2)
  end
end

function suite.matches(text, pattern)
  if not text:find(pattern) then error(("%q does not match:\n%s"):format(pattern, shown(text)), 2) end
end

-- (fn)(...) fails with a sentence that holds (part).
function suite.fails(part, fn, ...)
  local ok, why = pcall(fn, ...)
  if ok then error(("no failure, wanted one with %q"):format(part), 2) end
  suite.holds(tostring(why), part)
  return why
end

-- ---- Folders and commands ----

-- An empty folder, until the test's end.
function suite.folder()
  local path, remove = fs.temporary_folder()
  suite.at_end(remove)
  return path
end

-- Writes (files), path -> text, to an empty folder.
function suite.project(files)
  local folder = suite.folder()
  for path, content in pairs(files) do fs.write(folder .. "/" .. path, content) end
  return folder
end

-- Runs `lunik WORDS`; gives its output (both streams) and its status.
-- options: folder, input, timeout, environment.
function suite.lunik(words, options)
  local command = table.move(words, 1, #words, 2, { host.prefix .. "/bin/lunik" })
  local output, status, why = process.run(command, options or { timeout = 60 })
  assert(why ~= "timeout", "lunik took too long; it said:\n" .. output)
  return output, status
end

return suite
