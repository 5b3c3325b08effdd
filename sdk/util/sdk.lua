-- SPDX-License-Identifier: MIT
-- sdk.lua: what the installed SDK offers: archives, modules, Lua files,
-- libraries. Paths are in docs/building.md.

local fail = require "util.fail"
local fs = require "util.fs"
local host = require "lunik.host"

local sdk = {
  prefix = host.prefix,
  version = require "version",
  arch = "x86_64",
}
sdk.share = sdk.prefix .. "/share/lunik"
sdk.target = sdk.prefix .. "/lib/lunik/" .. sdk.arch
sdk.host_runner = sdk.prefix .. "/lib/lunik/host/lunik-host"

-- Evaluates a Lua file of values that the SDK's build wrote.
local function values(path)
  local result, why = host.sandbox(fs.read(path), "@" .. path, 1000000, 16 << 20)
  if why then fail(fail.SOFTWARE, "the SDK is damaged: %s", why) end
  return result
end

-- The bytes of the SDK's Lua file (path), like "lunik/test.lua"; or nil.
function sdk.lua(path)
  return (fs.try_read(sdk.share .. "/lua/" .. path))
end

local function read_modules()
  local modules, folder = {}, sdk.target .. "/modules"
  if not fs.is_folder(folder) then return modules end
  for _, name in ipairs(fs.list(folder)) do
    if name:sub(-4) == ".lua" then
      local module = values(folder .. "/" .. name)
      module.name = module.module
      local lua = {}
      for path, file in pairs(module.lua or {}) do
        lua[#lua + 1] = { path = path, data = fs.read(sdk.prefix .. "/" .. file) }
      end
      module.lua = lua
      modules[module.name] = module
    end
  end
  return modules
end

-- Third-party Lua libraries that `dependencies` may name. Their files lie in a
-- folder of the library's name in the archive.
local function read_libraries()
  local libraries = {}
  local folder = sdk.share .. "/libraries"
  local locked = {}
  for _, entry in ipairs(sdk.lock()) do locked[entry.name] = entry end
  if not fs.is_folder(folder) then return libraries end
  for _, name in ipairs(fs.list(folder)) do
    local entry = locked[name] or {}
    libraries[name] = {
      name = name, version = entry.version, licence = entry.licence,
      files = function()
        local list = {}
        for _, path in ipairs(fs.walk(folder .. "/" .. name)) do
          list[#list + 1] = {
            path = name .. "/" .. path, data = fs.read(folder .. "/" .. name .. "/" .. path),
          }
        end
        return list
      end,
    }
  end
  return libraries
end

-- The lock's entries: name, version, file, sha256, debian, licence, url.
function sdk.lock()
  local list = {}
  for line in (fs.try_read(sdk.share .. "/deps.lock") or ""):gmatch "[^\n]+" do
    local words = {}
    for word in line:gmatch "%S+" do words[#words + 1] = word end
    if words[1] and words[1]:sub(1, 1) ~= "#" and words[2] then
      list[#list + 1] = {
        name = words[1], version = words[2], file = words[3], sha256 = words[4],
        debian = words[5], licence = words[6], url = words[7],
      }
    end
  end
  return list
end

-- Upstream code that is in an image: those of the list whose archive is linked.
function sdk.linked_libraries(archives)
  local path, found = sdk.share .. "/sdk/libraries.lua", {}
  if not fs.is_file(path) then return found end
  for _, library in ipairs(values(path)) do
    if archives[library.archive] then found[#found + 1] = library end
  end
  return found
end

-- modules and libraries are read when they are first asked for.
local readers = { modules = read_modules, libraries = read_libraries }
return setmetatable(sdk, {
  __index = function(self, key)
    if not readers[key] then return nil end
    local value = readers[key]()
    rawset(self, key, value)
    return value
  end,
})
