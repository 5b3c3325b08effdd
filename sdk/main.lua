-- SPDX-License-Identifier: MIT
-- main.lua: the `lunik` command: finds the command asked for and runs it. Gives
-- the exit status.

local argparse = require "argparse"
local fail = require "util.fail"
local posix_signal = require "posix.signal"
local version = require "version"

-- A child that ends before it has read all must not end us.
posix_signal.signal(posix_signal.SIGPIPE, posix_signal.SIG_IGN)

-- The hidden command: `lunik lua FILE ARGUMENT…` runs a Lua file with the SDK's
-- own modules. For the SDK's tests and tools.
if arg[1] == "lua" and arg[2] then
  local script = arg[2]
  local rest = table.move(arg, 3, #arg, 1, {})
  rest[0] = script
  _G.arg = rest
  local chunk, why = loadfile(script)
  if not chunk then
    io.stderr:write("lunik: ", why, "\n")
    return fail.NO_INPUT
  end
  local status = chunk(table.unpack(rest))
  return math.type(status) == "integer" and status or 0
end

-- In the order in which somebody meets them.
local names = { "new", "build", "run", "dev", "bench", "test", "inspect", "deps", "doctor", "completion" }

local function make_parser()
  local parser = argparse("lunik", "Seals Lua programs into virtual-machine images.")
    :epilog [[
Start here:
   lunik new shop && cd shop     makes a project: main.lua, lunik.lua, a test
   lunik run                     builds it and boots it; Ctrl-C stops it
   lunik test                    runs tests/*.lua inside an image
   lunik inspect build/shop.elf  shows what is inside

`lunik COMMAND --help` explains one command.]]
    :help_max_width(80)
    :require_command(true)
    :command_target "command"
  parser:flag("-V --version", "Print the version."):action(function()
    print("lunik " .. version)
    os.exit(0)
  end)
  local commands = {}
  for _, name in ipairs(names) do
    local module = require("cli." .. name)
    local command = parser:command(name, module.summary):help_max_width(80)
    if module.help then command:epilog(module.help) end
    module.define(command)
    command:flag("-q --quiet", "Say nothing but errors and the program's own output.")
    command:flag("-v --verbose", "Say what is done, and how.")
    if module.json then command:flag("--json", "Print the result as JSON.") end
    commands[name] = module
  end
  return parser, commands
end

-- The words before "--", and those after it (nil: there is none).
local function split_words()
  local before, after = {}, nil
  for i = 1, #arg do
    if arg[i] == "--" then
      after = table.move(arg, i + 1, #arg, 1, {})
      break
    end
    before[#before + 1] = arg[i]
  end
  return before, after
end

local parser, commands = make_parser()
local words, rest = split_words()
if #words == 0 and not rest then
  print(parser:get_help())
  return fail.USAGE
end
local ok, args = parser:pparse(words)
if not ok then
  io.stderr:write("lunik: ", tostring(args), "\n", "lunik: `lunik --help` lists the commands\n")
  return fail.USAGE
end
args.rest = rest
args.parser = parser
args.project = args.project or "."

local done, result = xpcall(commands[args.command].run, function(value)
  if fail.is(value) then return value end
  return debug.traceback(tostring(value), 2)
end, args)
-- What was printed may not have arrived; a reader that went away, like `head`,
-- has had what it wanted.
local written, reason, code = io.stdout:flush()
if done and not written and code ~= require "posix.errno".EPIPE then
  io.stderr:write("lunik: cannot write: ", reason, "\n")
  return fail.CANNOT_WRITE
end
if done then return result or 0 end
if fail.is(result) then
  if args.json then
    print(require("util.json").encode { error = result.message, status = result.status })
  else
    io.stderr:write("lunik: ", result.message, "\n")
  end
  return result.status
end
io.stderr:write("lunik: a mistake in the SDK itself: ", result, "\n")
return fail.SOFTWARE
