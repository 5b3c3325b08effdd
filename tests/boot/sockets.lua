-- SPDX-License-Identifier: MIT
-- sockets.lua: BSD sockets inside an image, and the image in C that echoes.

local build = require "image.build"
local elf = require "image.elf"
local fs = require "util.fs"
local load = require "project.load"
local machine = require "machine"
local suite = require "suite"

local function project(path)
  return build.project(load.project(suite.root .. path), { out = suite.folder() })
end

local function functions(image)
  local names = {}
  for _, item in ipairs(elf.symbols(assert(elf.parse(fs.read(image.debug)))).functions) do
    names[item.name] = true
  end
  return names
end

return {
  ["the C library's sockets do what programs expect, inside an image"] = function()
    local image = project "/tests/boot/sockets"
    local result = machine.expect(image, { timeout = 120, memory = "64M" })
    suite.note("%s", result.output:match "([^\n]+)\n*$" or "")
  end,
  ["ten thousand sockets fit into a small image"] = function()
    local image = project "/tests/boot/sockets"
    local result = machine.expect(image, { timeout = 120, memory = "128M", arguments = { "many" } })
    suite.note("%s", result.output:match "([^\n]+)\n*$" or "")
  end,
  ["an image without sockets has nothing of them"] = function()
    local image = machine.image 'print(io.open("/nothing"))'
    for name in pairs(functions(image)) do
      assert(not name:find "^tcp_" and not name:find "^lunik_socket" and not name:find "^lunik_lwip"
        and not name:find "^netif", name)
    end
  end,
  ["an image that only polls has no network"] = function()
    local image = machine.image {
      ["lunik.lua"] = 'return { name = "poller", c = { sources = { "main.c" } } }',
      ["main.c"] = '#include <lunik/sys.h>\n#include <poll.h>\nint lunik_main(int argc, char **argv)\n'
        .. '{\n    struct pollfd one = { .fd = 0, .events = POLLIN };\n    (void)argc;\n    (void)argv;\n'
        .. '    return poll(&one, 1, 0) == 1 ? 0 : 1;\n}\n',
    }
    machine.expect(image)
    for name in pairs(functions(image)) do
      assert(not name:find "^tcp_" and not name:find "^lunik_socket_", name)
    end
  end,
}
