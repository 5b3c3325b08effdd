-- SPDX-License-Identifier: MIT
-- run.lua: `lunik run`: builds an image and boots it.

local fail = require "util.fail"
local fs = require "util.fs"
local launch = require "image.launch"
local load = require "project.load"
local net = require "run.net"
local probe = require "run.probe"
local process = require "util.process"
local qemu = require "run.qemu"
local relay = require "run.relay"
local sdk = require "util.sdk"
local status = require "run.status"
local text = require "util.text"
local unseal = require "image.unseal"

local PT_LOAD = 1

local command = {
  summary = "Build a project and boot its image.",
  help = [[
Words after `--` are the program's arguments:
   lunik run -m 32M -e MODE=fast -- one two
   lunik run -p 8080:80           its port 80 is http://127.0.0.1:8080 here
The exit status is the program's own (0 to 15). 101: it panicked, 102: out of
memory, 103: watchdog, 104: no randomness, 105: bad seal or launch, 106: the
machine stopped without saying why, 124: --timeout, 130: stopped by force.
Ctrl-C asks the image to stop; a second one stops it at once.]],
}

-- Options that test shares.
function command.define_machine(parser)
  parser:option("-m --memory", "Memory of the machine (64M, or what lunik.lua says)."):argname "SIZE"
  parser:option("--machine", "QEMU's machine: q35, microvm or one with options."):argname "NAME"
    :default "q35"
  parser:option("--cpu", "QEMU's processor (KVM: host, else max)."):argname "NAME"
  parser:option("--smp", "Virtual processors."):argname "COUNT":default "1":convert(tonumber)
  parser:option("--accel", "kvm or tcg; without it a probe guest decides."):choices { "kvm", "tcg" }
  parser:option("-e --env", "A variable for os.getenv()."):argname "NAME=VALUE":count "*"
  parser:option("-o --option", "A launch option, like log=debug."):argname "NAME=VALUE":count "*"
  parser:option("--timeout", "Stop after so many seconds."):argname "SECONDS":convert(tonumber)
  parser:flag("--host", "Run the sealed program as an ordinary process.")
end

function command.define(parser)
  parser:argument("project", "A project's folder (this one), or a sealed image."):args "?"
  command.define_machine(parser)
  net.define(parser)
  parser:option("--qemu", "One more word for QEMU."):argname "WORD":count "*"
  parser:flag("--dry-run", "Print QEMU's command line and run nothing.")
end

local function checked_environment(args)
  for _, pair in ipairs(args.env) do
    if not pair:match "^[%a_][%w_]*=" then
      fail(fail.USAGE, "-e %s: it must be NAME=VALUE, with a name of letters, digits and _", pair)
    end
  end
  return args.env
end

-- The bytes of memory of (-m); a bare number counts in MiB, as QEMU has it.
local function memory_of(args)
  local size = text.parse_size(args.memory)
  if not size then
    fail(fail.USAGE, "-m %s: it must be a size like 64M or 1G", args.memory)
  end
  return args.memory:match "^%d+$" and size << 20 or size
end

-- Refuses a machine that (image) cannot even be loaded into, because such an
-- image could not say so itself. A damaged one is still booted: it can.
local function check_memory(sealed, size, given)
  if not sealed then return end
  local least = sealed.manifest.memory or 0
  for _, segment in ipairs(sealed.elf.segments) do
    if segment.type == PT_LOAD then least = math.max(least, segment.vaddr + segment.memsz) end
  end
  if size >= least then return end
  fail(status.BAD_LAUNCH, "the image needs at least %d MiB of memory; -m gives %s",
    (least + (1 << 20) - 1) >> 20, given)
end

-- The launch options of the command line, with those that have flags.
local function launch_options(args)
  local options = table.move(args.option, 1, #args.option, 1, {})
  if args.ip then options[#options + 1] = "ip=" .. args.ip end
  return options
end

-- The machine of the command line for (image), for run.qemu. (project) may be
-- nil: then there are only the defaults. (forwards): as net.parse() gave them.
function command.machine(args, image, project, arguments, forwards)
  local sealed = unseal.image(fs.read(image))
  local network = net.choose(args, sealed, forwards or {})
  local memory = project and project.memory and launch.mebibytes(project) .. "M" or "64M"
  if args.memory then
    local size = memory_of(args)
    check_memory(sealed, size, args.memory)
    memory = ("%dK"):format(size >> 10)
  end
  local path = args.dry_run and fs.find_command(qemu.COMMAND) or qemu.find()
  local accel = args.accel
  if not accel then
    local works, reason = probe.kvm(path or qemu.COMMAND)
    accel = works and "kvm" or "tcg"
    if args.verbose then
      io.stderr:write("lunik: runs with ", accel, ": ", reason, "\n")
    end
  end
  return {
    command = path or qemu.COMMAND, kernel = image, machine = args.machine, accel = accel,
    cpu = args.cpu, smp = args.smp, memory = memory, extra = args.qemu,
    net = network,
    append = qemu.launch_line(launch_options(args), checked_environment(args), arguments),
  }
end

-- The words that run the sealed image as a process of this machine.
function command.host_words(args, image, arguments)
  if not fs.is_file(sdk.host_runner) then
    fail(fail.UNAVAILABLE, "the SDK in %s has no host runner", sdk.prefix)
  end
  local sealed = unseal.image(fs.read(image)) -- nil: a bare seal, or a bad image
  if sealed and not sealed.manifest.main then
    fail(fail.USAGE, "%s is a C program, made for an image: --host runs Lua only", image)
  end
  local words = { sdk.host_runner, "--image", image }
  for _, option in ipairs(args.option) do words[#words + 1] = option end
  for _, pair in ipairs(checked_environment(args)) do words[#words + 1] = "env." .. pair end
  if arguments and #arguments > 0 then
    words[#words + 1] = "--"
    table.move(arguments, 1, #arguments, #words + 1, words)
  end
  return words
end

-- Runs it, with our terminal; gives the exit status.
function command.run_on_host(args, image, arguments)
  local words = command.host_words(args, image, arguments)
  local how, code = relay.process(process.start(words), args.timeout)
  if how == "timeout" then
    io.stderr:write(("lunik: the program did not end within %g s\n"):format(args.timeout))
    return status.TIMEOUT
  end
  if how == "killed" then return 128 + code end
  if code < 16 then return code end
  local ours, sentence = status.of_code(code)
  if sentence then io.stderr:write("lunik: ", sentence, "\n") end
  return ours
end

-- The image and its project (nil for a file that is given).
local function image_of(args)
  if fs.is_file(args.project) then
    local _, why = unseal.image(fs.read(args.project))
    -- A damaged one is still booted: it must say so itself.
    if why and args.verbose then io.stderr:write("lunik: ", args.project, ": ", why, "\n") end
    return args.project, nil
  end
  local build = require "image.build"
  -- A process of this machine needs no linked program.
  local built = args.host and build.seal(load.project(args.project)) or build.folder(args.project)
  if args.verbose then
    io.stderr:write(("lunik: %s, %s bytes\n"):format(built.image, text.digits(built.size)))
  end
  return built.image, built.project
end

-- On this machine there is no network between.
local function refuse_network_on_host(args)
  if args.tap or args.ip then
    fail(fail.USAGE, "--host goes with neither --tap nor --ip: the program has this machine's network")
  end
  if args.publish and #args.publish > 0 then
    io.stderr:write("lunik: with --host the program listens on this machine itself: -p does nothing\n")
  end
end

function command.run(args)
  local forwards = net.parse(args)
  if args.host then refuse_network_on_host(args) end
  local image, project = image_of(args)
  if args.host and not args.dry_run then return command.run_on_host(args, image, args.rest) end
  local machine = command.machine(args, image, project, args.rest, forwards)
  if args.dry_run then
    local words = {}
    for _, word in ipairs(qemu.words(machine)) do words[#words + 1] = text.shell_quote(word) end
    print(table.concat(words, " "))
    return 0
  end
  if args.tap then net.check_tap(args.tap) end
  net.check_forwards(forwards)
  if not args.quiet then
    for _, forward in ipairs(forwards) do io.stderr:write("lunik: ", net.describe(forward), "\n") end
  end
  local running = qemu.start(machine)
  if args.verbose then io.stderr:write("lunik: ", table.concat(running.words, " "), "\n") end
  local code, sentence = relay.run(running, {
    machine = args.machine, timeout = args.timeout,
    output = function(data)
      return io.stdout:write(data) and io.stdout:flush()
    end,
  })
  if not code then
    fail(fail.UNAVAILABLE, "QEMU failed: %s", (sentence:gsub("%s+$", "")))
  end
  if sentence then io.stderr:write("lunik: ", sentence, "\n") end
  return code
end

return command
