-- SPDX-License-Identifier: MIT
-- link.lua: links the SDK's archives, a project's modules and its C sources
-- into one program. The result is cached: only modules and C change it.

local fail = require "util.fail"
local fs = require "util.fs"
local host = require "lunik.host"
local process = require "util.process"
local sdk = require "util.sdk"
local text = require "util.text"
local unistd = require "posix.unistd"

local link = {}

-- As cmake/toolchains/x86_64-lunik.cmake has them.
local compile_flags = {
  "-std=c11", "-Os", "-g", "-fno-pic", "-fno-pie",
  "-fno-omit-frame-pointer", "-ffunction-sections", "-fdata-sections",
  "-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-mno-red-zone",
  "-fstack-protector-strong", "-mstack-protector-guard=global", "-fstack-clash-protection",
  "-Wall", "-Wextra",
}

local function hex(digest)
  return (digest:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function need(name, package)
  local path = fs.find_command(name)
  if not path then
    fail(fail.UNAVAILABLE,
      "%s is not installed; on Debian: apt-get install --no-install-recommends -y %s",
      name, package)
  end
  return path
end

local function compiler()
  return need(os.getenv "LUNIK_CC" or "cc", "gcc")
end

-- ---- C sources ----

-- The sum over the flags and every file that an object was made of; nil when
-- one is gone, and the (object) itself: an interrupted build may have cut it
-- off. (list) is what the compiler's dependency file named, from (folder).
local function sum_of(flags, list, folder, object)
  local parts = { table.concat(flags, "\n") }
  for _, path in ipairs { object, table.unpack(list) } do
    local data = fs.try_read(fs.join(folder, path))
    if not data then return nil end
    parts[#parts + 1] = path .. "\n" .. host.sha256(data)
  end
  return hex(host.sha256(table.concat(parts, "\n")))
end

local function dependencies(path)
  local list = {}
  local data = (fs.try_read(path) or ""):gsub("\\\n", " "):gsub("^.-:%s", "")
  for word in data:gsub("\\ ", "\0"):gmatch "%S+" do
    list[#list + 1] = (word:gsub("%z", " "))
  end
  return list
end

-- Compiles in the project's folder, so that no other path gets into the object.
local function compile(project, source, build)
  fs.make_folder(build .. "/obj")
  build = fs.real(build)
  -- "a/b.c" and "a_b.c" are two.
  local object = ("%s/obj/%s.o"):format(build, (source:gsub("_", "__"):gsub("/", "_-")))
  local words = { compiler() }
  table.move(compile_flags, 1, #compile_flags, #words + 1, words)
  local folder = fs.real(project.folder)
  for _, flag in ipairs {
    -- Without the slash for the folder itself, which debugging data name.
    "-ffile-prefix-map=" .. folder .. "=.", "-ffile-prefix-map=" .. folder .. "/=", "-ffile-prefix-map=" .. sdk.prefix .. "/=lunik/",
    "-nostdinc", "-isystem", sdk.target .. "/include",
    "-isystem", sdk.prefix .. "/include",
  } do
    words[#words + 1] = flag
  end
  for _, path in ipairs(project.c.include) do
    words[#words + 1] = "-I" .. path
  end
  local full = fs.join(folder, source)
  if not fs.is_file(full) then
    local line = project.lines["c.sources"]
    fail(fail.NO_INPUT, "%s%s: the C source %s is not there", project.file,
      line and ":" .. line or "", source)
  end
  local known, old = fs.try_read(object .. ".sum"), dependencies(object .. ".d")
  if known and #old > 0 and fs.is_file(object) and sum_of(words, old, folder, object) == known then
    return object
  end
  local command = table.move(words, 1, #words, 1, {})
  -- Under another name first: builds at the same time see it whole or not at
  -- all. "@x.c" and "-x.c" are no options.
  local part = ("%s.%d.part"):format(object, unistd.getpid())
  local path = source:match "^[-@]" and "./" .. source or source
  for _, word in ipairs { "-MD", "-MF", part .. ".d", "-c", path, "-o", part } do
    command[#command + 1] = word
  end
  local output, status = process.run(command, { folder = folder })
  if status ~= 0 then
    os.remove(part)
    os.remove(part .. ".d")
    fail(fail.DATA, "%s does not compile:\n%s", source, (output:gsub("%s+$", "")))
  end
  if output ~= "" then io.stderr:write(output) end
  os.rename(part .. ".d", object .. ".d")
  os.rename(part, object)
  fs.write(object .. ".sum", sum_of(words, dependencies(object .. ".d"), folder, object) or "")
  return object
end

-- ---- Linking ----

local function archive_path(name)
  local path = sdk.target .. "/" .. name
  return fs.is_file(path) and path or nil
end

local function libgcc()
  local path = archive_path "libgcc.a"
  if path then return path end
  local output, status = process.run { compiler(), "-print-libgcc-file-name" }
  return status == 0 and output:match "^(%S+)" or nil
end

local function entry_symbol(script)
  return fs.read(script):match "ENTRY%(([%w_]+)%)" or "arch_entry_pvh"
end

-- The linker's words but for "-o FILE"; the archives in their order.
local function command_line(project, modules, objects, linker)
  local script = sdk.target .. "/image.lds"
  if not fs.is_file(script) then
    fail(fail.SOFTWARE, "the SDK in %s has no target libraries", sdk.prefix)
  end
  local words = {
    linker, "-static", "-nostdlib", "-z", "noexecstack", "-z", "norelro", "--build-id=none",
    "--gc-sections", "--orphan-handling=error", "-T", script, "-u", entry_symbol(script),
    "-u", "lunik_main",
  }
  local archives = {}
  local function add_archive(name)
    local path = archive_path(name)
    if path and not archives[name] then
      archives[name] = path
      archives[#archives + 1] = path
    end
  end
  local is_lua = not (project.c and #project.c.sources > 0)
  if is_lua then
    local linked = {} -- the others are in Lua alone
    for _, name in ipairs(text.sorted_keys(modules)) do
      if modules[name].symbol then linked[#linked + 1] = modules[name] end
    end
    for _, module in ipairs(linked) do
      words[#words + 1] = "-u"
      words[#words + 1] = module.symbol
    end
    add_archive "liblunik_runtime.a"
    for _, module in ipairs(linked) do
      add_archive(module.archive)
      for _, library in ipairs(module.libraries or {}) do add_archive(library) end
    end
    add_archive "liblua.a"
  end
  add_archive "liblunik_lwip.a"
  add_archive "liblunik_libos.a"
  add_archive "liblunik_musl.a"
  archives[#archives + 1] = libgcc()
  table.move(objects, 1, #objects, #words + 1, words)
  words[#words + 1] = "--start-group"
  table.move(archives, 1, #archives, #words + 1, words)
  words[#words + 1] = "--end-group"
  return words, archives, script
end

-- A sentence from what the linker said.
local function explain(output, project)
  local missing = output:match "undefined reference to `([^']+)'"
    or output:match "undefined symbol: (%S+)"
  if missing == "lunik_main" and project.c then
    return ("no C source of %s defines lunik_main(), the program"):format(project.file)
  end
  return "the linker says:\n" .. output:gsub("%s+$", "")
end

-- Gives the linked program's bytes, and which archives it took code from:
-- { ["liblua.a"] = true }. (build) is the project's build folder.
function link.project(project, modules, build)
  local linker = need(os.getenv "LUNIK_LD" or "ld", "binutils")
  local objects = {}
  for _, source in ipairs(project.c and project.c.sources or {}) do
    objects[#objects + 1] = compile(project, source, build)
  end
  local words, archives, script = command_line(project, modules, objects, linker)
  local sums = { table.concat(words, "\n"), hex(host.sha256(fs.read(script))) }
  for _, path in ipairs(objects) do sums[#sums + 1] = hex(host.sha256(fs.read(path))) end
  for _, path in ipairs(archives) do sums[#sums + 1] = hex(host.sha256(fs.read(path))) end
  local key = hex(host.sha256(table.concat(sums, "\n")))
  local cache = ("%s/link/%s"):format(fs.cache_folder(), key)
  local used = {}
  local program, map = fs.try_read(cache .. ".elf"), fs.try_read(cache .. ".used")
  if not program or not map then
    local folder, remove = fs.temporary_folder()
    local out = folder .. "/linked"
    local command = table.move(words, 1, #words, 1, {})
    for _, word in ipairs { "-Map", folder .. "/map", "-o", out } do command[#command + 1] = word end
    local output, status = process.run(command)
    program = status == 0 and fs.try_read(out) or nil
    map = program and fs.try_read(folder .. "/map") or ""
    remove()
    local is_full = output:find "No space left" or output:find "File too large"
    if not program then
      fail(is_full and fail.CANNOT_WRITE or fail.DATA, "cannot link %s: %s", project.name,
        explain(output, project))
    end
    local names = {}
    for name in map:gmatch "/([%w_.+-]+%.a)[(:]" do names[name] = true end
    map = table.concat(text.sorted_keys(names), "\n")
    -- The cache is a convenience: a folder that cannot be written is no error.
    pcall(function()
      fs.write(cache .. ".used", map)
      fs.write(cache .. ".elf", program)
    end)
  end
  for name in map:gmatch "[^\n]+" do used[name] = true end
  return program, used
end

return link
