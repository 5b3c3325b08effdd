-- SPDX-License-Identifier: MIT
-- run.lua: runs the tests that are written in Lua for the SDK's own Lua:
-- tests/package (the SDK), tests/boot (images in QEMU), tests/bench (what
-- things cost), and, when named, tests/net (images on a network).
--
--   lunik lua tests/run.lua [--prefix DIR] [--quick | --long] [--only TEXT]
--                           [--compiler gcc|clang] [FILE...]
--
-- Each file returns a table of functions with sentences for names. Prints one
-- line for each, and closes with `N passed, N failed, N skipped`.

local fs = require "util.fs"
local process = require "util.process"
local sdk = require "util.sdk"

local root = arg[0]:match "^(.*)/tests/run%.lua$" or "."
package.path = ("%s;%s/tests/support/?.lua;%s/tests/net/support/?.lua"):format(package.path, root, root)

local options = { only = nil, quick = false, long = false, compiler = "gcc", files = {} }
do
  local i = 1
  while arg[i] do
    if arg[i] == "--quick" or arg[i] == "--long" then
      options[arg[i]:sub(3)] = true
    elseif arg[i] == "--only" or arg[i] == "--prefix" or arg[i] == "--compiler" then
      options[arg[i]:sub(3)] = arg[i + 1]
      i = i + 1
    elseif arg[i]:sub(1, 1) == "-" then
      io.stderr:write("run.lua: unknown argument ", arg[i], "\n")
      return 64
    else
      options.files[#options.files + 1] = arg[i]
    end
    i = i + 1
  end
end
assert(not options.prefix or fs.real(options.prefix) == fs.real(sdk.prefix),
  "run it with the lunik of that prefix")

local suite = require "suite"
suite.root, suite.is_quick, suite.is_long = fs.real(root), options.quick, options.long
suite.set_compiler(options.compiler)

local function files()
  if #options.files > 0 then return options.files end
  local list = {}
  for _, folder in ipairs { "package", "boot", "bench" } do
    for _, name in ipairs(fs.list(root .. "/tests/" .. folder)) do
      if name:match "%.lua$" then list[#list + 1] = ("%s/tests/%s/%s"):format(root, folder, name) end
    end
  end
  return list
end

local passed, failed, skipped = 0, 0, 0

local function report(mark, name, sentence, seconds, detail)
  local time = seconds >= 0.5 and (" (%.1f s)"):format(seconds) or ""
  print(("%-5s %s: %s%s"):format(mark, name, sentence, time))
  if detail then print("      " .. detail:gsub("\n", "\n      ")) end
  io.stdout:flush()
end

for _, path in ipairs(files()) do
  local name = path:match "([^/]*)%.lua$"
  local loaded, tests = pcall(dofile, path)
  if not loaded then
    failed = failed + 1
    report("FAIL", name, "the file loads", 0, tostring(tests))
    tests = {}
  end
  local sentences = {}
  for sentence in pairs(tests) do sentences[#sentences + 1] = sentence end
  table.sort(sentences)
  for _, sentence in ipairs(sentences) do
    if not options.only or sentence:find(options.only, 1, true) or name == options.only then
      local began = process.now()
      local ok, why = xpcall(tests[sentence], suite.handler)
      suite.clean()
      local seconds, seen = process.now() - began, suite.take_note()
      if ok then
        passed = passed + 1
        report("ok", name, sentence, seconds, seen)
      elseif suite.skip_reason(why) then
        skipped = skipped + 1
        report("skip", name, sentence, 0, suite.skip_reason(why))
      else
        failed = failed + 1
        report("FAIL", name, sentence, seconds, tostring(why) .. (seen and "\n" .. seen or ""))
      end
    end
  end
end
suite.finish()

print(("%d passed, %d failed, %d skipped"):format(passed, failed, skipped))
return failed == 0 and passed + skipped > 0 and 0 or 1
