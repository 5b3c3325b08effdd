-- SPDX-License-Identifier: MIT
-- size.lua: how large images are, what is in them, and how soon they print.

local elf = require "image.elf"
local fs = require "util.fs"
local machine = require "machine"
local process = require "util.process"
local suite = require "suite"
local text = require "util.text"


local function lua_hello() return machine.image 'print "Hello, world!"' end

local function c_hello()
  return machine.image {
    ["lunik.lua"] = 'return { name = "chello", c = { sources = { "main.c" } } }',
    ["main.c"] = '#include <lunik/console.h>\n#include <lunik/sys.h>\nint lunik_main(int argc, char **argv)\n'
      .. '{\n    (void)argc;\n    (void)argv;\n    lunik_console_write("Hello, world!\\n", 14);\n    return 0;\n}\n',
  }
end

local function names(image)
  local list = {}
  for _, item in ipairs(elf.symbols(assert(elf.parse(fs.read(image.debug)))).functions) do
    list[item.name] = item.address
  end
  return list
end

-- Guest instructions between the first times that (from) and (to) run.
local function count_between(plugin, image, from, to)
  local out = suite.folder() .. "/count"
  machine.run(image, {
    extra = { "-plugin", ("%s,out=%s,at=0x%x,at=0x%x"):format(plugin, out, from, to) },
    timeout = 60,
  })
  local counts = {}
  for address, count in fs.read(out):gmatch "at (%w+) (%d+)" do
    counts[tonumber(address)] = tonumber(count)
  end
  assert(counts[from] and counts[to], "the image never came there:\n" .. fs.read(out))
  return counts[to] - counts[from]
end

return {
  ["a Lua hello is small enough"] = function()
    local size = lua_hello().size
    suite.note("%s bytes", text.digits(size))
    assert(size <= suite.limits.lua_hello, size)
  end,
  ["a C hello is small enough and prints"] = function()
    local image = c_hello()
    suite.holds(machine.expect(image).output, "Hello, world!\n")
    suite.note("%s bytes", text.digits(image.size))
    assert(image.size <= suite.limits.c_hello, image.size)
  end,
  ["a Lua hello needs few enough instructions to its first line"] = function()
    local source = suite.root .. "/tests/bench/insncount.c"
    if not fs.is_file(source) then suite.skip "the plugin is not there" end
    local plugin = suite.folder() .. "/insncount.so"
    local output, status = process.run { "cc", "-O2", "-shared", "-fPIC", "-o", plugin, source }
    suite.equal(status, 0, output)
    local image = lua_hello()
    local symbols = names(image)
    local count = count_between(plugin, image, symbols.arch_entry_pvh, symbols.lunik_console_write)
    suite.note("%s instructions", text.digits(count))
    assert(count <= suite.limits.first_line, count)
  end,
  ["an image has no symbol of a module that it does not use"] = function()
    for name in pairs(names(lua_hello())) do
      assert(not name:match "^luaopen_lunik" and not name:match "^lunik_module", name)
    end
    assert(names(machine.image 'require "lunik.task"').luaopen_lunik_task
      or next(names(machine.image 'require "lunik.task"')))
  end,
  ["no image can start a process or load code"] = function()
    for _, image in ipairs { lua_hello(), c_hello() } do
      local found = names(image)
      for _, name in ipairs { "execve", "fork", "vfork", "system", "popen", "dlopen" } do
        assert(not found[name], name)
      end
    end
  end,
  ["no image has a syscall instruction"] = function()
    if not fs.find_command "objdump" then suite.skip "objdump is not installed" end
    local output = process.run { "objdump", "-d", "--no-show-raw-insn", lua_hello().image }
    suite.matches(output, "Disassembly of section %.text")
    for line in output:gmatch "[^\n]+" do
      assert(not line:match "%f[%w]syscall%f[%W]" and not line:match "%f[%w]sysenter%f[%W]", line)
    end
  end,
  ["binutils read the sealed image"] = function()
    local output, status = process.run { "readelf", "-nSW", lua_hello().image }
    suite.equal(status, 0)
    suite.holds(output, ".text")
    suite.holds(output, "Xen")
    assert(not output:lower():find("warning", 1, true), output)
  end,
}
