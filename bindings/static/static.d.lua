---@meta lunik.http.static
-- SPDX-License-Identifier: MIT
-- static.d.lua: annotations of lunik.http.static for editors. See
-- docs/lua/http-static.md.

---Serves files of the sealed tree.
---@class lunik.http.static
local static = {}

---@class lunik.http.static.options
---@field index? string|false the file of a folder ("index.html")
---@field max_age? integer seconds that clients may keep a file (0: they ask)
---@field precompressed? boolean send file.br or file.gz to who takes it (true)
---@field modified? number seconds since 1970, for Last-Modified
---@field spa? string the file for paths that are none and have no extension
---@field not_found? string the file for 404
---@field types? table<string, string> extension -> content type

---@param root string a folder of the project, which `include` names
---@param options? lunik.http.static.options
---@return lunik.http.handler
function static.new(root, options) end

return static
