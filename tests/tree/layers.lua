-- SPDX-License-Identifier: MIT
-- layers.lua: who may include what, as docs/architecture.md draws it.
--
-- Run by `lunik lua tests/tree/layers.lua ROOT`. Prints one line for each
-- include that points against the arrows, or choice by the preprocessor where
-- there may be none, and a summary.

local root = arg[1] or "."

local function lines_of(command)
  local pipe <close> = assert(io.popen(command))
  local list = {}
  for line in pipe:lines() do list[#list + 1] = line end
  return list
end

local function files(...)
  local list = {}
  for _, folder in ipairs { ... } do
    for _, path in ipairs(lines_of(
      ("git -C '%s' ls-files '%s' | grep -E '\\.[chS]$'"):format(root, folder))) do
      list[#list + 1] = path
    end
  end
  return list
end

-- Each rule: the folder, what its files may include in <>, and in "".
-- A name is a Lua pattern for the whole include.
local freestanding = {
  "stdarg%.h", "stdbool%.h", "stddef%.h", "stdint%.h", "limits%.h",
  "stdatomic%.h", "string%.h",
}
local public = { "lunik/[%w_]+%.h", "lunik/abi/[%w_]+%.h" }

local function union(...)
  local all = {}
  for _, list in ipairs { ... } do
    for _, item in ipairs(list) do all[#all + 1] = item end
  end
  return all
end

local rules = {
  {
    folder = "libos/include",
    angle = union(freestanding, public),
    quote = {},
  },
  {
    folder = "libos/core",
    angle = union(freestanding, public),
    quote = { "platform%.h", "platform_switch%.h", "net_device%.h", "arch%.h",
      "OWN" },
  },
  {
    folder = "libos/arch",
    angle = union(freestanding, public),
    quote = { "platform%.h", "arch%.h", "image%.h", "OWN" },
  },
  {
    folder = "libos/platform/vm",
    angle = union(freestanding, public),
    quote = { "platform%.h", "net_device%.h", "arch%.h", "cpu%.h",
      "interrupt%.h", "paging%.h", "apic%.h", "port%.h", "registers%.h", "trap%.h", "image%.h", "OWN" },
  },
  {
    folder = "libos/platform/host",
    angle = { ".*" }, -- Linux's own
    quote = { "platform%.h", "platform_switch%.h", "net_device%.h", "arch%.h",
      "OWN" },
    never = { "core%.h" },
  },
  {
    folder = "libos/drivers/virtio",
    angle = union(freestanding, public),
    quote = { "platform%.h", "arch%.h", "interrupt%.h", "OWN",
      -- what the machine offers to drivers: buses and the hooks they fill
      "pci%.h", "ioapic%.h", "console%.h", "entropy%.h", "net%.h",
      "registers%.h", "cpu%.h" },
  },
  {
    folder = "libos/port/musl",
    angle = { ".*" },
    -- its own, and upstream's private headers
    quote = { "OWN", "kstat%.h", "libc%.h", "locale_impl%.h", "lookup%.h",
      "pthread_impl%.h", "stdio_impl%.h", "syscall%.h", "time_impl%.h" },
    never = { "platform%.h", "arch%.h", "core%.h" },
  },
  {
    folder = "libos/port/lwip",
    angle = union(freestanding, public, { "lwip/priv/tcp_priv%.h" }),
    quote = { "OWN", "lunik_hooks%.h", "arch/[%w_]+%.h", "lwip/[%w_/]+%.h", "netif/[%w_]+%.h" },
    never = { "platform%.h", "arch%.h", "core%.h" },
  },
  { folder = "sdk", angle = { ".*" }, quote = { "OWN" },
    never = { "lunik/[%w_]+%.h" } },
  { folder = "runtime", angle = { ".*" }, quote = { "OWN", "lua%.h",
    "lauxlib%.h", "lualib%.h", "luaconf%.h" }, never = { "platform%.h", "arch%.h", "core%.h" } },
  { folder = "bindings", angle = { ".*" }, quote = { "OWN", "lua%.h",
    "lauxlib%.h", "lualib%.h" }, never = { "platform%.h", "arch%.h", "core%.h" } },
  -- Tools of Linux's alone: they see a guest from outside.
  { folder = "tests/net/tools", angle = { ".*" }, quote = { "OWN" },
    never = { "lunik/.*" } },
  -- Examples see what is installed.
  { folder = "examples", angle = { ".*" }, quote = { "OWN" },
    never = { "platform%.h", "arch%.h", "core%.h" } },
}

-- Here CMake chooses a file; the preprocessor chooses nothing.
local no_conditions = { "libos/include", "libos/core", "runtime", "bindings", "sdk" }

local function matches(name, patterns)
  for _, pattern in ipairs(patterns) do
    if name:match("^" .. pattern .. "$") then return true end
  end
  return false
end

local function exists(path)
  local file = io.open(root .. "/" .. path)
  if file then file:close() end
  return file ~= nil
end

local function allowed(rule, path, kind, name)
  if name:find("..", 1, true) then return false end
  if rule.never and matches(name, rule.never) then return false end
  if kind == "<" then return matches(name, rule.angle) end
  if matches(name, rule.quote) then return true end
  -- OWN: a file below the same rule's folder, beside or above the includer.
  if not matches("OWN", rule.quote) then return false end
  local folder = path:match("^(.*)/[^/]*$")
  return exists(folder .. "/" .. name) or exists(rule.folder .. "/" .. name)
end

local passed, failed = 0, 0
for _, rule in ipairs(rules) do
  local checked, failed_before = 0, failed
  for _, path in ipairs(files(rule.folder)) do
    local number = 0
    for line in io.lines(root .. "/" .. path) do
      number = number + 1
      local kind, name = line:match('^%s*#%s*include%s*([<"])([^>"]+)[>"]')
      if kind then
        checked = checked + 1
        if name:match("%.c$") then
          failed = failed + 1
          print(("%s:%d: only tests may include a .c"):format(path, number))
        elseif not allowed(rule, path, kind, name) then
          failed = failed + 1
          print(("%s:%d: %s may not include %s"):format(path, number,
            rule.folder, name))
        end
      end
    end
  end
  if checked > 0 and failed == failed_before then passed = passed + 1 end
  print(("layers: %-22s %d includes looked at"):format(rule.folder, checked))
end
for _, folder in ipairs(no_conditions) do
  for _, path in ipairs(files(folder)) do
    local number = 0
    for line in io.lines(root .. "/" .. path) do
      number = number + 1
      local word, rest = line:match "^%s*#%s*(%l+)%s*(.*)"
      local is_guard = word == "ifndef" and rest:match "^LUNIK_[%u%d_]+_H$"
      if (word == "elif" or word and word:match "^if") and not is_guard then
        failed = failed + 1
        print(("%s:%d: no #%s here"):format(path, number, word))
      end
    end
  end
end
if passed == 0 then
  failed = failed + 1
  print("layers: found no include at all: wrong folder?")
end
print(("%d passed, %d failed, 0 skipped"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
