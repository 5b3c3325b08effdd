-- SPDX-License-Identifier: MIT
-- accesslog.lua: one line for each request, whatever is in it.
local accesslog = require "lunik.http.accesslog"
local fake = require "web.fake"
local router = require "lunik.http.router"
local test = require "lunik.test"

local function entry(changes)
  local one = { remote = "192.0.2.7", time = 971211336.5, method = "GET", target = "/a?b", version = "1.1",
    status = 200, bytes = 2326, referer = "http://x/", agent = "curl/8" }
  for name, value in pairs(changes or {}) do one[name] = value end
  return one
end

return {
  ["the combined format is the well-known one"] = function()
    test.equal(accesslog.combined(entry()),
      '192.0.2.7 - - [10/Oct/2000:20:55:36 +0000] "GET /a?b HTTP/1.1" 200 2326 "http://x/" "curl/8"')
    local bare = entry()
    bare.bytes, bare.referer, bare.agent, bare.remote = nil, nil, nil, nil
    test.equal(accesslog.combined(bare), '- - - [10/Oct/2000:20:55:36 +0000] "GET /a?b HTTP/1.1" 200 - "-" "-"')
  end,

  ["no request can make a second line or end a field"] = function()
    local line = accesslog.combined(entry { target = '/"\r\n192.0.2.1 - - "x', agent = "\27[2J\xff\\\0", referer = '"' })
    test.equal(line:find "[%c\127-\255]", nil)
    assert(line:find('"GET /\\"\\x0d\\x0a192.0.2.1 - - \\"x HTTP/1.1"', 1, true))
    test.equal(line:match '"\\"".*$', '"\\"" "\\x1b[2J\\xff\\\\\\x00"')
  end,

  ["long fields are cut"] = function()
    assert(#accesslog.combined(entry { target = "/" .. ("x"):rep(100000), agent = ("y"):rep(100000) }) < 3000)
  end,

  ["middleware notes what handlers answer"] = function()
    local list = {}
    local r = router.new():use(accesslog.new(function(one) list[#list + 1] = one end))
    r:get("/text", function() return "hello" end)
    r:get("/pair", function() return 201, "made" end)
    r:get("/none", function() return 204 end)
    r:get("/parts", function() return 200, function() return nil end end)
    r:get("/error", function() error "broken" end)
    r:get("/gone", function() error { status = 410 } end)
    local function ask(path) return pcall(r, fake.request("GET", path, { ["User-Agent"] = "test", Referer = "here" })) end
    local _, body = ask "/text"
    test.equal(body, "hello")
    for _, path in ipairs { "/pair", "/none", "/parts", "/error", "/gone", "/nowhere" } do ask(path) end
    local text = {}
    for _, one in ipairs(list) do
      text[#text + 1] = one.target .. "=" .. one.status .. ":" .. tostring(one.bytes)
      test.equal(one.agent, "test")
      test.equal(one.referer, "here")
      test.equal(one.remote, "192.0.2.7")
      assert(one.seconds >= 0 and one.time > 0)
    end
    test.equal(table.concat(text, " "), "/text=200:5 /pair=201:4 /none=204:0 /parts=200:nil /error=500:0 /gone=410:0 /nowhere=404:10")
  end,

  ["the server's log gets the same entries"] = function()
    local seen
    accesslog.server(function(one) seen = one end)(fake.request("PUT", "/x"), 507, 12, 0.25)
    test.equal(seen.method, "PUT")
    test.equal(seen.status, 507)
    test.equal(seen.bytes, 12)
    test.equal(seen.seconds, 0.25)
    accesslog.server "fields"(fake.request("GET", "/x"), 200, 0, 0)
    accesslog.server()(fake.request("GET", "/x"), 200, 0, 0)
  end,

  ["an unknown format is a mistake"] = function()
    test.raises("accesslog.lua:%d+: the format must be", function() accesslog.new "commonish" return 1 end)
    test.raises("the format must be", accesslog.server, 5)
  end,
}
