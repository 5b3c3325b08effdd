-- SPDX-License-Identifier: MIT
-- bench.lua: `lunik bench`: drives HTTP load, and says what it was answered.

local fail = require "util.fail"
local fcntl = require "posix.fcntl"
local figures = require "run.figures"
local fs = require "util.fs"
local host = require "lunik.host"
local json = require "util.json"
local net = require "run.net"
local poll = require "posix.poll"
local process = require "util.process"
local qemu = require "run.qemu"
local relay = require "run.relay"
local run = require "cli.run"
local sdk = require "util.sdk"
local signal = require "posix.signal"
local status = require "run.status"
local socket = require "posix.sys.socket"
local text = require "util.text"
local unistd = require "posix.unistd"

local command = {
  json = true,
  summary = "Drive HTTP load against a URL, or a project's image.",
  help = [[
   lunik bench http://127.0.0.1:8080/          what is there
   lunik bench -c 64 -d 10 shop                builds shop, boots it, loads it
   lunik bench --close shop                    each request on a new connection
A project is booted in QEMU, its port (--port) forwarded; --host runs it as a
process, --tap and --ip put it on a tap. When QEMU emulates the processor, a
second boot counts the guest's instructions for each request.]],
}

local READY_SECONDS = 30
local PLUGIN = sdk.prefix .. "/lib/lunik/host/insncount.so"
-- Requests whose instructions are counted, and those before, which warm up.
local COUNTED, WARM = { keep = 1000, close = 200 }, 50

function command.define(parser)
  parser:argument("target", "A URL, a project's folder (this one), or a sealed image."):args "?"
  parser:option("-c --connections", "Connections at the same time."):argname "COUNT":default "16"
  parser:option("-d --duration", "Seconds to go on for."):argname "SECONDS":default "5"
  parser:option("-n --requests", "End after so many requests."):argname "COUNT"
  parser:flag("--close", "A new connection for each request.")
  parser:option("--path", "What to ask a project for."):argname "PATH":default "/"
  parser:option("--port", "The port that a project listens on."):argname "PORT":default "8080"
  parser:option("--request-timeout", "Seconds after which an answer counts as lost."):argname "SECONDS"
    :default "10"
  parser:flag("--no-count", "Do not count instructions.")
  run.define_machine(parser)
  net.define(parser)
end

-- ---- The command line ----

local function number_of(option, value, least, most)
  local number = tonumber(value)
  if not number or number ~= number or number < least or number > most then
    fail(fail.USAGE, "%s %s: it must be a number from %s to %s", option, value, least, most)
  end
  return number
end

local function whole(option, value, least, most)
  local number = math.tointeger(number_of(option, value, least, most))
  if not number then fail(fail.USAGE, "%s %s: it must be a whole number", option, value) end
  return number
end

-- http://HOST[:PORT][/PATH] → its parts, or nil when it is no URL at all.
local function parse_url(url)
  local scheme, rest = url:match "^(%a[%w+.-]*)://(.*)$"
  if not scheme then return nil end
  if scheme:lower() ~= "http" then
    fail(fail.USAGE, "%s: only http:// can be loaded", url)
  end
  local authority, path = rest:match "^([^/?#]*)([^#]*)"
  if not path:find "^/" then path = "/" .. path end
  local name, port = authority:match "^%[([%x:.]+)%]:?(%d*)$"
  if not name then name, port = authority:match "^([^:@%[%]%s]+):?(%d*)$" end
  if not name or authority:find ":$" then fail(fail.USAGE, "%s: that is no http:// address", url) end
  if path:find "[%c%s]" then fail(fail.USAGE, "%s: a URL has no spaces", url) end
  return {
    name = name, path = path, host = authority,
    port = port ~= "" and whole(url .. ": port", port, 1, 65535) or 80,
  }
end

-- The first address of (name) as text.
local function address_of(name, port)
  local list, why = socket.getaddrinfo(name, tostring(port),
    { family = socket.AF_UNSPEC, socktype = socket.SOCK_STREAM })
  if not list or not list[1] then
    fail(fail.UNAVAILABLE, "%s: no address is known (%s)", name, why or "none")
  end
  return list[1].addr
end

-- What host.load() wants, but for how much.
local function request_of(args, target)
  return {
    address = target.address, port = target.port, is_fresh = args.close or false,
    request = ("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: lunik-bench\r\n%s\r\n"):format(target.path,
      target.host, args.close and "Connection: close\r\n" or ""),
    timeout_ms = math.ceil(1000 * number_of("--request-timeout", args.request_timeout, 0.001, 3600)),
  }
end

local function load(base, how)
  local options = {}
  for _, part in ipairs { base, how } do
    for key, value in pairs(part) do options[key] = value end
  end
  return host.load(options)
end

-- ---- A project or image of our own ----

-- A port of this machine that is free now.
local function free_port()
  local fd = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
  if not fd or not socket.bind(fd, { family = socket.AF_INET, addr = "127.0.0.1", port = 0 }) then
    fail(fail.UNAVAILABLE, "no port of this machine is free")
  end
  local name = socket.getsockname(fd)
  unistd.close(fd)
  return name.port
end

-- Runs (words) with its output in (log). Gives its process id.
local function start_quietly(words, log)
  local null = fcntl.open("/dev/null", fcntl.O_RDONLY)
  local out = fcntl.open(log, fcntl.O_WRONLY | fcntl.O_CREAT | fcntl.O_TRUNC, 384)
  if not out then fail(fail.CANNOT_WRITE, "cannot write %s", log) end
  local pid = process.start(words, { [0] = null, [1] = out, [2] = out },
    function() unistd.setpid "s" end)
  unistd.close(null)
  unistd.close(out)
  return pid
end

-- True once somebody asked for the end.
local interrupted

-- Waits for the first answer; ends with what the program said if there is none.
local function wait_ready(pid, base, log)
  local deadline = process.now() + READY_SECONDS
  repeat
    local result = load(base, { connections = 1, requests = 1, duration_ms = 500 })
    if result.requests > 0 then return end
    if interrupted() then fail(status.STOPPED, "interrupted") end
    local said = fs.try_read(log) or ""
    if process.try_wait(pid) then
      fail(fail.UNAVAILABLE, "the program ended before it answered; it said:\n%s", said)
    end
    poll.poll({}, 20)
  until process.now() > deadline
  fail(fail.UNAVAILABLE, "port %d was not answered on for %d s; the program said:\n%s", base.port,
    READY_SECONDS, fs.try_read(log) or "")
end

-- Runs (body)(pid) beside (words); ends them in any case.
local function beside(words, base, body)
  local folder, remove = fs.temporary_folder()
  local log = folder .. "/log"
  local pid = start_quietly(words, log)
  local ok, result = pcall(function()
    wait_ready(pid, base, log)
    return body(pid, folder)
  end)
  process.kill(pid, signal.SIGKILL)
  process.wait(pid)
  remove()
  if not ok then error(result, 0) end
  return result
end

local function has_plugins(path)
  return (process.run { path, "--help" }):find("\n-plugin ", 1, true) ~= nil
end

-- The counter's last figure in (path), once there are (count) of them.
local function read_count(path, count)
  local deadline = process.now() + 10
  repeat
    local figures_seen = {}
    for figure in (fs.try_read(path) or ""):gmatch "signal (%d+)\n" do
      figures_seen[#figures_seen + 1] = math.tointeger(figure)
    end
    if #figures_seen >= count then return figures_seen[count] end
    poll.poll({}, 5)
  until process.now() > deadline
  fail(fail.UNAVAILABLE, "QEMU's plugin did not answer")
end

-- Boots it once more, with every instruction counted. Gives how many there are
-- for a request, and in an idle second.
local function count_instructions(args, machine, base)
  local out_folder, remove = fs.temporary_folder()
  local out = out_folder .. "/count"
  machine.extra = { "-plugin", ("%s,out=%s"):format(PLUGIN, out) }
  local words = qemu.words(machine)
  local requests = args.close and COUNTED.close or COUNTED.keep
  local ok, result = pcall(beside, words, base, function(pid)
    local function look(count)
      process.kill(pid, signal.SIGUSR2)
      return read_count(out, count)
    end
    local function ask(count)
      return load(base, { connections = 1, requests = count, duration_ms = 120000 })
    end
    ask(WARM)
    local before = look(1)
    local done = ask(requests).requests
    local after = look(2)
    -- First the end of the connection, and what follows from it.
    poll.poll({}, 1000)
    local idle = look(3)
    poll.poll({}, 1000)
    return { per_request = (after - before) // math.max(1, done), idle_second = look(4) - idle }
  end)
  remove()
  if not ok then error(result, 0) end
  return result
end

-- Why instructions cannot be counted here, or nil.
local function no_count(args, machine)
  if args.no_count then return "--no-count" end
  if machine.accel ~= "tcg" then return "the processor is not emulated: --accel tcg does" end
  if not fs.is_file(PLUGIN) then return "the SDK has no plugin for it" end
  if not has_plugins(machine.command) then return "this QEMU is built without plugins" end
end

local function image_of(target, is_host)
  if fs.is_file(target) then return target end
  local build = require "image.build"
  local built = is_host and build.seal(require("project.load").project(target)) or build.folder(target)
  return built.image, built.project
end

-- Where the image is to be asked, and how it is run. Forwards a port unless it
-- is on a tap.
local function target_of_image(args)
  local port = whole("--port", args.port, 1, 65535)
  if args.host then return { address = "127.0.0.1", port = port } end
  if args.tap then
    local address = args.ip and args.ip:match "^%d+%.%d+%.%d+%.%d+"
    if not address then
      fail(fail.USAGE, "--tap %s: say with --ip which address the image gets there", args.tap)
    end
    net.check_tap(args.tap)
    return { address = address, port = port }
  end
  if #args.publish > 0 then
    fail(fail.USAGE, "bench forwards a port by itself: --port says which one the program listens on")
  end
  local here = free_port()
  args.publish = { ("%d:%d"):format(here, port) }
  return { address = "127.0.0.1", port = here }
end

local function bench_image(args, how)
  local folder = args.target or "."
  if not args.path:find "^/" or args.path:find "[%c%s]" then
    fail(fail.USAGE, "--path %s: it must begin with / and have no spaces", args.path)
  end
  net.parse(args)
  local target = target_of_image(args)
  target.path, target.host = args.path, ("%s:%d"):format(target.address, target.port)
  local base = request_of(args, target)
  args.project, args.qemu = folder, {}
  local image, project = image_of(folder, args.host)
  local function measure() return load(base, how) end
  if args.host then
    return beside(run.host_words(args, image, args.rest), base, measure)
  end
  local machine = run.machine(args, image, project, args.rest, net.parse_forwards(args.publish))
  machine.console = "stdio,signal=off"
  local result = beside(qemu.words(machine), base, measure)
  local why = no_count(args, machine)
  if why then
    result.not_counted = why
  elseif result.requests > 0 and result.ended ~= "interrupted" then
    result.instructions = count_instructions(args, machine, base)
  end
  return result
end

local function bench(args)
  local how = {
    connections = whole("-c", args.connections, 1, 65536),
    duration_ms = math.ceil(1000 * number_of("-d", args.duration, 0.001, 86400)),
    requests = args.requests and whole("-n", args.requests, 1, 1 << 40) or 0,
  }
  if args.requests then how.duration_ms = 86400000 end
  local url = args.target and parse_url(args.target)
  local result
  if url then
    url.address = address_of(url.name, url.port)
    result = load(request_of(args, url), how)
  else
    result = bench_image(args, how)
  end
  if args.json then
    print(json.encode(figures.table(result), "  "))
  else
    print(figures.report(result))
    if result.instructions then
      print(("instructions: %s for a request, %s in an idle second"):format(
        text.digits(result.instructions.per_request), text.digits(result.instructions.idle_second)))
    elseif result.not_counted and not args.no_count then
      print("instructions were not counted: " .. result.not_counted)
    end
  end
  if result.ended == "interrupted" then return status.STOPPED end
  return result.requests > 0 and figures.errors(result) == 0 and 0 or 1
end

-- A machine that was started must end with us, whatever ends us.
function command.run(args)
  return relay.with_signals(function(stops)
    interrupted = function() return stops.count > 0 end
    return bench(args)
  end)
end

return command
