---@meta lunik.http.events
-- SPDX-License-Identifier: MIT
-- events.d.lua: annotations of lunik.http.events for editors. See
-- docs/lua/http-events.md.

---Server-sent events.
---@class lunik.http.events
local events = {}

---@class lunik.http.events.stream
local Stream = {}

---@class lunik.http.events.event
---@field data? string any number of lines
---@field event? string the event's name, one line
---@field id? string|integer comes back as Last-Event-ID, one line
---@field retry? number seconds before the client connects again

---Begins the answer.
---@param res lunik.http.response
---@param options? { keep_alive?: number|false, headers?: table<string, string> }
---@return lunik.http.events.stream
function events.start(res, options) end

---@param event lunik.http.events.event|string
---@return true? sent
---@return string? err
function Stream:send(event) end

---@param text? string
---@return true? sent
---@return string? err
function Stream:comment(text) end

---@return boolean
function Stream:is_open() end

function Stream:close() end

return events
