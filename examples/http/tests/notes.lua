-- SPDX-License-Identifier: MIT
-- notes.lua: the API without a network: requests are tables.
local json = require "cjson.safe"
local notes = require "notes"
local test = require "lunik.test"

local function ask(routes, method, target, body)
  local req = { method = method, target = target, headers = {}, state = {} }
  function req.body() return body end
  local status, text, headers = routes(req, {})
  return status, text and json.decode(text) or nil, headers
end

return {
  ["a note is made, read, changed and removed"] = function()
    local r = notes.routes()
    local status, note, headers = ask(r, "POST", "/", '{"text":"milk"}')
    test.equal(status, 201)
    test.equal(note.text, "milk")
    test.equal(headers.Location, "/api/notes/1")
    test.equal(select(2, ask(r, "GET", "/1")).text, "milk")
    test.equal(select(2, ask(r, "PUT", "/1", '{"text":"bread"}')).text, "bread")
    test.equal(select(2, ask(r, "GET", "/")).notes[1].text, "bread")
    test.equal(ask(r, "DELETE", "/1"), 204)
    test.equal(ask(r, "GET", "/1"), 404)
    test.equal(#select(2, ask(r, "GET", "/")).notes, 0)
  end,

  ["what is no note is refused"] = function()
    local r = notes.routes()
    for _, body in ipairs { "", "{", "[]", "null", '"x"', "{}", '{"text":5}', '{"text":" "}',
      '{"text":"' .. ("x"):rep(2000) .. '"}' } do
      test.equal(ask(r, "POST", "/", body), 422, body)
    end
    for _, path in ipairs { "/9", "/x", "/1.5", "/-1", "/nothing/here" } do
      test.equal(ask(r, "GET", path), 404, path)
    end
    test.equal(ask(r, "PATCH", "/1"), 405)
  end,

  ["there are not more notes than memory is for"] = function()
    local r = notes.routes()
    for _ = 1, 1000 do test.equal(ask(r, "POST", "/", '{"text":"x"}'), 201) end
    test.equal(ask(r, "POST", "/", '{"text":"x"}'), 507)
    ask(r, "DELETE", "/7")
    test.equal(ask(r, "POST", "/", '{"text":"x"}'), 201)
  end,
}
