-- SPDX-License-Identifier: MIT
-- guest.lua: the HTTP servers that tests load and attack: LuaSocket's and
-- lunik.http's, with the same answer.

local fs = require "util.fs"
local machine = require "machine"
local net = require "net"
local suite = require "suite"

-- Which program the tests attack that do not name one.
local server = { DEFAULT = os.getenv "LUNIK_NET_SERVER" or "hello" }

-- The path of program (name): one of ours, or the example that is measured.
function server.program(name)
  if name == "httpd" then return suite.root .. "/examples/luasocket/httpd.lua" end
  return ("%s/tests/net/programs/%s.lua"):format(suite.root, name)
end

-- The image of programs/NAME.lua.
function server.image(name)
  return machine.image {
    ["main.lua"] = fs.read(server.program(name)),
    ["lunik.lua"] = ('return { name = "%s" }'):format(name),
  }
end

-- A network with a guest that serves; both, the guest ready.
function server.start(name, options)
  local network = net.network()
  local guest = network:boot(server.image(name or server.DEFAULT), options)
  guest:wait_for("Listening", 15)
  if name ~= "bulk" then network:wait_for_http() end
  return network, guest
end

-- No error among the figures of load.
function server.no_errors(figures)
  for _, name in ipairs { "connect_errors", "read_errors", "status_errors", "timeouts" } do
    if figures[name] ~= 0 then
      error(("%d %s beside %d answers"):format(figures[name], name, figures.requests), 2)
    end
  end
end

-- Loads it for (seconds) with (connections) that stay open.
function server.load(network, connections, seconds, more)
  return network:tool("load", {
    "--host", net.GUEST, "--connections", tostring(connections), "--seconds", tostring(seconds),
    table.unpack(more or {}),
  }, { timeout = seconds + 60 })
end

-- The guest's memory figures, of programs that have /memory.
function server.memory(network)
  return net.figures((network:get "/memory"))
end

return server
