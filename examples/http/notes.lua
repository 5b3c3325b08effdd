-- SPDX-License-Identifier: MIT
-- notes.lua: short notes over HTTP as JSON, kept in memory.
local json = require "cjson.safe"
local router = require "lunik.http.router"

local notes = {}

local COUNT_MAX = 1000
local TEXT_MAX = 1000 -- bytes
local BODY_MAX = 8 * 1024

local function answer(status, value)
  return status, json.encode(value) .. "\n", { ["Content-Type"] = "application/json" }
end

local function refuse(status, why) return answer(status, { error = why }) end

-- The text of a request {"text": "..."}; nil and the answer if it is none.
local function read_text(req)
  local body, err = req:body(BODY_MAX)
  if not body then return nil, err == "too long" and 413 or 400, err end
  local value = json.decode(body)
  local text = type(value) == "table" and value.text
  if type(text) ~= "string" or not text:find "%S" then
    return nil, 422, "a note needs a text"
  elseif #text > TEXT_MAX then
    return nil, 422, ("a note's text has at most %d bytes"):format(TEXT_MAX)
  end
  return text
end

--- A router for everything below /api/notes, with notes of its own.
function notes.routes()
  local list, by_id, last = {}, {}, 0
  local r = router.new()

  local function find(req) return by_id[math.tointeger(req.params.id)] end

  r:get("/", function()
    -- An empty table could be an object.
    return answer(200, { notes = list[1] and list or json.empty_array })
  end)

  r:post("/", function(req)
    local text, status, why = read_text(req)
    if not text then return refuse(status, why) end
    if #list >= COUNT_MAX then return refuse(507, "there are too many notes") end
    last = last + 1
    local note = { id = last, text = text }
    list[#list + 1], by_id[last] = note, note
    local code, body, headers = answer(201, note)
    headers.Location = "/api/notes/" .. last
    return code, body, headers
  end)

  r:get("/:id", function(req)
    local note = find(req)
    if not note then return refuse(404, "there is no such note") end
    return answer(200, note)
  end)

  r:put("/:id", function(req)
    local note = find(req)
    if not note then return refuse(404, "there is no such note") end
    local text, status, why = read_text(req)
    if not text then return refuse(status, why) end
    note.text = text
    return answer(200, note)
  end)

  r:delete("/:id", function(req)
    local note = find(req)
    if not note then return refuse(404, "there is no such note") end
    by_id[note.id] = nil
    for i, one in ipairs(list) do
      if one == note then table.remove(list, i) break end
    end
    return 204
  end)

  return r:fallback(function() return refuse(404, "there is nothing here") end)
end

return notes
