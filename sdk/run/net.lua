-- SPDX-License-Identifier: MIT
-- net.lua: the network of an image that runs here: forwarded ports, taps, and
-- QEMU's words for both.

local fail = require "util.fail"
local fs = require "util.fs"
local socket = require "posix.sys.socket"
local errno = require "posix.errno"
local host = require "lunik.host"
local unistd = require "posix.unistd"

local net = {}

net.TUN = "/dev/net/tun"
local CLASS = "/sys/class/net/"

-- ---- Forwarded ports ----

local FORM = "-p %s: it must be [ADDRESS:]HOST:GUEST[/udp], as in 8080:80"

local function port_of(word, digits)
  local port = #digits <= 5 and tonumber(digits) or 0
  if port < 1 or port > 65535 then
    fail(fail.USAGE, "-p %s: %s is no port; ports are 1 to 65535", word, digits)
  end
  return port
end

-- "[127.0.0.1:]8080:80[/udp]" → { address, host, guest, protocol }.
function net.parse_forward(word)
  local rest, protocol = word:match "^(.-)/(%a+)$"
  rest, protocol = rest or word, protocol or "tcp"
  if protocol ~= "tcp" and protocol ~= "udp" then
    fail(fail.USAGE, "-p %s: the protocol is tcp or udp, not %s", word, protocol)
  end
  if rest:find "[%[%]]" then
    fail(fail.USAGE, "-p %s: QEMU forwards IPv4 addresses of this machine only", word)
  end
  local address, from, to = rest:match "^([^:]*):(%d+):(%d+)$"
  if not address then from, to = rest:match "^(%d+):(%d+)$" end
  if not from then fail(fail.USAGE, FORM, word) end
  address = address or "127.0.0.1"
  local count = 0
  for part in address:gmatch "[^.]+" do
    count = count + 1
    if not part:match "^%d+$" or #part > 3 or tonumber(part) > 255 then count = 99 end
  end
  if count ~= 4 or not address:match "^%d+%.%d+%.%d+%.%d+$" then
    fail(fail.USAGE, "-p %s: %s is no IPv4 address of this machine", word,
      address == "" and "an empty address" or address)
  end
  return { address = address, host = port_of(word, from), guest = port_of(word, to),
    protocol = protocol, word = word }
end

-- Parses all of (words), of which no two may want the same port here.
function net.parse_forwards(words)
  local list = {}
  for _, word in ipairs(words or {}) do
    local forward = net.parse_forward(word)
    for _, other in ipairs(list) do
      local meet = other.address == forward.address or other.address == "0.0.0.0"
        or forward.address == "0.0.0.0"
      if meet and other.host == forward.host and other.protocol == forward.protocol then
        fail(fail.USAGE, "-p %s and -p %s both want port %d of this machine", other.word, word,
          forward.host)
      end
    end
    list[#list + 1] = forward
  end
  return list
end

-- Ends with a sentence if a port of (forwards) cannot be had: before the boot,
-- because QEMU would only say that it failed.
function net.check_forwards(forwards)
  for _, forward in ipairs(forwards) do
    local is_tcp = forward.protocol == "tcp"
    local fd = socket.socket(socket.AF_INET, is_tcp and socket.SOCK_STREAM or socket.SOCK_DGRAM, 0)
    if fd then
      if is_tcp then socket.setsockopt(fd, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1) end
      local ok, why, code = socket.bind(fd,
        { family = socket.AF_INET, addr = forward.address, port = forward.host })
      if ok and is_tcp then ok, why, code = socket.listen(fd, 1) end
      unistd.close(fd)
      if not ok then
        why = code == errno.EADDRINUSE and "another program uses it"
          or code == errno.EACCES and "ports below 1024 are for root"
          or code == errno.EADDRNOTAVAIL and "this machine has no such address" or why
        fail(fail.UNAVAILABLE, "-p %s: port %d of %s cannot be had: %s", forward.word,
          forward.host, forward.address, why)
      end
    end
  end
end

-- One line for each of (forwards), for people.
function net.describe(forward)
  local at = ("%s:%d"):format(forward.address == "0.0.0.0" and "127.0.0.1" or forward.address,
    forward.host)
  return ("forwarding %s%s -> %d"):format(forward.protocol == "tcp" and "http://" or "udp ", at,
    forward.guest)
end

-- ---- Taps ----

local function number_in(path)
  return tonumber((fs.try_read(path) or ""):match "^%s*(%w+)")
end

-- What stands against the use of tap (name): a sentence, or nil.
local function trouble_of_tap(name)
  local here = CLASS .. name
  local index, state = nil, 0
  if name:match "^[^/%s,]+$" then index, state = host.interface(name) end
  if not index then
    return ("there is no network interface %s; root makes one with: ip tuntap add %s mode tap user %s")
      :format(name, name, os.getenv "USER" or "$USER")
  end
  -- In another network namespace /sys may still show the first one's.
  local is_shown = number_in(here .. "/ifindex") == index
  local flags = number_in(here .. "/tun_flags")
  if is_shown and (not flags or flags & 2 == 0) then
    return ("%s is no tap interface"):format(name)
  end
  local owner, me = number_in(here .. "/owner"), unistd.geteuid()
  if is_shown and me ~= 0 and owner ~= me then
    return ("the tap %s does not belong to you; root makes one that does with: ip tuntap add %s mode tap user %s")
      :format(name, name, os.getenv "USER" or "$USER")
  end
  if not unistd.access(net.TUN, "rw") then
    return net.TUN .. " cannot be opened by you"
  end
  if state & 1 == 0 then
    return ("the tap %s is down; root brings it up with: ip link set %s up"):format(name, name)
  end
end

-- The taps of this machine that --tap could take now.
function net.usable_taps()
  local list = {}
  for _, name in ipairs(fs.is_folder(CLASS) and fs.list(CLASS) or {}) do
    if fs.is_file(CLASS .. name .. "/tun_flags") and not trouble_of_tap(name) then
      list[#list + 1] = name
    end
  end
  return list
end

function net.check_tap(name)
  local trouble = trouble_of_tap(name)
  if trouble then fail(fail.UNAVAILABLE, "--tap %s: %s", name, trouble) end
end

-- A hardware address of our own for (name): the same at each start, and another
-- for each tap.
function net.hardware_address(name)
  local sum = host.sha256(name)
  return ("52:54:00:%02x:%02x:%02x"):format(sum:byte(1, 3))
end

-- ---- QEMU ----

-- QEMU's words for (network): { kind = "user", forwards, guest, restricted } or
-- { kind = "tap", name }.
function net.qemu_words(network, is_mmio)
  local backend
  if network.kind == "tap" then
    backend = ("tap,id=net0,ifname=%s,script=no,downscript=no"):format(network.name)
  else
    backend = "user,id=net0" .. (network.restricted and ",restrict=on" or "")
    for _, forward in ipairs(network.forwards or {}) do
      backend = backend .. (",hostfwd=%s:%s:%d-%s:%d"):format(forward.protocol, forward.address,
        forward.host, network.guest or "", forward.guest)
    end
  end
  local device = is_mmio and "virtio-net-device,netdev=net0"
    -- Its boot ROM is a file that not every QEMU has, and nobody needs.
    or "virtio-net-pci,netdev=net0,disable-legacy=on,disable-modern=off,romfile="
  if network.kind == "tap" then
    device = device .. ",mac=" .. net.hardware_address(network.name)
  end
  return { "-netdev", backend, "-device", device }
end

-- ---- What the command line asks for ----

function net.define(parser)
  parser:option("-p --publish", "Forward a port of this machine to the image."):argname "[ADDRESS:]HOST:GUEST[/udp]"
    :count "*"
  parser:option("--tap", "Connect the image to this tap interface."):argname "INTERFACE"
  parser:option("--ip", "The image's address, as the launch option ip=."):argname "SPEC"
  parser:option("--net", "open: the image may connect to anywhere; restricted: only what -p forwards; none.")
    :choices { "open", "restricted", "none" }
end

-- True if the unsealed image has networking in it.
local function has_network(sealed)
  for _, device in ipairs(sealed.manifest.devices) do
    if device:match "^net\t" then return true end
  end
  return false
end

-- The network for the image, or nil; ends with a sentence if it cannot be had.
-- (forwards) are checked already as words.
function net.choose(args, sealed, forwards)
  local wanted = #forwards > 0 and "-p " .. forwards[1].word or args.tap and "--tap " .. args.tap
    or args.ip and "--ip " .. args.ip
  -- A damaged one says itself what is wrong with it.
  local has = sealed == nil and wanted ~= nil or sealed ~= nil and has_network(sealed)
  if wanted and not has then
    fail(fail.USAGE, "%s: the image has no networking: nothing in it uses the network", wanted)
  end
  if args.net == "none" or not has then return nil end
  if args.tap then return { kind = "tap", name = args.tap } end
  return {
    kind = "user", forwards = forwards, restricted = args.net == "restricted",
    guest = args.ip and args.ip:match "^%d+%.%d+%.%d+%.%d+",
  }
end

-- Refuses words that contradict each other.
function net.parse(args)
  local forwards = net.parse_forwards(args.publish)
  if args.tap and #forwards > 0 then
    fail(fail.USAGE, "-p and --tap: on a tap the image has an address of its own, "
      .. "and nothing is forwarded")
  end
  if args.net == "none" and (args.tap or args.ip or #forwards > 0) then
    fail(fail.USAGE, "--net none goes with none of -p, --tap and --ip")
  end
  if args.tap and args.net then
    fail(fail.USAGE, "--net %s is for QEMU's user networking; with --tap the interface decides",
      args.net)
  end
  return forwards
end

return net
