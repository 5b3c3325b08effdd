-- SPDX-License-Identifier: MIT
-- load.lua: the project file lunik.lua: run in a sandbox, checked by a schema.

local fail = require "util.fail"
local fs = require "util.fs"
local glob = require "project.glob"
local host = require "lunik.host"
local lexer = require "project.lexer"
local text = require "util.text"

local load = {}

local INSTRUCTIONS = 1000000
local BYTES = 16 << 20

-- A short form of (value) for messages.
local function show(value)
  if type(value) == "string" then return text.quoted(value) end
  if type(value) == "table" then return "a table" end
  return tostring(value)
end

-- ---- Checks of single values: nil, or what was expected ----

local function string_value(value)
  if type(value) ~= "string" then return "a string" end
  if value:find "%c" then return "a string without control characters" end
end

local function name_value(value)
  if type(value) ~= "string" or not value:match "^[a-z0-9_-]+$" or #value > 64 then
    return "a string of 1 to 64 of the characters a-z 0-9 _ -"
  end
end

local function size_value(value)
  if not text.parse_size(value) then
    return "a size like \"16M\", \"512K\" or a number of bytes"
  end
end

local function path_value(value)
  if type(value) ~= "string" then return "a string: a path in the project" end
  local why = glob.refuse(value)
  if why then return "a path in the project, but " .. why end
end

local function list_of(item, what)
  return function(value)
    if type(value) ~= "table" then return "a list of " .. what end
    local count = 0
    for _ in pairs(value) do count = count + 1 end
    if count ~= #value then return "a list of " .. what .. ", without keys" end
    for i, entry in ipairs(value) do
      local expected = item(entry)
      if expected then return ("as item %d %s"):format(i, expected), entry end
    end
  end
end

local function one_of(names)
  return function(value)
    for _, name in ipairs(names) do
      if value == name then return nil end
    end
    return "one of " .. table.concat(names, ", ")
  end
end

local function template_value(value)
  if type(value) ~= "string" or not value:find("?", 1, true) then
    return "a template with a \"?\", like \"lib/?.lua\""
  end
  return path_value(value)
end

local function boolean_value(value)
  if type(value) ~= "boolean" then return "true or false" end
end

local function environment_value(value)
  if type(value) ~= "table" then return "a table of NAME = \"value\"" end
  for name, entry in pairs(value) do
    if type(name) ~= "string" or not name:match "^[%a_][%w_]*$" then
      return "a table of NAME = \"value\", with names of letters, digits and _"
    end
    if string_value(entry) then return ("for %s %s"):format(name:sub(1, 80), string_value(entry)) end
  end
end

-- ---- The schema: every key, its check and its default ----

local schema
schema = {
  name = { name_value },
  version = { string_value, "0.0.0" },
  main = { path_value, "main.lua" },
  include = { list_of(path_value, "patterns"), {} },
  path = { list_of(template_value, "templates of package.path"), { "?.lua", "?/init.lua" } },
  modules = { list_of(string_value, "names of C modules"), {} },
  dependencies = { list_of(string_value, "names of libraries"), {} },
  optional = { list_of(string_value, "names of modules"), {} },
  memory = { size_value },
  heap = { size_value },
  bytecode = { boolean_value, true },
  env = { environment_value, {} },
  hypervisors = {
    list_of(one_of { "kvm", "tcg", "xen", "firecracker" }, "hypervisors"), {},
  },
  tests = { path_value, "tests/*.lua" },
  c = {
    keys = {
      sources = { list_of(path_value, "paths"), {} },
      include = { list_of(path_value, "paths"), {} },
    },
  },
}
load.schema = schema

local function check_table(file, lines, values, keys, prefix)
  for _, key in ipairs(text.sorted_keys(values)) do
    local path = prefix .. tostring(key)
    local where = lines[path] and (":%d"):format(lines[path]) or ""
    local rule = keys[key]
    if not rule then
      fail(fail.DATA, "%s%s: unknown key %s%s", file, where, show(path),
        type(key) == "string" and text.did_you_mean(key, text.sorted_keys(keys)) or "")
    end
    local value = values[key]
    if rule.keys then
      if type(value) ~= "table" then
        fail(fail.DATA, "%s%s: %s must be a table with the keys %s, not %s", file, where,
          show(path), table.concat(text.sorted_keys(rule.keys), ", "), show(value))
      end
      check_table(file, lines, value, rule.keys, path .. ".")
    else
      local expected, culprit = rule[1](value)
      if expected then
        fail(fail.DATA, "%s%s: %s must be %s, not %s", file, where, show(path), expected,
          show(culprit == nil and value or culprit))
      end
    end
  end
end

local function fill(values, keys)
  for key, rule in pairs(keys) do
    if values[key] == nil and rule[2] ~= nil then values[key] = rule[2] end
    if rule.keys and values[key] then fill(values[key], rule.keys) end
  end
end

-- The checked table that (source), named (file) in messages, returns.
function load.parse(source, file, default_name)
  local values, why = host.sandbox(source, "@" .. file, INSTRUCTIONS, BYTES)
  if why then
    if not why:find("^" .. file:gsub("%p", "%%%0") .. ":") then why = file .. ": " .. why end
    if why:find "global '" then
      why = why .. "; a project file has only values, no functions"
    end
    fail(fail.DATA, "%s", why)
  end
  if type(values) ~= "table" then
    fail(fail.DATA, "%s: it must return a table, as in: return { name = \"shop\" }", file)
  end
  local lines = lexer.key_lines(source)
  check_table(file, lines, values, schema, "")
  values.name = values.name or default_name
  fill(values, schema)
  -- As the archive wants paths: it refuses "./main.lua" and "a//b.lua".
  values.main = glob.plain(values.main)
  values.path = table.move(values.path, 1, #values.path, 1, {})
  for i, template in ipairs(values.path) do values.path[i] = glob.plain(template) end
  if values.memory then values.memory = text.parse_size(values.memory) end
  if values.heap then values.heap = text.parse_size(values.heap) end
  values.lines = lines
  return values
end

-- A name for an image from its folder's name.
local function name_of(folder)
  local name = (fs.real(folder) or folder):match "([^/]*)$"
  name = name:lower():gsub("[^a-z0-9_-]", "-"):sub(1, 64)
  return name ~= "" and name or "image"
end

-- The project in (folder): the checked table, with .folder and .file.
function load.project(folder)
  if not fs.is_folder(folder) then
    fail(fail.NO_INPUT, "there is no folder %s", folder)
  end
  local file = fs.join(folder, "lunik.lua")
  local source = fs.try_read(file)
  if not source and not fs.is_file(fs.join(folder, "main.lua")) then
    fail(fail.NO_INPUT,
      "%s has no lunik.lua and no main.lua: it is no project (`lunik new NAME` makes one)",
      folder == "." and "this folder" or folder)
  end
  local project = load.parse(source or "return {}", folder == "." and "lunik.lua" or file,
    name_of(folder))
  project.folder = folder
  project.file = folder == "." and "lunik.lua" or file
  return project
end

return load
