-- SPDX-License-Identifier: MIT
-- upstream.lua: third-party sources, as the build has extracted them.

local fs = require "util.fs"
local suite = require "suite"

local upstream = {}

-- The folder of the lock file's (name).
function upstream.folder(name)
  local root = suite.root .. "/build/deps/src"
  for _, entry in ipairs(fs.is_folder(root) and fs.list(root) or {}) do
    if entry:find("^" .. name .. "%-") and not entry:find "%.part$" then
      return root .. "/" .. entry
    end
  end
  suite.skip(name .. " has not been extracted: the unit tests' configure does that")
end

-- Adds to (files) all files below (folder) of (name), under (prefix).
function upstream.add(files, name, folder, prefix)
  local root = upstream.folder(name) .. "/" .. folder
  for _, path in ipairs(fs.walk(root)) do files[prefix .. path] = fs.read(root .. "/" .. path) end
end

return upstream
