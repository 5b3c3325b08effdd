---@meta mime

--- LuaSocket's encodings: filters for ltn12, and below them functions that work
--- on pieces: (piece, rest of the last piece) -> result, rest.
---@class mime
---@field _VERSION string
local mime = {}

---@param name "base64"|"quoted-printable"
---@param mode? "text"|"binary"
---@return fun(chunk: string?): string?
function mime.encode(name, mode) end
---@param name "base64"|"quoted-printable"
---@return fun(chunk: string?): string?
function mime.decode(name) end
---@param name? "text"|"base64"|"quoted-printable"
---@param length? integer
---@return fun(chunk: string?): string?
function mime.wrap(name, length) end
---@param marker? string
---@return fun(chunk: string?): string?
function mime.normalize(marker) end
---@return fun(chunk: string?): string?
function mime.stuff() end

---@param a? string
---@param b? string
---@return string? encoded, string? rest
function mime.b64(a, b) end
---@param a? string
---@param b? string
---@return string? decoded, string? rest
function mime.unb64(a, b) end
---@param a? string
---@param b? string
---@param marker? string
---@return string? encoded, string? rest
function mime.qp(a, b, marker) end
---@param a? string
---@param b? string
---@return string? decoded, string? rest
function mime.unqp(a, b) end
---@param left integer
---@param text? string
---@param length? integer
---@return string? wrapped, integer left
function mime.wrp(left, text, length) end
---@param left integer
---@param text? string
---@param length? integer
---@return string? wrapped, integer left
function mime.qpwrp(left, text, length) end
---@param code integer
---@param text? string
---@param marker? string
---@return string? text, integer code
function mime.eol(code, text, marker) end
---@param state integer
---@param text? string
---@return string? text, integer state
function mime.dot(state, text) end

return mime
