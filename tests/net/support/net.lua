-- SPDX-License-Identifier: MIT
-- net.lua: a network of a test's own: a namespace with a tap for the guest,
-- programs that run in it, and images whose card is on that tap.
--
--       the namespace lunik-PID-N
--   +--------------------------------------+
--   |  peers: dnsmasq, curl, wrk, tools…   |
--   |              tap0 10.77.0.1/24       |
--   |                |  fd77::1/64         |
--   |              QEMU = the guest        |
--   |                   10.77.0.2/24       |
--   +--------------------------------------+
--
-- Nothing leaves it: it has no way out. All that it runs dies with the runner,
-- and what an earlier runner left behind goes when the next one begins.

local fcntl = require "posix.fcntl"
local fs = require "util.fs"
local machine = require "machine"
local process = require "util.process"
local qemu = require "run.qemu"
local signal = require "posix.signal"
local suite = require "suite"
local unistd = require "posix.unistd"

local net = {
  HOST = "10.77.0.1", GUEST = "10.77.0.2", NOBODY = "10.77.0.66", DNS = "10.77.0.53",
  HOST6 = "fd77::1", GUEST6 = "fd77::2", PREFIX6 = "fd77::/64",
  GUEST_MAC = "52:54:00:77:00:02",
  PORT = 8080,
}
-- What an image with a fixed address is told, as Linux's form has it.
net.STATIC = ("ip=%s::%s:255.255.255.0:::off:%s"):format(net.GUEST, net.HOST, net.HOST)

-- ---- What a machine must have ----

local PACKAGES = {
  ip = "iproute2", setpriv = "util-linux", curl = "curl", wrk = "wrk", h2load = "nghttp2-client",
  dnsmasq = "dnsmasq-base", radvd = "radvd", slowhttptest = "slowhttptest",
}

local function is_there(command)
  return fs.find_command(command) or fs.find_command("/usr/sbin/" .. command)
    or fs.find_command("/sbin/" .. command)
end

-- Skips the test when this machine cannot do it: without root, without taps, or
-- without one of the commands.
function net.need(...)
  if unistd.geteuid() ~= 0 then suite.skip "network namespaces need root" end
  if not fs.kind "/dev/net/tun" then suite.skip "there is no /dev/net/tun" end
  for _, command in ipairs { "ip", "setpriv", ... } do
    if not is_there(command) then
      suite.skip(("needs %s, of Debian's package %s"):format(command, PACKAGES[command] or command))
    end
  end
end

-- ---- Names of this runner's own, and leavings of earlier ones ----

local count = 0
local is_clean = false

local function words_of(text)
  local list = {}
  for word in text:gmatch "%S+" do list[#list + 1] = word end
  return list
end

local function kill_all(name)
  local pids = process.run { "ip", "netns", "pids", name }
  for _, pid in ipairs(words_of(pids)) do
    if pid:match "^%d+$" then signal.kill(tonumber(pid), signal.SIGKILL) end
  end
end

local function remove_namespace(name)
  kill_all(name)
  process.run { "ip", "netns", "del", name }
end

local function remove_leavings()
  if is_clean then return end
  is_clean = true
  for name, pid in process.run({ "ip", "netns", "list" }):gmatch "(lunik%-(%d+)%-%d+)" do
    if not fs.is_folder("/proc/" .. pid) then remove_namespace(name) end
  end
end

-- ---- The namespace ----

local Network = {}
Network.__index = Network

local function must(words)
  local said, status = process.run(words, { timeout = 20 })
  if status ~= 0 then error(("%s: %s"):format(table.concat(words, " "), said), 3) end
  return said
end

local function new_namespace()
  count = count + 1
  local self = setmetatable({ name = ("lunik-%d-%d"):format(unistd.getpid(), count), children = {} }, Network)
  must { "ip", "netns", "add", self.name }
  suite.at_end(function() self:remove() end)
  self:sh "ip link set lo up"
  return self
end

-- Makes a namespace with the tap tap0; gone at the test's end. options:
-- address4 and address6 of the host's end (false: none), mtu, is_linux.
function net.network(options)
  net.need()
  remove_leavings()
  options = options or {}
  local self = new_namespace()
  if options.is_linux then
    self:add_linux()
  else
    -- Frames of this tap carry what the card may leave undone: checksums, and
    -- segments that are joined.
    self:sh "ip tuntap add tap0 mode tap vnet_hdr"
  end
  if options.mtu then self:sh("ip link set tap0 mtu " .. options.mtu) end
  -- Duplicate address detection of the host's end would only cost time.
  self:sh "echo 0 >/proc/sys/net/ipv6/conf/tap0/accept_dad"
  self:sh "echo 0 >/proc/sys/net/ipv6/conf/tap0/accept_ra"
  self:sh "echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range"
  self:sh "ip link set tap0 txqueuelen 10000 up"
  if options.address4 ~= false then
    self:sh(("ip addr add %s/24 dev tap0"):format(options.address4 or net.HOST))
  end
  if options.address6 ~= false then
    self:sh(("ip addr add %s/64 dev tap0 nodad"):format(options.address6 or net.HOST6))
  end
  return self
end

-- In the guest's place, a second namespace, .guest, with Linux's own stack: the
-- tools are tried on that.
function Network:add_linux()
  self.guest = new_namespace()
  self:sh(("ip link add tap0 type veth peer name eth0 address %s netns %s"):format(net.GUEST_MAC,
    self.guest.name))
  self.guest:sh(("ip addr add %s/24 dev eth0"):format(net.GUEST))
  self.guest:sh(("ip addr add %s/64 dev eth0 nodad"):format(net.GUEST6))
  self.guest:sh "ip link set eth0 up"
  self.guest:sh("ip route add default via " .. net.HOST)
end

-- (words) as they run in the namespace, dying with us.
function Network:inside(words)
  return table.move(words, 1, #words, 8, { "ip", "netns", "exec", self.name, "setpriv", "--pdeathsig",
    "KILL" })
end

-- Runs (words) in it to their end: output, status, why.
function Network:run(words, options) return process.run(self:inside(words), options) end

-- As run; a status that is not 0 fails the test.
function Network:must(words, options)
  local said, status = self:run(words, options)
  if status ~= 0 then
    error(("%s ended with %d: %s"):format(table.concat(words, " "), status, said), 2)
  end
  return said
end

-- A line of shell, as must.
function Network:sh(line) return self:must({ "sh", "-c", line }, { timeout = 60 }) end

-- Ends all that runs in it.
function Network:kill_all() kill_all(self.name) end

function Network:remove()
  for _, child in ipairs(self.children) do child:stop() end
  remove_namespace(self.name)
end

-- ---- Programs that run beside the test ----

local Child = {}
Child.__index = Child

-- Starts (words) in it; ended at the test's end at the latest.
function Network:start(words)
  local folder = suite.folder()
  local child = setmetatable({ words = words, path = folder .. "/said", is_open = true }, Child)
  local out = fcntl.open(child.path, fcntl.O_WRONLY | fcntl.O_CREAT | fcntl.O_APPEND, 384)
  local null = fcntl.open("/dev/null", fcntl.O_RDONLY)
  child.pid = process.start(self:inside(words), { [0] = null, [1] = out, [2] = out })
  unistd.close(out)
  unistd.close(null)
  self.children[#self.children + 1] = child
  return child
end

function Child:said() return fs.read(self.path) end

-- Waits until it said (pattern): what it captured.
function Child:wait_for(pattern, seconds)
  local deadline = process.now() + (seconds or 10)
  while true do
    local text = self:said()
    if text:find(pattern) then return text:match(pattern) end
    if not self:is_running() then break end
    if process.now() > deadline then break end
    process.run { "sleep", "0.05" }
  end
  error(("%s never said %q; it said:\n%s"):format(self.words[1], pattern, self:said()), 2)
end

function Child:is_running()
  if not self.is_open then return false end
  local how, status = process.try_wait(self.pid)
  if how then
    self.is_open = false
    self.status = how == "killed" and 128 + status or status
  end
  return self.is_open
end

-- Ends it, politely if (number) says so.
function Child:stop(number)
  if not self:is_running() then return self.status end
  process.kill(self.pid, number or signal.SIGKILL)
  local how, status = process.wait(self.pid)
  self.is_open = false
  self.status = how == "killed" and 128 + status or status
  return self.status
end

-- Waits for its end: what it said, and its status.
function Child:finish(seconds)
  local deadline = process.now() + (seconds or 60)
  while self:is_running() do
    if process.now() > deadline then
      self:stop()
      error(("%s did not end; it said:\n%s"):format(self.words[1], self:said()), 2)
    end
    process.run { "sleep", "0.05" }
  end
  return self:said(), self.status
end

-- ---- The tools in C ----

local tools_folder

-- The path of a tool of tests/net/tools, which are built when first asked for.
function net.tool(name)
  if not tools_folder then
    local source, folder = suite.root .. "/tests/net/tools", suite.root .. "/build/net-tools"
    must { "cmake", "-S", source, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release" }
    must { "cmake", "--build", folder }
    tools_folder = folder
  end
  return tools_folder .. "/" .. name
end

-- The figures in what a tool said: lines of "name value".
function net.figures(said)
  local values = {}
  for name, value in said:gmatch "([%w_.]+) (%-?[%d.]+)\n" do values[name] = tonumber(value) end
  return values
end

-- Runs tool (name) in it: its figures, and all that it said.
function Network:tool(name, words, options)
  local said = self:must({ net.tool(name), table.unpack(words or {}) }, options)
  return net.figures(said), said
end

function Network:start_tool(name, words)
  return self:start { net.tool(name), table.unpack(words or {}) }
end

-- ---- Images on the tap ----

-- QEMU's words for the card. card: device (by the machine), extra words of the
-- device, backend false for no card.
local function card_words(card, is_microvm)
  local device = card.device or is_microvm and "virtio-net-device" or "virtio-net-pci"
  local words = ("%s,netdev=net0,id=card0,mac=%s"):format(device, card.mac or net.GUEST_MAC)
  if device == "virtio-net-pci" then words = words .. ",disable-legacy=on,disable-modern=off" end
  if card.extra then words = words .. "," .. card.extra end
  return {
    "-netdev", ("tap,id=net0,ifname=%s,script=no,downscript=no,vhost=off"):format(card.tap or "tap0"),
    "-device", words,
  }
end

-- A file that runs QEMU in the namespace.
local function wrapper(network)
  if not network.wrapper then
    network.wrapper = suite.folder() .. "/qemu"
    local words = network:inside { qemu.find(), '"$@"' }
    fs.write(network.wrapper, "#!/bin/sh\nexec " .. table.concat(words, " ") .. "\n", 493)
  end
  return network.wrapper
end

-- Starts (image) with its card on the tap: as machine.start. options also: card
-- (false: none), launch: text in place of net.STATIC, false for nothing.
function Network:boot(image, options)
  options = options or {}
  local given = {}
  for key, value in pairs(options) do given[key] = value end
  given.command = wrapper(self)
  given.extra = table.move(options.extra or {}, 1, #(options.extra or {}), 1, {})
  if options.card ~= false then
    for _, word in ipairs(card_words(options.card or {}, (options.machine or ""):match "^microvm" ~= nil)) do
      given.extra[#given.extra + 1] = word
    end
  end
  if not given.append then
    local words = table.move(options.options or {}, 1, #(options.options or {}), 1, {})
    if options.launch ~= false then table.insert(words, 1, options.launch or net.STATIC) end
    given.options = words
  end
  return machine.start(image, given)
end

-- ---- Questions over HTTP ----

-- GETs (path) from (host) by curl: the body and the status, or nil and why.
function Network:get(path, options)
  options = options or {}
  local said, status = self:run({
    "curl", "-sS", "-g", "--noproxy", "*", "-m", tostring(options.timeout or 5), "-w", "\n%{http_code}",
    ("http://%s:%d%s"):format(options.host or net.GUEST, options.port or net.PORT, path or "/"),
  }, { timeout = (options.timeout or 5) + 5 })
  if status ~= 0 then return nil, said end
  local body, code = said:match "^(.*)\n(%d+)$"
  return body, tonumber(code)
end

-- Asks until it answers; the seconds that took.
function Network:wait_for_http(options)
  options = options or {}
  local began = process.now()
  local body, why
  repeat
    body, why = self:get(options.path, { host = options.host, port = options.port, timeout = 1 })
    if body then return process.now() - began end
    process.run { "sleep", "0.1" }
  until process.now() - began > (options.seconds or 10)
  error(("no answer in %d s: %s"):format(options.seconds or 10, why), 2)
end

return net
