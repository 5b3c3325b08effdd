-- SPDX-License-Identifier: MIT
-- build.lua: `lunik build`: seals a project into an image.

local build = require "image.build"
local fs = require "util.fs"
local json = require "util.json"
local load = require "project.load"
local text = require "util.text"

local command = {
  json = true,
  summary = "Seal a project into an image.",
  help = [[
Writes into the project's build folder: NAME.elf, the image; NAME.debug, the
same program with symbols; and launch files: NAME.xl.cfg for Xen, NAME.qemu.sh,
NAME.firecracker.json and NAME.libvirt.xml.]],
}

function command.define(parser)
  parser:argument("project", "A project's folder (this one)."):args "?"
  parser:option("-o --out", "Write into this folder instead of build/."):argname "FOLDER"
end

function command.run(args)
  local project = load.project(args.project)
  local built = build.project(project, { out = args.out })
  if args.json then
    print(json.encode({
      image = built.image, debug = built.debug, size = built.size, changed = built.changed,
      name = project.name, version = project.version,
      files = setmetatable(text.sorted_keys(built.files), json.array),
      modules = setmetatable(text.sorted_keys(built.modules), json.array),
    }, "  "))
    return 0
  end
  if args.verbose then
    for _, path in ipairs(text.sorted_keys(built.files)) do
      local file = built.files[path]
      print(("  %-40s %9s  %s"):format(path, text.digits(#file.data), file.origin))
    end
    for _, name in ipairs(text.sorted_keys(built.modules)) do print("  module " .. name) end
  end
  if not args.quiet then
    local count = 0
    for _ in pairs(built.files) do count = count + 1 end
    print(("%s: %s bytes, %s%s"):format(built.image, text.digits(built.size),
      text.plural(count, "file"), built.changed and "" or ", nothing to do"))
  end
  return fs.is_file(built.image) and 0 or 1
end

return command
