-- SPDX-License-Identifier: MIT
-- test.lua: runs test files: `require "lunik.test"`.
--
-- A test file returns a table of functions. Each key is a sentence that can be
-- false; the function raises if it is.

local test = {}

local function describe(err)
  if type(err) == "string" then
    return err
  end
  local ok, text = pcall(tostring, err)
  return ok and text or "an error of type " .. type(err)
end

local function handler(err)
  return debug.traceback(describe(err), 2)
end

local function sorted(tests)
  local names = {}
  for name in pairs(tests) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- The values differ: raises an error that shows both.
function test.equal(found, wanted, what)
  if found ~= wanted and not (found ~= found and wanted ~= wanted) then
    error(("%sfound %s, wanted %s"):format(what and what .. ": " or "",
      test.show(found), test.show(wanted)), 2)
  end
end

--- Raises unless fn(...) raises an error whose text has `pattern` in it.
function test.raises(pattern, fn, ...)
  local ok, err = pcall(fn, ...)
  if ok then
    error("no error, wanted one with " .. test.show(pattern), 2)
  end
  if not describe(err):find(pattern) then
    error(("error %s, wanted one with %s"):format(test.show(describe(err)),
      test.show(pattern)), 2)
  end
  return err
end

function test.show(value)
  if type(value) == "string" then
    return (("%q"):format(value):gsub("\\\n", "\\n"))
  end
  return tostring(value)
end

local Skip = {}

--- Ends the running test as skipped, and says why.
function test.skip(reason)
  error(setmetatable({ reason = tostring(reason) }, Skip), 0)
end

local function keep_skip(err)
  return getmetatable(err) == Skip and err or handler(err)
end

--- Runs one file's tests whose sentence holds `only` (nil: all); prints a line
--- for each. Returns how many passed, failed, and were skipped.
function test.run(name, tests, out, only)
  out = out or print
  local passed, failed, skipped = 0, 0, 0
  if type(tests) ~= "table" then
    out(("FAIL  %s: the file must return a table of functions"):format(name))
    return 0, 1, 0
  end
  for _, sentence in ipairs(sorted(tests)) do
    local wanted = only == nil or tostring(sentence):find(only, 1, true)
    local ok, err = true, nil
    if wanted then
      ok, err = xpcall(tests[sentence], keep_skip)
    end
    if not wanted then
      skipped = skipped + 1
    elseif ok then
      passed = passed + 1
      out(("ok    %s: %s"):format(name, sentence))
    elseif getmetatable(err) == Skip then
      skipped = skipped + 1
      out(("skip  %s: %s (%s)"):format(name, sentence, err.reason))
    else
      failed = failed + 1
      out(("FAIL  %s: %s\n      %s"):format(name, sentence,
        (err:gsub("\n", "\n      "))))
    end
  end
  return passed, failed, skipped
end

--- Loads and runs the files at `paths`, as test.run() does. Prints `N passed, N
--- failed, N skipped` and returns whether none failed.
function test.run_files(paths, out, only)
  out = out or print
  local passed, failed, skipped = 0, 0, 0
  for _, path in ipairs(paths) do
    local name = path:gsub("^.*/", ""):gsub("%.lua$", "")
    local ok, result = xpcall(function()
      return assert(loadfile(path))()
    end, handler)
    if ok then
      local p, f, s = test.run(name, result, out, only)
      passed, failed, skipped = passed + p, failed + f, skipped + s
    else
      failed = failed + 1
      out(("FAIL  %s: the file does not load\n      %s"):format(name,
        (result:gsub("\n", "\n      "))))
    end
  end
  out(("%d passed, %d failed, %d skipped"):format(passed, failed, skipped))
  return failed == 0
end

return test
