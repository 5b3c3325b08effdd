---@meta lunik.http
-- SPDX-License-Identifier: MIT
-- http.d.lua: annotations of lunik.http for editors. See docs/lua/http.md.

---@class lunik.http
local http = {}

---@class lunik.http.headers
---@field [string] string
local Headers = {}
---@param name string
---@return string?
function Headers:get(name) end
---@param name string
---@return string[]
function Headers:all(name) end

---@class lunik.http.request: lunik.stream
---@field method string
---@field target string
---@field path string
---@field query? string
---@field version "1.0"|"1.1"
---@field headers lunik.http.headers
---@field host? string
---@field scheme string
---@field remote? string
---@field trailers table<string, string>
---@field params? table<string, string>
---@field state table
local Request = {}
---@return table<string, string>
function Request:query_table() end
---@param limit? integer
---@param timeout? number
---@return string?
---@return string? err
function Request:body(limit, timeout) end

---@class lunik.http.response
---@field sent boolean
local Response = {}
---@param code integer
---@return lunik.http.response
function Response:status(code) end
---@param name string
---@param value string|number|nil
---@return lunik.http.response
function Response:set(name, value) end
---@param name string
---@param value string|number
---@return lunik.http.response
function Response:add(name, value) end
---@param ... string
---@return true?
---@return string? err
function Response:write(...) end
---@return true?
---@return string? err
function Response:flush() end
---@return true?
---@return string? err
function Response:finish() end
---@param status integer
---@param body? any
---@param headers? table<string, string|string[]>
---@return true?
---@return string? err
function Response:send(status, body, headers) end
---@param protocol string
---@param headers? table<string, string|string[]>
---@return lunik.stream?
---@return string? err
function Response:upgrade(protocol, headers) end

---@class lunik.http.limits
---@field head? integer
---@field fields? integer
---@field body? integer
---@field head_time? number
---@field body_idle? number
---@field keep_alive? number
---@field connections? integer
---@field workers? integer

---@class lunik.http.options
---@field handler fun(req: lunik.http.request, res: lunik.http.response): any, any, any
---@field host? string
---@field port? integer
---@field limits? lunik.http.limits
---@field log? boolean|fun(req: lunik.http.request?, status: integer, bytes: integer, seconds: number)
---@field drain? number

---@class lunik.http.stats
---@field requests integer
---@field classes integer[]
---@field accepted integer
---@field received_bytes integer
---@field sent_bytes integer
---@field bad_requests integer
---@field timeouts integer
---@field refused integer
---@field seconds number
---@field buckets { le: number, count: integer }[]
---@field connections? integer
---@field workers? integer
---@field idle_workers? integer

---@class lunik.http.server
---@field stats lunik.http.stats
local Server = {}
---@param host? string
---@param port? integer
---@return true?
---@return string? err
function Server:listen(host, port) end
---@return true
function Server:run() end
---@param seconds? number
function Server:stop(seconds) end
---@param index? integer
---@return string address
---@return integer port
function Server:address(index) end
---@param stream lunik.stream
---@return true
function Server:serve(stream) end

---@param options lunik.http.options
---@return lunik.http.server
function http.server(options) end
---@param options lunik.http.options
---@return true?
---@return string? err
function http.serve(options) end
---@return lunik.http.stats
function http.stats() end
---Raises what is answered with this status.
---@param status integer
---@param body? any
---@param headers? table<string, string|string[]>
function http.error(status, body, headers) end
---@param path string
---@param first? integer
---@param last? integer
---@return userdata?
---@return integer|string size_or_err
function http.file(path, first, last) end

---@class lunik.http.answer
---@field status integer
---@field reason string
---@field version string
---@field headers lunik.http.headers
---@field body? string
---@field trailers table<string, string>
---@field url string

---@class lunik.http.request_options
---@field url string
---@field method? string
---@field headers? table<string, string|string[]>
---@field body? string|fun(): string?|lunik.stream
---@field timeout? number
---@field redirects? integer
---@field limit? integer
---@field stream? boolean
---@field expect? boolean

---@param options lunik.http.request_options|string
---@return lunik.http.answer?
---@return string? err
function http.request(options) end
---@param url string
---@param options? table
---@return lunik.http.answer?
---@return string? err
function http.get(url, options) end
---@param url string
---@param body any
---@param options? table
---@return lunik.http.answer?
---@return string? err
function http.post(url, body, options) end

---@class lunik.http.client
local Client = {}
---@param options lunik.http.request_options|string
---@return lunik.http.answer?
---@return string? err
function Client:request(options) end
---@param url string
---@param options? table
---@return lunik.http.answer?
---@return string? err
function Client:get(url, options) end
---@param url string
---@param body any
---@param options? table
---@return lunik.http.answer?
---@return string? err
function Client:post(url, body, options) end
function Client:close() end

---@param options? table
---@return lunik.http.client
function http.client(options) end
---@param stream lunik.stream
---@param options? { method?: string, head?: integer, fields?: integer, body?: integer, timeout?: number, interim?: boolean }
---@return table?
---@return string? err
function http.read_response(stream, options) end

---@param text string
---@return { scheme: string, user?: string, host: string, port: integer, path: string, query?: string, fragment?: string }?
---@return string? err
function http.parse_url(text) end
---@param text string
---@param keeps? string
---@return string
function http.escape(text, keeps) end
---@param text string
---@return string?
---@return string? err
function http.unescape(text) end
---@param text string
---@return table<string, string>
function http.parse_query(text) end
---@param path string
---@return string?
function http.normalize_path(path) end
---@param code integer
---@return string
function http.status_text(code) end
---@param seconds? number
---@return string
function http.date(seconds) end
---@param text string
---@return integer?
function http.parse_date(text) end
---@param text string
---@return boolean
function http.is_token(text) end
---@param text string
---@return boolean
function http.is_value(text) end

return http
