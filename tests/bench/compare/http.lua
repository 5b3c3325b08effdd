-- SPDX-License-Identifier: MIT
-- http.lua: HTTP and TCP rates beside a Linux VM, in one sitting.
--
--   lunik lua tests/run.lua --prefix build/sdk/prefix tests/bench/compare/http.lua
--
-- All guests run at the same time under the same QEMU (TCG, q35, one processor,
-- virtio-net on a tap), each in a network of its own, and are asked in turn,
-- several rounds, so that what else the machine does meets all of them. Prints
-- tables, and draws build/compare/*.svg. Needs root, and apt for Debian's
-- kernel, Lua and nginx (tests/net/support/debian.lua). No part of CI.

local chart = dofile((arg[0]:match "^(.*)/tests/run%.lua$" or ".") .. "/tests/bench/compare/chart.lua")
local debian = require "debian"
local fs = require "util.fs"
local machine = require "machine"
local net = require "net"
local process = require "util.process"
local server = require "guest"
local suite = require "suite"

local ROUNDS, SECONDS = 3, 3
local CONNECTIONS = { 1, 16, 64, 512 }
local MEMORY = "256M"
local MIB = 1 << 20

local programs = suite.root .. "/tests/net/programs/"

-- ---- Guests ----

local function lunik_guest(name, image)
  return { name = name, start = function(network)
    return network:boot(image, { cpu = "max", memory = MEMORY })
  end }
end

-- (run) is for /init of the disk: "lua:FILE", "c:FILE" or "nginx".
local function linux_guest(name, run, disk)
  return { name = name, start = function(network)
    return network:boot(disk.kernel, {
      cpu = "max", memory = MEMORY, extra = { "-initrd", disk.disk },
      append = ("console=ttyS0 quiet lunik.ip=%s/24 lunik.run=%s"):format(net.GUEST, run),
    })
  end }
end

local function linux_disk()
  net.need "apt-get"
  local bulk = suite.folder() .. "/bulk"
  local said, status = process.run { "cc", "-O2", "-static", "-o", bulk, programs .. "bulk.c" }
  assert(status == 0, said)
  local kernel, disk = debian.disk {
    ["httpd.lua"] = server.program "httpd", ["bulk.lua"] = programs .. "bulk.lua", bulk = bulk,
  }
  return { kernel = kernel, disk = disk }
end

local function start_all(guests)
  for _, guest in ipairs(guests) do
    guest.network = net.network()
    guest.machine = guest.start(guest.network)
  end
  for _, guest in ipairs(guests) do guest.machine:wait_for("Listening", 90) end
end

-- ---- Figures ----

local function median(values)
  table.sort(values)
  local middle = #values // 2
  return #values % 2 == 1 and values[middle + 1] or (values[middle] + values[middle + 1]) / 2
end

-- The median of each guest over all rounds: rows[case][guest]. (measure)(guest,
-- case) gives one figure.
local function rounds(guests, cases, measure)
  local rows = {}
  for i, case in ipairs(cases) do
    local all = {}
    for _ = 1, ROUNDS do
      for j, guest in ipairs(guests) do
        all[j] = all[j] or {}
        table.insert(all[j], measure(guest, case))
      end
    end
    rows[i] = {}
    for j in ipairs(guests) do rows[i][j] = median(all[j]) end
  end
  return rows
end

local function table_text(title, guests, labels, rows, form)
  local lines = { title }
  local head = { ("%-24s"):format "" }
  for _, label in ipairs(labels) do head[#head + 1] = ("%12s"):format(label) end
  lines[#lines + 1] = table.concat(head)
  for j, guest in ipairs(guests) do
    local words = { ("%-24s"):format(guest.name) }
    for i in ipairs(labels) do words[#words + 1] = ("%12s"):format(form:format(rows[i][j])) end
    lines[#lines + 1] = table.concat(words)
  end
  return table.concat(lines, "\n")
end

local function show(name, title, guests, labels, rows, form)
  local names = {}
  for j, guest in ipairs(guests) do names[j] = guest.name end
  local path = ("%s/build/compare/%s.svg"):format(suite.root, name)
  fs.write(path, chart.bars { title = title, groups = labels, series = names, values = rows, form = form })
  suite.note("%s\n(drawn in build/compare/%s.svg)", table_text(title, guests, labels, rows, form), name)
end

-- ---- What is measured ----

-- Linux may time out when the machine has little time for it; Lunik may not.
local function request_rate(more)
  return function(guest, connections)
    local words = { "--patience", "20000", table.unpack(more or {}) }
    local figures = server.load(guest.network, connections, SECONDS, words)
    if guest.name:match "^Lunik" then server.no_errors(figures) end
    return figures.rate
  end
end

local function servers()
  local disk = linux_disk()
  return {
    lunik_guest("Lunik, lunik.http", server.image "hello"),
    lunik_guest("Lunik, httpd.lua", server.image "httpd"),
    linux_guest("Linux, httpd.lua", "lua:httpd.lua", disk),
    linux_guest("Linux, nginx", "nginx", disk),
  }
end

-- (ours) has to be ahead of (theirs) by (factor) in each case.
local function ahead(rows, labels, ours, theirs, factor)
  local behind = {}
  for i, label in ipairs(labels) do
    if rows[i][ours] < rows[i][theirs] * factor then
      behind[#behind + 1] = ("%s: %.0f, wanted %.1f times %.0f"):format(label, rows[i][ours], factor,
        rows[i][theirs])
    end
  end
  assert(#behind == 0, table.concat(behind, "; "))
end

local function labels_of(cases, form)
  local labels = {}
  for i, case in ipairs(cases) do labels[i] = form:format(case) end
  return labels
end

local function bulk_rates(guests)
  local cases = { "send", "receive" }
  local rows = rounds(guests, cases, function(guest, way)
    -- What the guest sends is what the tool receives.
    local word = way == "send" and "--receive" or "--send"
    local figures = guest.network:tool("bulk", { "--host", net.GUEST, word, tostring(64 * MIB) },
      { timeout = 120 })
    suite.equal(figures.bytes, 64 * MIB)
    return figures.megabytes_per_second
  end)
  return rows, labels_of(cases, "%s")
end

return {
  ["requests per second on open connections are ahead of Linux's"] = function()
    local guests = servers()
    start_all(guests)
    local rows = rounds(guests, CONNECTIONS, request_rate())
    local labels = labels_of(CONNECTIONS, "%d")
    show("requests", "Requests per second, by connections", guests, labels, rows, "%.0f")
    ahead(rows, labels, 2, 3, 1)
    ahead(rows, labels, 1, 4, 1)
  end,
  ["requests per second on fresh connections are ahead of Linux's"] = function()
    local guests = servers()
    start_all(guests)
    local cases = { 1, 16 }
    local rows = rounds(guests, cases, request_rate { "--fresh" })
    local labels = labels_of(cases, "%d clients")
    show("fresh", "Fresh connections per second", guests, labels, rows, "%.0f")
    ahead(rows, labels, 2, 3, 1)
    ahead(rows, labels, 1, 4, 1)
  end,
  ["64 MiB go 1.2 times as fast as Linux's, in Lua"] = function()
    local disk = linux_disk()
    local guests = {
      lunik_guest("Lunik, bulk.lua", server.image "bulk"), linux_guest("Linux, bulk.lua", "lua:bulk.lua", disk),
    }
    start_all(guests)
    local rows, labels = bulk_rates(guests)
    show("bulk-lua", "64 MiB over TCP in Lua, MB/s", guests, labels, rows, "%.0f")
    ahead(rows, labels, 1, 2, 1.2)
  end,
  ["64 MiB go 1.2 times as fast as Linux's, in C"] = function()
    local disk = linux_disk()
    -- An image's program is called lunik_main().
    local image = machine.image {
      ["lunik.lua"] = 'return { name = "bulk", c = { sources = { "bulk.c" } } }',
      ["bulk.c"] = (fs.read(programs .. "bulk.c"):gsub("int main%(void%)", "int lunik_main(void)")),
    }
    local guests = { lunik_guest("Lunik, bulk.c", image), linux_guest("Linux, bulk.c", "c:bulk", disk) }
    start_all(guests)
    local rows, labels = bulk_rates(guests)
    show("bulk-c", "64 MiB over TCP in C, MB/s", guests, labels, rows, "%.0f")
    ahead(rows, labels, 1, 2, 1.2)
  end,
}
