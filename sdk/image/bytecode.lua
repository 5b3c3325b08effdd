-- SPDX-License-Identifier: MIT
-- bytecode.lua: compiles an image's scripts, so that it need not do so at each
-- start. The SDK's Lua is the image's: the same version, the same sizes.

local fail = require "util.fail"
local lexer = require "project.lexer"

local bytecode = {}

-- Where the runtime looks: runtime/loader.c.
bytecode.FOLDER = ".bytecode/"

local PATH_MAX = 255

-- Adds to (files), path -> bytes, the bytecode of each script in it, with its
-- lines and names. What does not compile stays as it is.
function bytecode.add(files)
  local compiled = {}
  for path, source in pairs(files) do
    if path:sub(1, #bytecode.FOLDER) == bytecode.FOLDER then
      fail(fail.DATA, "%s: the folder %s is the sealer's own", path, bytecode.FOLDER)
    end
    local chunk = path:match "%.lua$" and load(lexer.without_preamble(source), "@" .. path, "t")
    local to = bytecode.FOLDER .. path
    if chunk and #to <= PATH_MAX then compiled[to] = string.dump(chunk) end
  end
  for path, data in pairs(compiled) do files[path] = data end
end

return bytecode
