-- SPDX-License-Identifier: MIT
-- echo.lua: examples/echo answers over QEMU's user networking, and what one
-- answer costs the guest, in instructions.

local build = require "image.build"
local fs = require "util.fs"
local load = require "project.load"
local machine = require "machine"
local process = require "util.process"
local signal = require "posix.signal"
local socket = require "posix.sys.socket"
local suite = require "suite"
local text = require "util.text"
local unistd = require "posix.unistd"

local function address(port) return { family = socket.AF_INET, addr = "127.0.0.1", port = port } end

local function free_port()
  local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0))
  assert(socket.bind(fd, address(0)))
  local port = assert(socket.getsockname(fd)).port
  unistd.close(fd)
  return port
end

local function start(extra)
  local image = build.project(load.project(suite.root .. "/examples/echo"), { out = suite.folder() })
  local port = free_port()
  local words = {
    "-netdev", ("user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:%d-:7"):format(port),
    "-device", "virtio-net-pci,netdev=net0,disable-legacy=on,disable-modern=off,romfile=",
  }
  table.move(extra or {}, 1, #(extra or {}), #words + 1, words)
  local guest = machine.start(image, { extra = words, options = { "log=info", "net0.ip=10.0.2.15/24,gw=10.0.2.2" } })
  guest:wait_for("echo: listening", 20)
  return guest, port
end

-- QEMU takes a connection before the guest has one: until it answers, try again.
local function connect(port)
  local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0))
  assert(socket.setsockopt(fd, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1))
  assert(socket.connect(fd, address(port)))
  return fd
end

local function receive(fd, size)
  local parts, got = {}, 0
  while got < size do
    local data = process.read(fd, 10)
    assert(data and data ~= "", "the image did not answer")
    parts[#parts + 1] = data
    got = got + #data
  end
  return table.concat(parts)
end

local function ask(fd, data)
  process.write_all(fd, data)
  suite.equal(receive(fd, #data), data)
end

return {
  ["what is said to the echo example comes back"] = function()
    local _, port = start()
    local first, second = connect(port), connect(port)
    ask(first, "hello")
    ask(second, ("0123456789"):rep(3000))
    ask(first, "\0\r\n")
    -- The end of one connection ends its answer, and no other's.
    assert(socket.shutdown(first, socket.SHUT_WR))
    suite.equal(process.read(first, 10), "")
    ask(second, "still there")
    unistd.close(first)
    unistd.close(second)
  end,
  ["an answer of the echo example costs few instructions"] = function()
    local source = suite.root .. "/tests/bench/insncount.c"
    if not fs.is_file(source) then suite.skip "the plugin is not there" end
    local plugin, out = suite.folder() .. "/insncount.so", suite.folder() .. "/count"
    local said, status = process.run { "cc", "-O2", "-shared", "-fPIC", "-o", plugin, source }
    suite.equal(status, 0, said)
    local guest, port = start { "-plugin", ("%s,out=%s"):format(plugin, out) }
    local function now()
      local _, before = (fs.try_read(out) or ""):gsub("signal", "")
      signal.kill(guest.qemu.pid, signal.SIGUSR2)
      for _ = 1, 200 do
        local counts = {}
        for count in (fs.try_read(out) or ""):gmatch "signal (%d+)\n" do
          counts[#counts + 1] = math.tointeger(count)
        end
        if #counts > before then return counts[#counts] end
        process.run { "sleep", "0.01" }
      end
      error "the plugin did not answer"
    end
    local fd = connect(port)
    for _ = 1, 20 do ask(fd, ("x"):rep(64)) end
    local before = now()
    for _ = 1, 1000 do ask(fd, ("x"):rep(64)) end
    local middle = now()
    for _ = 1, 100 do
      local fresh = connect(port)
      ask(fresh, ("x"):rep(64))
      unistd.close(fresh)
    end
    local each, fresh = (middle - before) // 1000, (now() - middle) // 100
    suite.note("%s an answer, %s with a fresh connection", text.digits(each), text.digits(fresh))
    assert(each <= 8000, each)
    assert(fresh <= 32000, fresh)
  end,
}
