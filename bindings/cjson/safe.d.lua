---@meta cjson.safe

--- As `cjson`, but encode and decode give nil and a message instead of raising.
---@class cjson.safe: cjson
local safe = {}

---@param value any
---@return string? text
---@return string? message
function safe.encode(value) end

---@param text string
---@return any value nil if it is no JSON
---@return string? message
function safe.decode(text) end

---@return cjson.safe
function safe.new() end

return safe
