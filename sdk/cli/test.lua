-- SPDX-License-Identifier: MIT
-- test.lua: `lunik test`: runs a project's tests inside an image.

local build = require "image.build"
local fail = require "util.fail"
local fs = require "util.fs"
local glob = require "project.glob"
local json = require "util.json"
local load = require "project.load"
local process = require "util.process"
local qemu = require "run.qemu"
local relay = require "run.relay"
local run = require "cli.run"
local sdk = require "util.sdk"

local command = {
  json = true,
  summary = "Run a project's tests inside an image.",
  help = [[
A test file, tests/*.lua, returns a table of functions with sentences as names:
   return { ["a shop has a door"] = function() assert(shop.door) end }
A test passes unless it raises. `--host` runs them as an ordinary process.]],
}

function command.define(parser)
  parser:argument("project", "A project's folder (this one)."):args "?"
  parser:option("--only", "Run only tests whose name holds this."):argname "TEXT"
  run.define_machine(parser)
end

local MAIN = "lunik-test-main.lua"

-- The image's main script. Paths go in as Lua strings, sorted.
local function main_script(paths, only)
  local list = {}
  for _, path in ipairs(paths) do list[#list + 1] = ("%q"):format(path) end
  return ([[
local test = require "lunik.test"
os.exit(test.run_files({ %s }, nil, %s) and 0 or 1)
]]):format(table.concat(list, ", "), only and ("%q"):format(only) or "nil")
end

local function test_project(args)
  local project = load.project(args.project)
  local paths, extra = {}, {}
  for _, path in ipairs(fs.walk(project.folder, function(p) return p == "build" or p == ".git" end)) do
    if glob.matches(project.tests, path) then
      paths[#paths + 1] = path
      extra[#extra + 1] = {
        path = path, data = fs.read(fs.join(project.folder, path)), origin = "test",
      }
    end
  end
  if #paths == 0 then
    fail(fail.NO_INPUT, "%s has no tests: no file fits %s", args.project, project.tests)
  end
  if not sdk.lua "lunik/test.lua" and not sdk.modules["lunik.test"] then
    fail(fail.SOFTWARE, "the SDK in %s has no lunik.test", sdk.prefix)
  end
  extra[#extra + 1] = { path = MAIN, data = main_script(paths, args.only), origin = "SDK" }
  return build.project(project, {
    out = fs.join(project.folder, "build/test"), main = MAIN, extra = extra,
  })
end

-- Adds the words of one line to the counts: "N passed, N failed, N skipped".
local function count(output)
  local p, f, s = output:match "(%d+) passed, (%d+) failed, (%d+) skipped%s*$"
  return { passed = math.tointeger(p) or 0, failed = math.tointeger(f) or 0,
    skipped = math.tointeger(s) or 0, is_whole = p ~= nil }
end

local function show(data)
  io.stdout:write(data)
  io.stdout:flush()
end

-- Boots the image: its status and, for JSON, all that it wrote.
local function boot(args, built)
  local parts = {}
  local status, sentence = relay.run(qemu.start(run.machine(args, built.image, built.project)), {
    machine = args.machine, timeout = args.timeout or 600, stdin = false,
    output = function(data)
      parts[#parts + 1] = data
      if not args.json then show(data) end
    end,
  })
  if not status then fail(fail.UNAVAILABLE, "QEMU failed: %s", (sentence:gsub("%s+$", ""))) end
  if sentence then io.stderr:write("lunik: ", sentence, "\n") end
  return status, table.concat(parts)
end

function command.run(args)
  local built = test_project(args)
  args.qemu = {}
  if args.host and not args.json then return run.run_on_host(args, built.image, nil) end
  local status, output, why
  if args.host then
    output, status, why = process.run(run.host_words(args, built.image, nil),
      { timeout = args.timeout })
    if why == "timeout" then status = 124 end
  else
    status, output = boot(args, built)
  end
  local result = count(output)
  if status == 0 and not result.is_whole then
    io.stderr:write("lunik: the image ended before its tests did\n")
    status = 1
  end
  if args.json then
    result.status, result.output, result.is_whole = status, output, nil
    print(json.encode(result, "  "))
  end
  return status
end

return command
