-- SPDX-License-Identifier: MIT
-- follow.lua: which files and C modules a project needs: from its main script
-- by `require`, and by the patterns of `include`.

local fail = require "util.fail"
local fs = require "util.fs"
local glob = require "project.glob"
local lexer = require "project.lexer"
local text = require "util.text"

local follow = {}

-- What every Lua state has without a file.
local builtin = {
  _G = true, coroutine = true, debug = true, io = true, math = true, os = true,
  package = true, string = true, table = true, utf8 = true,
}

-- Refuses a file that lies outside of the project by a link.
local function check_inside(state, path, why)
  local real, root = fs.real(fs.join(state.folder, path)), state.root
  if not real or (real:sub(1, #root + 1) ~= root .. "/") then
    fail(fail.DATA, "%s: %s is a link out of the project", why, path)
  end
end

local function shown(state, path)
  return state.folder == "." and path or fs.join(state.folder, path)
end

local function add_file(state, path, data, origin)
  if #path > 255 then
    fail(fail.DATA, "the path %s... is longer than 255 bytes", path:sub(1, 60))
  end
  if not state.files[path] then
    state.files[path] = { data = data, origin = origin }
  end
end

local visit

local function want_module(state, name)
  local module = state.sdk.modules[name]
  if not module or state.modules[name] then return end
  state.modules[name] = module
  for _, other in ipairs(module.optional or {}) do state.optional[other] = true end
  for _, path in ipairs(module.lua or {}) do
    visit(state, path.path, path.data, "module " .. name)
  end
  for _, other in ipairs(module.requires or {}) do want_module(state, other) end
end

-- Finds (name) by the templates, in the project, the libraries, and the SDK.
-- True, or the places that were searched.
local function resolve(state, name)
  local searched = {}
  local as_path = name:gsub("%.", "/")
  for _, template in ipairs(state.project.path) do
    local path = template:gsub("%?", (as_path:gsub("%%", "%%%%")))
    if state.files[path] then return true end
    -- "a..b" makes "a//b.lua", which is no path of an archive.
    local is_path = not glob.refuse(path) and glob.plain(path) == path
    if is_path and fs.is_file(fs.join(state.folder, path)) then
      check_inside(state, path, ("require %q"):format(name))
      visit(state, path, fs.read(fs.join(state.folder, path)), "project")
      return true
    end
    searched[#searched + 1] = shown(state, path)
  end
  if state.sdk.modules[name] then
    want_module(state, name)
    return true
  end
  for _, template in ipairs { "?.lua", "?/init.lua" } do
    local path = template:gsub("%?", (as_path:gsub("%%", "%%%%")))
    local data = state.sdk.lua(path)
    if data then
      visit(state, path, data, "SDK")
      return true
    end
  end
  return false, searched
end

-- Names that `require` could have meant.
local function candidates(state)
  local names = text.sorted_keys(state.sdk.modules)
  for name in pairs(builtin) do names[#names + 1] = name end
  for _, path in ipairs(state.project_files()) do
    local name = path:match "^(.*)/init%.lua$" or path:match "^(.*)%.lua$"
    if name then names[#names + 1] = (name:gsub("/", ".")) end
  end
  return names
end

local function not_found(state, path, item, searched)
  local lines = {
    ("%s:%d: module %s is not found%s"):format(shown(state, path), item.line,
      text.quoted(item.name),
      text.did_you_mean(item.name, candidates(state))),
  }
  for _, place in ipairs(searched) do
    lines[#lines + 1] = "  no file " .. text.printable(#place > 200 and place:sub(1, 200) .. "..." or place)
  end
  lines[#lines + 1] = "  no module of the SDK of that name"
  fail(fail.DATA, "%s", table.concat(lines, "\n"))
end

-- Some functions of a module are made by another one: it is needed by who uses
-- them.
local function want_parts(state, data, name)
  local module = state.sdk.modules[name]
  if not module or not module.parts then return end
  local fields = lexer.fields(data, name)
  for field, part in pairs(module.parts) do
    if not fields or fields[field] then want_module(state, part) end
  end
end

-- Adds a Lua file, and what it requires.
function visit(state, path, data, origin)
  local code = lexer.without_preamble(data)
  if state.files[path] then return end
  if path:sub(-4) == ".lua" then
    local compiled, why = _G.load(code, "@" .. shown(state, path), "t")
    if not compiled then fail(fail.DATA, "%s", why) end
  end
  add_file(state, path, data, origin)
  for _, item in ipairs(lexer.requires(code)) do
    if not builtin[item.name] then
      local found, searched = resolve(state, item.name)
      if not found and not item.optional and not state.optional[item.name] then
        not_found(state, path, item, searched)
      end
      want_parts(state, code, item.name)
    end
  end
end

local function include(state, pattern)
  local matched = 0
  local line = state.project.lines["include"]
  local where = ("%s%s"):format(state.project.file, line and ":" .. line or "")
  for _, path in ipairs(state.project_files()) do
    if glob.matches(pattern, path) then
      matched = matched + 1
      check_inside(state, path, ("%s: include pattern %q"):format(where, pattern))
      local full = fs.join(state.folder, path)
      if fs.is_file(full) then
        if path:sub(-4) == ".lua" then
          visit(state, path, fs.read(full), "project")
        else
          add_file(state, path, fs.read(full), "project")
        end
      end
    end
  end
  if matched == 0 then
    fail(fail.DATA, "%s: include pattern %q matches no file", where, pattern)
  end
end

local function add_libraries(state)
  local names = text.sorted_keys(state.sdk.libraries)
  for _, name in ipairs(state.project.dependencies) do
    local library = state.sdk.libraries[name]
    if not library then
      local line = state.project.lines["dependencies"]
      fail(fail.DATA, "%s%s: there is no library %q in the lock%s", state.project.file,
        line and ":" .. line or "", name, text.did_you_mean(name, names))
    end
    for _, file in ipairs(library.files()) do
      add_file(state, file.path, file.data, "library " .. name)
    end
    state.libraries[name] = library
    -- So `require "luaunit"` finds luaunit/luaunit.lua.
    local template = name .. "/?.lua"
    local is_known = false
    for _, known in ipairs(state.project.path) do is_known = is_known or known == template end
    if not is_known then
      state.project.path = table.move(state.project.path, 1, #state.project.path, 1, {})
      table.insert(state.project.path, template)
    end
  end
  -- Their requires are followed once all of them are there.
  for _, path in ipairs(text.sorted_keys(state.files)) do
    if path:sub(-4) == ".lua" then
      for _, item in ipairs(lexer.requires(state.files[path].data)) do
        if not builtin[item.name] then resolve(state, item.name) end
      end
    end
  end
end

-- What (project) is made of: { files = { path -> { data, origin } },
-- modules = { name -> descriptor }, libraries = { name -> library } }.
-- (sdk) offers .modules, .lua(path) and .libraries; (extra) is a list of more
-- Lua files { path =, data = } to begin with.
function follow.project(project, sdk, extra)
  local listed
  local state = {
    project = project, sdk = sdk, folder = project.folder,
    root = fs.real(project.folder), files = {}, modules = {}, libraries = {}, optional = {},
  }
  for _, name in ipairs(project.optional or {}) do state.optional[name] = true end
  function state.project_files()
    listed = listed or fs.walk(project.folder, function(path)
      return path == "build" or path == ".git"
    end)
    return listed
  end
  add_libraries(state)
  for _, name in ipairs(project.modules) do
    if not sdk.modules[name] then
      local line = project.lines["modules"]
      fail(fail.DATA, "%s%s: there is no C module %q%s", project.file,
        line and ":" .. line or "", name,
        text.did_you_mean(name, text.sorted_keys(sdk.modules)))
    end
    want_module(state, name)
  end
  local has_c = project.c and #project.c.sources > 0
  if not has_c then
    local full = fs.join(project.folder, project.main)
    if not fs.is_file(full) then
      local line = project.lines["main"]
      fail(fail.NO_INPUT, "%s%s: the main script %s is not there%s", project.file,
        line and ":" .. line or "", shown(state, project.main),
        text.did_you_mean(project.main, state.project_files()))
    end
    check_inside(state, project.main, "main")
    visit(state, project.main, fs.read(full), "project")
  end
  for _, file in ipairs(extra or {}) do visit(state, file.path, file.data, file.origin or "SDK") end
  for _, pattern in ipairs(project.include) do include(state, pattern) end
  return state
end

return follow
