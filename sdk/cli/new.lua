-- SPDX-License-Identifier: MIT
-- new.lua: `lunik new`: makes a project from the templates.

local fail = require "util.fail"
local fs = require "util.fs"
local sdk = require "util.sdk"

local command = {
  summary = "Make a new project.",
  help = [[
   lunik new shop && cd shop && lunik run
makes a folder with main.lua, lunik.lua, a test and a .gitignore.]],
}

function command.define(parser)
  parser:argument("name", "The project's folder; its last part is its name.")
end

function command.run(args)
  local folder = args.name:gsub("/+$", "")
  local name = folder:match "([^/]*)$"
  if not name:match "^[a-z0-9_-]+$" or #name > 64 then
    fail(fail.USAGE, "%q is no name for an image: it may have the characters a-z 0-9 _ -", name)
  end
  if fs.is_folder(folder) and #fs.list(folder) > 0 or fs.is_file(folder) then
    fail(fail.CANNOT_WRITE, "%s is there already, and not empty", folder)
  end
  local templates = sdk.share .. "/templates/project"
  for _, path in ipairs(fs.walk(templates)) do
    local content = fs.read(templates .. "/" .. path):gsub("@NAME@", name)
    fs.write(fs.join(folder, (path:gsub("^gitignore$", ".gitignore"))), content)
  end
  if not args.quiet then
    print(("made %s; next: cd %s && lunik run"):format(folder, folder))
  end
  return 0
end

return command
