-- SPDX-License-Identifier: MIT
-- cli.lua: the `lunik` command as people use it, and misuse it.

local fs = require "util.fs"
local json = require "util.json"
local process = require "util.process"
local sdk = require "util.sdk"
local suite = require "suite"
local unseal = require "image.unseal"

-- Builds a project of (files), which must fail with (status) and a sentence
-- that holds the parts; nothing may be left half-written.
local function refuses(files, status, ...)
  local folder = suite.project(files)
  local output, code = suite.lunik({ "build" }, { folder = folder })
  suite.equal(code, status, output)
  for _, part in ipairs { ... } do suite.holds(output, part) end
  suite.equal(#output:gsub("[^\n]", "") < 12, true, "a sentence, not a flood")
  assert(not output:find("traceback", 1, true), output)
  if fs.is_folder(folder .. "/build") then
    for _, path in ipairs(fs.walk(folder .. "/build")) do
      assert(not path:match "%.elf$" and not path:match "%.part$", "left behind: " .. path)
    end
  end
end

return {
  ["help lists every command, and each command explains itself"] = function()
    local output, status = suite.lunik { "--help" }
    suite.equal(status, 0)
    for _, name in ipairs { "new", "build", "run", "dev", "bench", "test", "inspect", "deps", "doctor", "completion" } do
      suite.holds(output, "   " .. name)
      local text, code = suite.lunik { name, "--help" }
      suite.equal(code, 0, text)
      suite.holds(text, "Usage: lunik " .. name)
    end
  end,
  ["without HOME the cache is in the user's own folder, not below /tmp"] = function()
    local script = suite.folder() .. "/where.lua"
    fs.write(script, 'print(require "util.fs".cache_folder())')
    local output, status = process.run { "env", "-u", "HOME", "-u", "XDG_CACHE_HOME",
      sdk.prefix .. "/bin/lunik", "lua", script }
    suite.equal(status, 0, output)
    suite.matches(output, "^/.+/%.cache/lunik\n$")
    assert(output:sub(1, 5) ~= "/tmp/", output)
  end,
  ["an unknown command or flag suggests the nearest"] = function()
    local output, status = suite.lunik { "biuld" }
    suite.equal(status, 64)
    suite.holds(output, "Did you mean 'build'?")
    output, status = suite.lunik { "run", "--timeuot=3" }
    suite.equal(status, 64)
    suite.holds(output, "Did you mean '--timeout'?")
  end,
  ["the version is one line"] = function()
    suite.matches(suite.lunik { "--version" }, "^lunik %d+%.%d+%.%d+\n$")
  end,
  ["completions name the commands for each shell"] = function()
    for _, shell in ipairs { "bash", "zsh", "fish" } do
      local output, status = suite.lunik { "completion", shell }
      suite.equal(status, 0)
      suite.holds(output, "inspect")
    end
  end,
  ["a new project builds, and builds again without doing anything"] = function()
    local folder = suite.folder()
    suite.equal(select(2, suite.lunik({ "new", "shop" }, { folder = folder })), 0)
    assert(fs.is_file(folder .. "/shop/.gitignore"))
    local output, status = suite.lunik({ "build", "shop" }, { folder = folder })
    suite.equal(status, 0, output)
    for _, suffix in ipairs { "elf", "debug", "xl.cfg", "qemu.sh", "firecracker.json", "libvirt.xml" } do
      assert(fs.is_file(("%s/shop/build/shop.%s"):format(folder, suffix)), suffix)
    end
    output = suite.lunik({ "build", "shop" }, { folder = folder })
    suite.holds(output, "nothing to do")
    output, status = suite.lunik({ "new", "shop" }, { folder = folder })
    suite.equal(status, 73)
    suite.holds(output, "is there already")
    output, status = suite.lunik({ "new", "No Name" }, { folder = folder })
    suite.equal(status, 64)
  end,
  ["two builds in different folders at different times are equal"] = function()
    local files = { ["main.lua"] = 'require "lib.a"', ["lib/a.lua"] = "return 1",
      ["lunik.lua"] = 'return { name = "same", include = { "**/*.txt" } }', ["x/y.txt"] = "y" }
    local a, b = suite.project(files), suite.project(files)
    suite.equal(select(2, suite.lunik({ "build", a })), 0)
    suite.equal(select(2, suite.lunik({ "build" }, { folder = b,
      environment = { TZ = "Asia/Tokyo", LC_ALL = "C", XDG_CACHE_HOME = b .. "/cache" } })), 0)
    for _, name in ipairs { "same.elf", "same.debug", "same.xl.cfg", "same.qemu.sh" } do
      suite.equal(fs.read(a .. "/build/" .. name) == fs.read(b .. "/build/" .. name), true, name)
    end
    assert(not fs.read(a .. "/build/same.elf"):find(a, 1, true), "the folder's name is in the image")
  end,
  ["a syntax error names file and line"] = function()
    refuses({ ["main.lua"] = "print(1)\nlocal = 2\n" }, 65, "main.lua:2:")
    refuses({ ["main.lua"] = 'require "a.b"', ["a/b.lua"] = "\n\n)" }, 65, "a/b.lua:3:")
  end,
  ["a require that is not found names places and the nearest name"] = function()
    refuses({ ["main.lua"] = '\nlocal x = require "greting"', ["greeting.lua"] = "" }, 65,
      'main.lua:2: module "greting" is not found; did you mean "greeting"?',
      "no file greting.lua", "no file greting/init.lua", "no module of the SDK")
  end,
  ["a module that the project calls optional may be missing"] = function()
    local folder = suite.project {
      ["lunik.lua"] = 'return { name = "x", optional = { "ssl" } }',
      ["main.lua"] = 'local function secure() return require "ssl" end\nprint(pcall(secure))\n',
    }
    local output, status = suite.lunik { "build", folder }
    suite.equal(status, 0, output)
    fs.write(folder .. "/main.lua", 'require "ssl"\nrequire "sls"\n')
    output, status = suite.lunik { "build", folder }
    suite.equal(status, 65, output)
    suite.holds(output, 'module "sls" is not found')
  end,
  ["an optional require may be missing"] = function()
    local folder = suite.project { ["main.lua"] = 'pcall(require, "posix")' }
    suite.equal(select(2, suite.lunik { "build", folder }), 0)
  end,
  ["an unknown key or a wrong type in lunik.lua names its line"] = function()
    refuses({ ["main.lua"] = "", ["lunik.lua"] = 'return {\n\n  heep = "8M" }' }, 65,
      'lunik.lua:3: unknown key "heep"', '"heap"')
    refuses({ ["main.lua"] = "", ["lunik.lua"] = 'return {\n env = "x" }' }, 65,
      'lunik.lua:2: "env" must be a table')
  end,
  ["a missing main, module or library is named"] = function()
    refuses({ ["lunik.lua"] = 'return { main = "mian.lua" }', ["main.lua"] = "" }, 66,
      "lunik.lua:1: the main script mian.lua is not there", '"main.lua"')
    refuses({ ["lunik.lua"] = 'return { modules = { "lunik.taks" } }', ["main.lua"] = "" }, 65,
      'there is no C module "lunik.taks"', '"lunik.task"')
    refuses({ ["lunik.lua"] = 'return { dependencies = { "luaunti" } }', ["main.lua"] = "" }, 65,
      'there is no library "luaunti"', '"luaunit"')
    local output, status = suite.lunik({ "build" }, { folder = suite.folder() })
    suite.equal(status, 66)
    suite.holds(output, "it is no project")
  end,
  ["an include pattern that escapes or matches nothing is refused"] = function()
    refuses({ ["main.lua"] = "", ["lunik.lua"] = 'return {\n include = { "../*" } }' }, 65,
      "lunik.lua:2:", '".." leads out of the project')
    refuses({ ["main.lua"] = "", ["lunik.lua"] = 'return { include = { "/etc/passwd" } }' }, 65,
      "it is absolute")
    refuses({ ["main.lua"] = "", ["lunik.lua"] = 'return { include = { "*.png" } }' }, 65,
      'include pattern "*.png" matches no file')
  end,
  ["a link out of the project is refused, one inside is followed"] = function()
    local unistd = require "posix.unistd"
    local folder = suite.project { ["main.lua"] = "", ["a.txt"] = "inside",
      ["lunik.lua"] = 'return { name = "x",\n include = { "*.txt" } }' }
    unistd.link("a.txt", folder .. "/b.txt", true)
    suite.equal(select(2, suite.lunik { "build", folder }), 0)
    unistd.link("/etc/hostname", folder .. "/c.txt", true)
    local output, status = suite.lunik({ "build" }, { folder = folder })
    suite.equal(status, 65)
    suite.holds(output, 'lunik.lua:2: include pattern "*.txt": c.txt is a link out of the project')
  end,
  ["a full disk leaves no half-written image and says so"] = function()
    local folder = suite.project { ["main.lua"] = "print(1)", ["lunik.lua"] = 'return { name = "x" }' }
    fs.make_folder(folder .. "/build")
    local mounted = process.run { "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder .. "/build" }
    if mounted ~= "" then suite.skip "a small file system cannot be mounted here" end
    suite.at_end(function() process.run { "umount", folder .. "/build" } end)
    local output, status = suite.lunik { "build", folder }
    suite.equal(status, 73, output)
    suite.holds(output, "No space left on device")
    suite.holds(output, "nothing was changed")
    suite.equal(#fs.list(folder .. "/build"), 0)
  end,
  ["a file-size limit leaves no half-written image either"] = function()
    local folder = suite.project { ["main.lua"] = "print(1)", ["lunik.lua"] = 'return { name = "x" }' }
    local lunik = require "lunik.host".prefix .. "/bin/lunik"
    -- (The link is in the cache then, so that it is the image that is too long.)
    suite.lunik { "build", "--out", folder .. "/out", folder }
    local output, status = process.run { "sh", "-c", "trap '' XFSZ; ulimit -f 100; exec \"$1\" build \"$2\"",
      "sh", lunik, folder }
    suite.equal(status, 73, output)
    suite.holds(output, "cannot write")
    for _, path in ipairs(fs.walk(folder .. "/build")) do error("left behind: " .. path) end
  end,
  ["without QEMU a sentence says how to install it"] = function()
    local folder = suite.project { ["main.lua"] = "" }
    local bin = suite.folder()
    local unistd = require "posix.unistd"
    unistd.link(fs.find_command "ld", bin .. "/ld", true)
    local output, status = suite.lunik({ "run", folder }, { environment = { PATH = bin } })
    suite.equal(status, 69)
    suite.holds(output, "QEMU is not installed")
    suite.holds(output, "apt-get install")
  end,
  ["without a linker a sentence says how to install it"] = function()
    local folder = suite.project { ["main.lua"] = "" }
    local output, status = suite.lunik({ "build", folder }, { environment = { PATH = suite.folder() } })
    suite.equal(status, 69)
    suite.holds(output, "binutils")
  end,
  ["inspect shows an image as text, JSON and a page"] = function()
    local folder = suite.project { ["main.lua"] = 'require "lunik.task"',
      ["lunik.lua"] = 'return { name = "shop", version = "2.0", memory = "32M" }' }
    suite.equal(select(2, suite.lunik { "build", folder }), 0)
    local image = folder .. "/build/shop.elf"
    local output = suite.lunik { "inspect", image }
    for _, part in ipairs { "shop 2.0", "lunik.task", "main.lua", ".text", "####", "musl", "33,554,432" } do
      suite.holds(output, part)
    end
    local report = json.decode((suite.lunik { "inspect", "--json", image }))
    suite.equal(report.name, "shop")
    suite.equal(report.modules[1].name, "lunik.task")
    local total = 0
    for _, part in ipairs(report.parts) do total = total + part.size end
    suite.equal(total, report.size, "the parts are the whole")
    suite.equal(select(2, suite.lunik { "inspect", "--html", folder .. "/page.html", image }), 0)
    local page = fs.read(folder .. "/page.html")
    suite.holds(page, "<svg")
    local bytes = 0
    for _, file in ipairs(report.files) do bytes = bytes + file.size end
    assert(bytes > 20, "the script and its bytecode")
    suite.holds(page, ("<title>files: %d bytes</title>"):format(bytes))
  end,
  ["inspect says what is wrong with a bad image"] = function()
    local folder = suite.project { ["main.lua"] = "", ["lunik.lua"] = 'return { name = "x" }' }
    suite.equal(select(2, suite.lunik { "build", folder }), 0)
    local image = fs.read(folder .. "/build/x.elf")
    local function says(data, part)
      fs.write(folder .. "/bad.elf", data)
      local output, status = suite.lunik { "inspect", folder .. "/bad.elf" }
      suite.equal(status, 65)
      suite.holds(output, part)
    end
    says("no image", "it is no ELF file")
    says(image:sub(1, 5000), "cut off")
    says(fs.read(folder .. "/build/x.debug"), "it has no seal")
    local seal = assert(unseal.image(image)).segment.offset
    local at = image:find("main.lua", seal, true)
    says(image:sub(1, at - 1) .. "M" .. image:sub(at + 1), "the checksum does not match")
    suite.equal(select(2, suite.lunik { "inspect", folder .. "/none.elf" }), 66)
  end,
  ["deps lists the lock with versions and licences"] = function()
    local output = suite.lunik { "deps" }
    suite.matches(output, "lua%s+5%.4%.9%s+MIT")
    suite.equal(#json.decode((suite.lunik { "deps", "--json" })) >= 5, true)
  end,
  ["doctor names each tool and gives JSON"] = function()
    local output = suite.lunik { "doctor" }
    suite.holds(output, "qemu-system-x86_64")
    local checks = {}
    for _, check in ipairs(json.decode((suite.lunik { "doctor", "--json" })).checks) do
      checks[check.name] = check
    end
    suite.equal(type(checks["ld"].ok), "boolean")
    if fs.find_command "qemu-system-x86_64" then
      suite.holds(checks["run -p"].detail, "user networking")
      suite.equal(checks["run --tap"].needed, false)
      suite.equal(type(checks["bench"].ok), "boolean")
    end
  end,
  ["no colours go into a pipe"] = function()
    assert(not suite.lunik({ "doctor" }):find "\27")
  end,
  ["a C image is compiled, linked without Lua and small"] = function()
    local folder = suite.project {
      ["main.c"] = '#include <lunik/sys.h>\nint lunik_main(int c, char **v)\n{ (void)c; (void)v; return 3; }\n',
      ["lunik.lua"] = 'return { name = "c", c = { sources = { "main.c" } } }',
    }
    local output, status = suite.lunik { "build", folder }
    suite.equal(status, 0, output)
    local report = json.decode((suite.lunik { "inspect", "--json", folder .. "/build/c.elf" }))
    suite.equal(report.main, nil)
    assert(not suite.lunik({ "inspect", "--symbols", folder .. "/build/c.elf" }):find "lua_newstate")
    suite.holds(suite.lunik { "build", folder }, "nothing to do")
  end,
  ["an error in a C source names file and line; one without a program says so"] = function()
    refuses({ ["main.c"] = "int x = ;\n", ["lunik.lua"] = 'return { c = { sources = { "main.c" } } }' },
      65, "main.c does not compile", "main.c:1:")
    refuses({ ["main.c"] = "int x;\n", ["lunik.lua"] = 'return { c = { sources = { "main.c" } } }' },
      65, "defines lunik_main()")
    refuses({ ["lunik.lua"] = 'return {\n c = { sources = { "no.c" } } }' }, 66,
      "lunik.lua:2: the C source no.c is not there")
  end,
}
