---@meta lunik.http.websocket
-- SPDX-License-Identifier: MIT
-- websocket.d.lua: annotations of lunik.http.websocket for editors. See
-- docs/lua/http-websocket.md.

---WebSocket, RFC 6455: both ends.
---@class lunik.http.websocket
local websocket = {}

---@class lunik.http.websocket.socket
---@field protocol? string the one that was agreed on
---@field code? integer of the close
---@field reason? string of the close
local Socket = {}

---@class lunik.http.websocket.options
---@field protocols? string[] the best first
---@field max? integer bytes of a message that is received (1 MiB)
---@field queue? integer bytes that post() lets wait (1 MiB)
---@field ping? number seconds of silence before a ping is sent

---@class lunik.http.websocket.server_options: lunik.http.websocket.options
---@field origins? "*"|string[]|fun(origin: string, req: lunik.http.request): boolean

---@class lunik.http.websocket.client_options: lunik.http.websocket.options
---@field headers? table<string, string>
---@field origin? string
---@field timeout? number seconds for the handshake (30)
---@field connect? fun(host: string, port: integer, timeout: number): any, string?

---@param req lunik.http.request
---@param res lunik.http.response
---@param options? lunik.http.websocket.server_options
---@return lunik.http.websocket.socket?
---@return string? why the request was answered otherwise
function websocket.upgrade(req, res, options) end

---@param url string "ws://host:port/path"
---@param options? lunik.http.websocket.client_options
---@return lunik.http.websocket.socket?
---@return string? err
function websocket.connect(url, options) end

---@param timeout? number
---@return string? data
---@return "text"|"binary"|"timeout"|"closed" kind
---@return integer? code
---@return string? reason
function Socket:receive(timeout) end

---@return fun(): string?, string? messages until it is closed
function Socket:messages() end

---@param data string
---@param kind? "text"|"binary"
---@return true? sent
---@return "closed"? err
function Socket:send(data, kind) end

---As send(), later: it does not wait.
---@param data string
---@param kind? "text"|"binary"
---@return true? taken
---@return ("closed"|"full")? err
function Socket:post(data, kind) end

---@param data? string at most 125 bytes
---@return true? sent
---@return "closed"? err
function Socket:ping(data) end

---@return boolean
function Socket:is_open() end

---@param code? integer 1000 to 1003, 1007 to 1014, 3000 to 4999
---@param reason? string at most 123 bytes
function Socket:close(code, reason) end

return websocket
