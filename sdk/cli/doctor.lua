-- SPDX-License-Identifier: MIT
-- doctor.lua: `lunik doctor`: what this machine has, and what it lacks.

local fs = require "util.fs"
local json = require "util.json"
local net = require "run.net"
local probe = require "run.probe"
local process = require "util.process"
local sdk = require "util.sdk"
local text = require "util.text"
local unistd = require "posix.unistd"

local command = { json = true, summary = "Check this machine for what the SDK needs." }

function command.define() end

-- Commands, what for, and Debian's package.
local tools = {
  { "ld", "links images", "binutils", true },
  { "qemu-system-x86_64", "runs images", "qemu-system-x86", true },
  { "cc", "compiles C images", "gcc", false },
  { "xl", "runs images on Xen", "xen-utils-4.17", false },
}

local function check_tools(results)
  local missing = {}
  for _, tool in ipairs(tools) do
    local name, purpose, package, is_needed = table.unpack(tool)
    local path = fs.find_command(name)
    local detail = path
    if path and name:match "^qemu" then
      detail = process.run({ path, "--version" }):match "version ([%d.]+)" or "?"
    end
    results[#results + 1] = {
      name = name, ok = path ~= nil, needed = is_needed,
      detail = detail or ("not installed; it %s (package %s)"):format(purpose, package),
    }
    if not path and is_needed then missing[#missing + 1] = package end
  end
  return missing
end

local function check_sdk(results)
  local script = sdk.target .. "/image.lds"
  results[#results + 1] = {
    name = "SDK", ok = fs.is_file(script), needed = true,
    detail = ("version %s in %s, %s"):format(sdk.version, sdk.prefix,
      text.plural(#text.sorted_keys(sdk.modules), "C module")),
  }
  results[#results + 1] = {
    name = "host runner", ok = fs.is_file(sdk.host_runner), needed = false,
    detail = fs.is_file(sdk.host_runner) and "for run --host" or "not built",
  }
end

-- What `lunik run -p` and --tap, and `lunik bench`, find here.
local function check_network(results, qemu)
  local function add(name, ok, detail)
    results[#results + 1] = { name = name, ok = ok, needed = false, detail = detail }
  end
  local backends = process.run { qemu, "-netdev", "help" }
  local has_user = backends:find("\nuser\n", 1, true) ~= nil
  add("run -p", has_user, has_user and "QEMU has user networking" or "this QEMU is built without user networking")
  local can_open = unistd.access(net.TUN, "rw") ~= nil
  local taps = can_open and net.usable_taps() or {}
  add("run --tap", #taps > 0, not can_open and net.TUN .. " is not there, or you may not open it"
    or #taps > 0 and table.concat(taps, ", ")
    or "no tap that you may use is up; root makes one with: ip tuntap add tap0 mode tap user NAME")
  local counts = (process.run { qemu, "--help" }):find("\n-plugin ", 1, true) ~= nil
  add("bench", counts, counts and "QEMU counts instructions" or "this QEMU is built without plugins: "
    .. "instructions are not counted")
end

function command.run(args)
  local results = {}
  local missing = check_tools(results)
  check_sdk(results)
  local qemu = fs.find_command "qemu-system-x86_64"
  if qemu then
    local works, reason = probe.kvm(qemu, true)
    results[#results + 1] = {
      name = "KVM", ok = works, needed = false,
      detail = reason .. (works and "" or "; images run, slower, with TCG"),
    }
    check_network(results, qemu)
  end
  local failed = false
  for _, result in ipairs(results) do failed = failed or (result.needed and not result.ok) end
  if args.json then
    print(json.encode({ ok = not failed, checks = results }, "  "))
    return failed and 69 or 0
  end
  for _, result in ipairs(results) do
    local mark = result.ok and "ok" or (result.needed and "missing" or "no")
    local colour = result.ok and "green" or (result.needed and "red" or "yellow")
    if not (args.quiet and result.ok) then
      print(("%-20s %s  %s"):format(result.name, text.colour(io.stdout, colour, ("%-7s"):format(mark)),
        result.detail))
    end
  end
  if #missing > 0 then
    print("install what is missing with:")
    print("  apt-get install --no-install-recommends -y " .. table.concat(missing, " "))
  end
  return failed and 69 or 0
end

return command
