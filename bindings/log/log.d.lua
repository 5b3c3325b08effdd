---@meta lunik.log
-- SPDX-License-Identifier: MIT
-- log.d.lua: annotations of lunik.log for editors. See docs/lua-api.md.

---Lines of fields on the console. Logging never raises because of a value.
---@class lunik.log
local log = {}

---@class lunik.log.logger
local Logger = {}

---@param message any
---@param fields? table<any, any>
function log.debug(message, fields) end

---@param message any
---@param fields? table<any, any>
function log.info(message, fields) end

---@param message any
---@param fields? table<any, any>
function log.warn(message, fields) end

---@param message any
---@param fields? table<any, any>
function log.error(message, fields) end

---@param level "debug"|"info"|"warn"|"error"
---@param message any
---@param fields? table<any, any>
---@return string line what would be written
function log.render(level, message, fields) end

---@param fields table<any, any> go into each of the logger's lines
---@return lunik.log.logger
function log.with(fields) end

---@param name? "debug"|"info"|"warn"|"error"|"none"
---@return string before
function log.level(name) end

---@param name? "logfmt"|"json"
---@return string before
function log.format(name) end

---@param message any
---@param fields? table<any, any>
function Logger:debug(message, fields) end

---@param message any
---@param fields? table<any, any>
function Logger:info(message, fields) end

---@param message any
---@param fields? table<any, any>
function Logger:warn(message, fields) end

---@param message any
---@param fields? table<any, any>
function Logger:error(message, fields) end

---@param level "debug"|"info"|"warn"|"error"
---@param message any
---@param fields? table<any, any>
---@return string line what would be written
function Logger:render(level, message, fields) end

---@param fields table<any, any>
---@return lunik.log.logger
function Logger:with(fields) end

return log
