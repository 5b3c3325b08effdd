-- SPDX-License-Identifier: MIT
-- build.lua: from a project's folder to a sealed image and its launch files.

local bytecode = require "image.bytecode"
local elf = require "image.elf"
local fail = require "util.fail"
local follow = require "project.follow"
local fs = require "util.fs"
local launch = require "image.launch"
local link = require "image.link"
local load = require "project.load"
local sdk = require "util.sdk"
local seal = require "image.seal"
local text = require "util.text"

local build = {}

-- What opens a network device; every program that has networking has this.
local NET_SYMBOL = "lunik_net_open"

-- The devices that a linked program can use: { { class, name } }.
function build.devices(program)
  local file = elf.parse(program)
  for _, item in ipairs(file and elf.symbols(file).functions or {}) do
    if item.name == NET_SYMBOL then return { { class = "net", name = "net0" } } end
  end
  return {}
end

local function list_of(map)
  local list = {}
  for _, name in ipairs(text.sorted_keys(map)) do
    local item = map[name]
    list[#list + 1] = { name = name, version = item.version, licence = item.licence }
  end
  return list
end

-- The manifest of (project), as image.seal wants it.
local function manifest_of(project, found, options, libraries, devices)
  local is_lua = not (project.c and #project.c.sources > 0)
  return {
    name = project.name, version = project.version,
    main = is_lua and (options.main or project.main) or nil,
    memory = project.memory, heap = project.heap, env = project.env,
    hypervisors = project.hypervisors, path = project.path,
    sdk = sdk.version, modules = list_of(found.modules), libraries = libraries,
    devices = devices,
  }
end

-- Seals (project) for the host platform, which has all modules: the seal alone,
-- without a program. Gives { image, size, changed, project }.
function build.seal(project)
  if project.c and #project.c.sources > 0 then
    fail(fail.USAGE, "%s is a C program, made for an image: on this machine only Lua runs",
      project.name)
  end
  local found, files = follow.project(project, sdk), {}
  for path, file in pairs(found.files) do files[path] = file.data end
  local bytes = seal.build(
    seal.manifest(manifest_of(project, found, {}, list_of(found.libraries), {}), files),
    seal.archive(files), seal.symbols({}, 0, 0))
  local path = ("%s/build/%s.seal"):format(project.folder, project.name)
  return { image = path, size = #bytes, changed = fs.write_if_changed(path, bytes), project = project }
end

-- Seals (project), as load.project() gave it. options: out = folder,
-- main = { path, data } instead of the project's, extra = more files.
-- Gives { image, debug, size, changed, files, modules }.
function build.project(project, options)
  options = options or {}
  local out = options.out or fs.join(project.folder, "build")
  local found = follow.project(project, sdk, options.extra)
  local program, used = link.project(project, found.modules, out)
  local files = {}
  for path, file in pairs(found.files) do files[path] = file.data end
  if project.bytecode then bytecode.add(files) end
  local libraries = sdk.linked_libraries(used)
  for _, library in ipairs(list_of(found.libraries)) do libraries[#libraries + 1] = library end
  local devices = build.devices(program)
  local image, why = seal.image(program,
    manifest_of(project, found, options, libraries, devices), files)
  if not image then fail(fail.SOFTWARE, "cannot seal %s: %s", project.name, why) end
  local base = ("%s/%s"):format(out, project.name)
  local changed = fs.write_if_changed(base .. ".debug", program, 493)
  changed = fs.write_if_changed(base .. ".elf", image, 493) or changed
  for suffix, content in pairs(launch.files(project, devices)) do
    changed = fs.write_if_changed(base .. suffix, content) or changed
  end
  return {
    image = base .. ".elf", debug = base .. ".debug", size = #image, changed = changed,
    files = found.files, modules = found.modules, project = project,
  }
end

-- The same from the folder's name.
function build.folder(folder, options)
  return build.project(load.project(folder), options)
end

return build
