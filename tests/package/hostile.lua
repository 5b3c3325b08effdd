-- SPDX-License-Identifier: MIT
-- hostile.lua: projects, images and terminals that mean harm, or that nobody
-- thought of. Whatever they hold, the command ends with a sentence.

local elf = require "image.elf"
local fs = require "util.fs"
local host = require "lunik.host"
local json = require "util.json"
local lexer = require "project.lexer"
local load = require "project.load"
local process = require "util.process"
local suite = require "suite"
local text = require "util.text"
local unistd = require "posix.unistd"
local unseal = require "image.unseal"

-- The bytes of a small image; made once.
local small
local function small_image()
  if not small then
    local folder = suite.project { ["main.lua"] = "print(1)", ["lunik.lua"] = 'return { name = "s" }' }
    local output, status = suite.lunik { "build", folder }
    assert(status == 0, output)
    small = fs.read(folder .. "/build/s.elf")
  end
  return small
end

local function sentence(output, status, wanted)
  suite.equal(status, wanted, output)
  assert(not output:find("stack traceback:", 1, true), output)
  assert(not output:find("mistake in the SDK", 1, true), output)
end

-- A shell line with `lunik` as "$LUNIK".
local function shell(line, options)
  options = options or { timeout = 60 }
  options.environment = { LUNIK = host.prefix .. "/bin/lunik" }
  local output, status, why = process.run({ "sh", "-c", line }, options)
  assert(why ~= "timeout", "it took too long: " .. line .. "\n" .. output)
  return output, status
end

return {
  ["tables that share tables are not copied without end"] = function()
    local wide = "local a = {} for i = 1, 15 do local b = {} for j = 1, 200 do b[j] = a end a = b end "
    local began = process.now()
    suite.fails("simple values", load.parse, wide .. "return { include = a }", "lunik.lua", "x")
    assert(process.now() - began < 20, "it took too long")
  end,
  ["long keys and strings make short messages, soon"] = function()
    local began = process.now()
    local grow = "local s = 'x' for i = 1, 20 do s = s .. s end "
    local why = suite.fails("unknown key", load.parse, grow .. "return { [s] = 1 }", "lunik.lua", "x")
    assert(#tostring(why) < 500, "a flood")
    why = suite.fails("must be", load.parse, grow .. "return { name = s }", "lunik.lua", "x")
    assert(#tostring(why) < 500, "a flood")
    why = suite.fails("must be", load.parse, grow .. "return { hypervisors = { s } }", "lunik.lua", "x")
    assert(#tostring(why) < 500, "a flood")
    assert(process.now() - began < 10, "it took too long")
  end,
  ["sizes that no machine has are refused"] = function()
    for _, size in ipairs { '"999999999999G"', '"8589934592G"', "9223372036854775807", "0", "-1", '"0M"' } do
      suite.fails("lunik.lua", load.parse, ("return { memory = %s }"):format(size), "lunik.lua", "x")
    end
    suite.equal(text.parse_size "1G", 1 << 30)
  end,
  ["a string that goes on after \\z or a line's end hides its require"] = function()
    local function names(source)
      local list = {}
      for _, item in ipairs(lexer.requires(source)) do list[#list + 1] = item.name .. ":" .. item.line end
      return table.concat(list, " ")
    end
    suite.equal(names 'print("a \\z\n  require \'b\' c") require "d"', "d:2")
    suite.equal(names 'print("a \\\r\n  require \'b\' c") require "d"', "d:2")
    suite.equal(names 'print("a \\z \t\r\n\n  \\\\" , "b") require "d"', "d:3")
  end,
  ["odd names in require are not found, in a sentence"] = function()
    for _, name in ipairs { "50%", "%1", "a..b", "..", "...etc.passwd", "", ".", "a b", "\\\\", "a/../b" } do
      local folder = suite.project { ["main.lua"] = ("require %q"):format(name), ["a/b.lua"] = "" }
      local output, status = suite.lunik { "build", folder }
      sentence(output, status, 65)
      suite.holds(output, "is not found")
    end
    local folder = suite.project { ["main.lua"] = ("require '%s'"):format(("x"):rep(300000)) }
    local output, status = suite.lunik { "build", folder }
    sentence(output, status, 65)
    assert(#output < 3000, "a flood")
  end,
  ["every path in an image is plain, however it was written"] = function()
    local folder = suite.project {
      ["lunik.lua"] = [[return { name = "p", main = "./src//main.lua", path = { "src/./?.lua", "lib//?.lua" },
        include = { "./data//*.txt" } }]],
      ["src/main.lua"] = 'require "a" require "b"', ["src/a.lua"] = "", ["lib/b.lua"] = "",
      ["data/x.txt"] = "",
    }
    local output, status = suite.lunik { "build", folder }
    sentence(output, status, 0)
    local paths = {}
    for _, file in ipairs(assert(unseal.image(fs.read(folder .. "/build/p.elf"))).files) do
      paths[#paths + 1] = file.path
    end
    suite.equal(table.concat(paths, " "), ".bytecode/lib/b.lua .bytecode/src/a.lua "
      .. ".bytecode/src/main.lua data/x.txt lib/b.lua src/a.lua src/main.lua")
    output, status = suite.lunik({ "run", "--host", folder }, { timeout = 60 })
    sentence(output, status, 0)
  end,
  ["sources whose names are like options are sources"] = function()
    local folder = suite.project {
      ["lunik.lua"] = 'return { name = "c", c = { sources = { "@x.c", "-include.c" } } }',
      ["@x.c"] = "int lunik_main(int c, char **v) { (void)c; (void)v; return 0; }\n",
      ["-include.c"] = "int other;\n", ["x.c"] = "-DBROKEN -v",
    }
    local output, status = suite.lunik { "build", folder }
    sentence(output, status, 0)
  end,
  ["sources of like names have objects of their own"] = function()
    local folder = suite.project {
      ["lunik.lua"] = 'return { name = "c", c = { sources = { "a/b.c", "a_b.c" } } }',
      ["a/b.c"] = "int lunik_main(int c, char **v); int other(void);\n"
        .. "int lunik_main(int c, char **v) { (void)c; (void)v; return other(); }\n",
      ["a_b.c"] = "int other(void); int other(void) { return 7; }\n",
    }
    local output, status = suite.lunik { "build", folder }
    sentence(output, status, 0)
  end,
  ["an object that an interrupted build cut off is made anew"] = function()
    local folder = suite.project {
      ["lunik.lua"] = 'return { name = "c", c = { sources = { "m.c" } } }',
      ["m.c"] = "int lunik_main(int c, char **v); int lunik_main(int c, char **v) { (void)c; (void)v; return 0; }\n",
    }
    local output, status = suite.lunik { "build", folder }
    sentence(output, status, 0)
    for _, path in ipairs(fs.walk(folder .. "/build/obj")) do
      if path:match "%.o$" then fs.write(folder .. "/build/obj/" .. path, "cut") end
    end
    output, status = suite.lunik { "build", folder }
    sentence(output, status, 0)
  end,
  ["builds of one project at the same time do not meet"] = function()
    local folder = suite.project {
      ["lunik.lua"] = 'return { name = "c", c = { sources = { "m.c" } } }',
      ["m.c"] = "int lunik_main(int c, char **v); int lunik_main(int c, char **v) { (void)c; (void)v; return 0; }\n",
    }
    local output, status = shell(('cd %s && for i in 1 2 3; do XDG_CACHE_HOME=$PWD/.c "$LUNIK" build -q & pids="$pids $!"; done;'
      .. ' for p in $pids; do wait $p || exit 1; done'):format(folder))
    sentence(output, status, 0)
  end,
  ["a folder of any name is a project"] = function()
    local above = suite.folder()
    for _, name in ipairs { "a b", "it's", 'q"q', "n\nl", "-v", "%d%s", "日本", "\xff\xfe", "a\\b", "$(id)" } do
      local folder = above .. "/" .. name
      fs.write(folder .. "/main.lua", "print(require 'm')")
      fs.write(folder .. "/m.lua", "return 'sound'")
      local output, status = suite.lunik({ "build", "--json" }, { folder = folder, timeout = 60 })
      sentence(output, status, 0)
      assert(json.decode(output), output)
      assert(utf8.len(output), "JSON is UTF-8: " .. output)
    end
  end,
  ["JSON is UTF-8, whatever bytes a file's name has"] = function()
    local folder = suite.project { ["main.lua"] = "", ["x\xff.txt"] = "", ["y\xed\xa0\x80.txt"] = "", ["z\u{20ac}.txt"] = "",
      ["lunik.lua"] = 'return { name = "u", include = { "*.txt" } }' }
    local output, status = suite.lunik { "build", folder }
    sentence(output, status, 0)
    output, status = suite.lunik { "inspect", "--json", folder .. "/build/u.elf" }
    sentence(output, status, 0)
    assert(utf8.len(output), "JSON is UTF-8")
    suite.holds(output, "z\u{20ac}.txt")
  end,
  ["a folder that cannot be read is named"] = function()
    if unistd.getuid() == 0 then suite.skip "root reads every folder" end
    local folder = suite.project { ["main.lua"] = "", ["shut/a.txt"] = "",
      ["lunik.lua"] = 'return { include = { "**/*.txt" } }' }
    require "posix.sys.stat".chmod(folder .. "/shut", 0)
    local output, status = suite.lunik { "build", folder }
    sentence(output, status, 66)
    suite.holds(output, "shut")
  end,
  ["no damaged image makes more than a sentence"] = function()
    local data = small_image()
    local state = 12345
    local function random(limit)
      state = (state * 1103515245 + 12345) & 0x7fffffff
      return (state >> 8) % limit
    end
    local interesting = { "\0", "\xff", "\x7f", "\x80", ("\xff"):rep(8), ("\xff"):rep(7) .. "\x7f",
      ("\0"):rep(8), ("\0"):rep(7) .. "\x80" }
    local seal_at = assert(data:find("LNKSEAL1", 1, true))
    local rounds = suite.is_quick and 300 or 3000
    for i = 1, rounds do
      -- Heads first, then the section headers, the seal's head, anywhere.
      local at = i % 4 == 0 and random(700) or i % 4 == 1 and #data - 2000 + random(1990)
        or i % 4 == 2 and seal_at - 1 + random(56) or random(#data - 8)
      local piece = interesting[random(#interesting) + 1]
      local bad = data:sub(1, at) .. piece .. data:sub(at + #piece + 1)
      local ok, image, why = pcall(unseal.image, bad)
      assert(ok, ("at %d: %s"):format(at, tostring(image)))
      if not image then suite.equal(type(why), "string") end
    end
    for _, size in ipairs { 0, 1, 3, 4, 63, 64, 65, 400, 1000, #data // 2, #data - 1 } do
      local ok, why = pcall(unseal.image, data:sub(1, size))
      assert(ok, why)
    end
  end,
  ["a damaged section header does not break the report"] = function()
    local data = small_image()
    local shoff = ("<I8"):unpack(data, 41)
    for _, value in ipairs { math.maxinteger, -1, math.mininteger, 1 << 62, 0 } do
      for _, field in ipairs { 16, 24, 32 } do
        local at = shoff + 64 + field
        local folder = suite.folder()
        fs.write(folder .. "/bad.elf", data:sub(1, at) .. ("<i8"):pack(value) .. data:sub(at + 9))
        for _, words in ipairs { {}, { "--json" }, { "--symbols" }, { "--html", folder .. "/x.html" } } do
          local output, status = suite.lunik { "inspect", folder .. "/bad.elf", table.unpack(words) }
          assert(status == 0 or status == 65, status)
          sentence(output, status, status)
        end
      end
    end
  end,
  ["an offset near 2^63 is outside of the file"] = function()
    local data = small_image()
    local bad = data:sub(1, 32) .. ("<i8"):pack(math.maxinteger) .. data:sub(41)
    local file, why = elf.parse(bad)
    suite.equal(file, nil)
    suite.holds(why, "cut off")
  end,
  ["inspect --symbols --json is JSON"] = function()
    local folder = suite.folder()
    fs.write(folder .. "/s.elf", small_image())
    local output, status = suite.lunik { "inspect", "--symbols", "--json", folder .. "/s.elf" }
    sentence(output, status, 0)
    local list = assert(json.decode(output), "no JSON")
    suite.equal(type(list[1].name), "string")
  end,
  ["an image cannot write escapes to the terminal"] = function()
    local folder = suite.project { ["main.lua"] = "", ["a\27[31m.txt"] = "",
      ["lunik.lua"] = 'return { name = "t", include = { "*.txt" } }' }
    local output, status = suite.lunik { "build", folder }
    sentence(output, status, 0)
    output, status = suite.lunik { "inspect", folder .. "/build/t.elf" }
    sentence(output, status, 0)
    assert(not output:find("\27", 1, true), "an escape came through")
    suite.holds(output, ".txt")
  end,
  ["closed standard descriptors do no harm"] = function()
    local folder = suite.project { ["main.lua"] = "print 'sound'" }
    local output, status = shell(('cd %s && "$LUNIK" run --host <&- && "$LUNIK" run --host <&- 2>&-'):format(folder))
    sentence(output, status, 0)
    suite.equal(output, "sound\nsound\n")
    output, status = shell(('cd %s && timeout 60 "$LUNIK" run --timeout 40 <&- 2>&-'):format(folder))
    sentence(output, status, 0)
    suite.holds(output, "sound")
  end,
  ["a paste that the image does not read holds nothing up"] = function()
    local folder = suite.project { ["main.lua"] = "require 'lunik.task'.sleep(1) print 'awake'" }
    local output, status = shell(('cd %s && head -c 4000000 /dev/zero | timeout -s KILL 50 "$LUNIK" run --timeout 40'):format(folder))
    sentence(output, status, 0)
    suite.holds(output, "awake")
  end,
  ["arguments and variables arrive as they were given"] = function()
    local words = { "a b", "", '"', "\\", '\\"', "it's", "é日", "--", "-x", "virtio_mmio.device=1", "a=b", "\t", "\n", "$x", "*", ",", ",," }
    local folder = suite.project { ["main.lua"] = [[
      for i, v in ipairs(arg) do io.write(("%q"):format(v):gsub("\n", "n"), "\n") end
      io.write(("%q"):format(os.getenv "V"):gsub("\n", "n"), "\n")]] }
    local wanted = {}
    local command = { "--timeout", "60", "-e", 'V=x "y\\ z,', folder, "--" }
    for _, word in ipairs(words) do
      command[#command + 1] = word
      wanted[#wanted + 1] = (("%q"):format(word):gsub("\n", "n"))
    end
    wanted[#wanted + 1] = ("%q"):format 'x "y\\ z,'
    wanted = table.concat(wanted, "\n") .. "\n"
    for _, how in ipairs { { "--host" }, {}, { "--machine", "microvm" } } do
      local line = table.move(command, 1, #command, #how + 2, { "run", table.unpack(how) })
      local output, status = suite.lunik(line, { timeout = 90 })
      suite.equal(status, 0, output)
      suite.equal(output, wanted, table.concat(how, " "))
    end
  end,
  ["test --host --json is JSON"] = function()
    local folder = suite.project { ["main.lua"] = "", ["tests/a.lua"] = 'return { ["x"] = function() end }' }
    local output, status = suite.lunik({ "test", "--host", "--json", folder }, { timeout = 60 })
    sentence(output, status, 0)
    suite.equal(assert(json.decode(output), output).passed, 1)
  end,
  ["run --host obeys --timeout, and takes its program with it"] = function()
    local folder = suite.project { ["main.lua"] = "require 'lunik.task'.sleep(600)" }
    local began = process.now()
    local _, status = suite.lunik({ "run", "--host", "--timeout", "1", folder }, { timeout = 20 })
    suite.equal(status, 124)
    assert(process.now() - began < 15)
    local output
    output, status = shell(('cd %s && "$LUNIK" run --host & sleep 1; kill -TERM $!; wait $!; echo "status $?"'):format(folder),
      { timeout = 20 })
    suite.holds(output, "status 0")
    suite.equal(status, 0)
  end,
  ["more arguments than an image takes are refused before the start"] = function()
    local folder = suite.project { ["main.lua"] = "print(#arg)" }
    local words = { "run", folder, "--", ("x"):rep(5000) }
    local output, status = suite.lunik(words)
    sentence(output, status, 64)
    suite.holds(output, "4095")
    words = { "run", folder, "--" }
    for i = 1, 65 do words[#words + 1] = tostring(i) end
    output, status = suite.lunik(words)
    sentence(output, status, 64)
    suite.holds(output, "64")
  end,
  ["output that cannot be written ends the command"] = function()
    local folder = suite.project { ["lunik.lua"] = 'return { name = "w" }',
      ["main.lua"] = "local task = require 'lunik.task' while true do print 'on' task.sleep(0.1) end" }
    sentence(suite.lunik { "build", folder }, 0, 0)
    local output, status = shell(('"$LUNIK" inspect %s/build/w.elf > /dev/full; echo $?'):format(folder))
    sentence(output, status, 0)
    suite.holds(output, "73\n")
    output = shell(('"$LUNIK" inspect %s/build/w.elf | head -n 1'):format(folder))
    assert(not output:find("lunik:", 1, true), output)
    output = shell(('{ "$LUNIK" run --timeout 40 %s; echo "status $?" >&2; } | head -n 1'):format(folder))
    suite.holds(output, "status 73")
  end,
  ["a QEMU that ends without a word is named with its status"] = function()
    local folder = suite.project { ["main.lua"] = "" }
    local output, status = shell(('LUNIK_QEMU=/bin/false "$LUNIK" run --accel tcg %s'):format(folder))
    sentence(output, status, 69)
    suite.holds(output, "status 1")
  end,
  ["run --host says that it cannot run a C program"] = function()
    local folder = suite.project {
      ["lunik.lua"] = 'return { name = "c", c = { sources = { "m.c" } } }',
      ["m.c"] = "int lunik_main(int c, char **v); int lunik_main(int c, char **v) { (void)c; (void)v; return 0; }\n",
    }
    local output, status = suite.lunik { "run", "--host", folder }
    sentence(output, status, 64)
    suite.holds(output, "C program")
  end,
}
