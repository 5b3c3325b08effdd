---@meta lunik.http.accesslog
-- SPDX-License-Identifier: MIT
-- accesslog.d.lua: annotations of lunik.http.accesslog for editors. See
-- docs/lua/http-accesslog.md.

---A line for each request.
---@class lunik.http.accesslog
local accesslog = {}

---@class lunik.http.accesslog.entry
---@field remote? string the client's address
---@field time number seconds since 1970
---@field method string
---@field target string
---@field version string
---@field status integer
---@field bytes? integer of the body
---@field seconds number
---@field referer? string
---@field agent? string

---@alias lunik.http.accesslog.format "combined"|"fields"|fun(entry: lunik.http.accesslog.entry)

---For the server's `log`.
---@param format? lunik.http.accesslog.format
---@return fun(req: lunik.http.request, status: integer, bytes: integer, seconds: number)
function accesslog.server(format) end

---As middleware of a router.
---@param format? lunik.http.accesslog.format
---@return lunik.http.middleware
function accesslog.new(format) end

---@param entry lunik.http.accesslog.entry
---@return string line
function accesslog.combined(entry) end

return accesslog
