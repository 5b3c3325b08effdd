-- SPDX-License-Identifier: MIT
-- router.lua: which handler a request finds, and what else a router answers.
local fake = require "web.fake"
local router = require "lunik.http.router"
local test = require "lunik.test"

-- A handler that says its name and its parameters.
local function says(name)
  return function(req)
    local words = { name }
    for key, value in pairs(req.params or {}) do words[#words + 1] = key .. "=" .. value end
    table.sort(words, function(a, b) return a == name and b ~= name or b ~= name and a < b end)
    return 200, table.concat(words, " ")
  end
end

local function ask(r, method, target, headers)
  local req = fake.request(method, target, headers)
  local status, body, out = r(req, fake.response())
  return status, body, out, req
end

local function body(r, target, method)
  local status, text = ask(r, method or "GET", target)
  return status == 200 and text or status
end

local function library()
  return router.new()
    :get("/", says "home")
    :get("/users", says "users")
    :get("/users/", says "users/")
    :get("/users/me", says "me")
    :get("/users/:id", says "user")
    :get("/users/:id/posts/:post", says "post")
    :post("/users/:name", says "rename")
    :put("/users/:id/posts/:post", says "put")
    :get("/files/*path", says "files")
    :get("/files/readme", says "readme")
end

return {
  ["literal segments go before parameters, and those before the rest"] = function()
    local r = library()
    test.equal(body(r, "/"), "home")
    test.equal(body(r, "/users"), "users")
    test.equal(body(r, "/users/"), "users/")
    test.equal(body(r, "/users/me"), "me")
    test.equal(body(r, "/users/17"), "user id=17")
    test.equal(body(r, "/users/17/posts/3"), "post id=17 post=3")
    test.equal(body(r, "/files/readme"), "readme")
    test.equal(body(r, "/files/readme/x"), "files path=readme/x")
    test.equal(body(r, "/files/"), "files path=")
    test.equal(body(r, "/files"), 404)
  end,

  ["a literal that leads nowhere gives way to a parameter"] = function()
    local r = library()
    test.equal(body(r, "/users/me/posts/3"), "post id=me post=3")
    test.equal(body(r, "/users/me/photos"), 404)
  end,

  ["each route of one shape has its own names of parameters"] = function()
    local r = library()
    test.equal(body(r, "/users/17", "POST"), "rename name=17")
    test.equal(body(r, "/users/17/posts/3", "PUT"), "put id=17 post=3")
  end,

  ["a parameter is never empty"] = function()
    test.equal(body(library(), "/users//posts/3"), 404)
    test.equal(body(library(), "/users/1/posts/"), 404)
  end,

  ["the query and a proxy's form of the target do not matter"] = function()
    local r = library()
    test.equal(body(r, "/users/17?x=/me"), "user id=17")
    test.equal(body(r, "http://shop.example/users/17?x"), "user id=17")
    test.equal(body(r, "http://shop.example"), "home")
    test.equal(body(r, "/users/17#me"), "user id=17")
  end,

  ["segments are decoded one by one"] = function()
    local r = library():get("/a b/c", says "blank")
    test.equal(body(r, "/users/a%2Fb"), "user id=a/b")
    test.equal(body(r, "/users/a%2fme"), "user id=a/me")
    test.equal(body(r, "/%75sers/m%65"), "me")
    test.equal(body(r, "/users%2Fme"), 404)
    test.equal(body(r, "/a%20b/c"), "blank")
    test.equal(body(r, "/a+b/c"), 404)
    test.equal(body(r, "/users/%25%32%46"), "user id=%2F")
    test.equal(body(r, "/users/%C3%A9"), "user id=\u{E9}")
  end,

  ["hostile paths are refused"] = function()
    local r = library()
    for _, path in ipairs {
      "/users/..", "/users/.", "/users/../users", "/./users", "/users/%2e%2e", "/users/%2E.",
      "/users/.%2e", "/%2e/users", "/users/%", "/users/%4", "/users/%zz", "/users/a%", "/users/%00",
      "/users/a%00b", "/users/a\0b", "/files/../../etc/passwd", "/files/a%2f..%2fb", "/files/%2e%2e/x",
      "/files/a%2Fb", "users", "", "?", "*", "//../x", "/users/%u0041", "javascript:alert(1)",
    } do
      local status = ask(r, "GET", path)
      test.equal(status, 400, test.show(path))
    end
    test.equal(body(r, "/users/..."), "user id=...")
    test.equal(body(r, "/users/..a"), "user id=..a")
  end,

  ["a path of very many segments is refused before it costs anything"] = function()
    local r = library()
    test.equal(body(r, "/files" .. ("/x"):rep(63)), "files path=" .. ("x/"):rep(62) .. "x")
    test.equal(body(r, "/files" .. ("/x"):rep(64)), 414)
    test.equal(body(r, ("/"):rep(100000)), 414)
  end,

  ["405 names the methods that there are"] = function()
    local r = library()
    local status, _, headers = ask(r, "DELETE", "/users/17")
    test.equal(status, 405)
    test.equal(headers.Allow, "GET, HEAD, OPTIONS, POST")
    status, _, headers = ask(r, "POST", "/")
    test.equal(status, 405)
    test.equal(headers.Allow, "GET, HEAD, OPTIONS")
    test.equal(ask(r, "BREW", "/nowhere"), 404)
  end,

  ["a route with the method is found beside one without it"] = function()
    local r = library()
    test.equal(body(r, "/users/me", "POST"), "rename name=me")
    local _, _, headers = ask(r, "DELETE", "/users/me")
    test.equal(headers.Allow, "GET, HEAD, OPTIONS, POST")
  end,

  ["HEAD goes to GET unless it has a handler"] = function()
    local r = library():head("/users", says "head")
    test.equal(body(r, "/users/me", "HEAD"), "me")
    test.equal(body(r, "/users", "HEAD"), "head")
    test.equal(ask(router.new():post("/x", says "x"), "HEAD", "/x"), 405)
  end,

  ["OPTIONS is answered unless it has a handler"] = function()
    local r = library():options("/users", says "options")
    local status, text, headers = ask(r, "OPTIONS", "/users/17")
    test.equal(status, 204)
    test.equal(text, nil)
    test.equal(headers.Allow, "GET, HEAD, OPTIONS, POST")
    test.equal(body(r, "/users", "OPTIONS"), "options")
    status, _, headers = ask(r, "OPTIONS", "*")
    test.equal(status, 204)
    test.equal(headers.Allow, "GET, HEAD, OPTIONS, POST, PUT")
    test.equal(ask(r, "OPTIONS", "/nowhere"), 404)
  end,

  ["any answers the methods that are left"] = function()
    local r = router.new():any("/x", says "any"):post("/x", says "post")
    test.equal(body(r, "/x"), "any")
    test.equal(body(r, "/x", "BREW"), "any")
    test.equal(body(r, "/x", "POST"), "post")
  end,

  ["one handler may have several methods"] = function()
    local r = router.new():route({ "PUT", "PATCH" }, "/x", says "x")
    test.equal(body(r, "/x", "PATCH"), "x")
    test.equal(ask(r, "GET", "/x"), 405)
  end,

  ["middleware runs in order, around everything, and may answer itself"] = function()
    local trace = {}
    local function mark(name)
      return function(_, _, next)
        trace[#trace + 1] = name
        local status, text = next()
        trace[#trace + 1] = "/" .. name
        return status, text
      end
    end
    local r = library():use(mark "a"):use(mark "b")
    test.equal(body(r, "/users/me"), "me")
    test.equal(table.concat(trace, " "), "a b /b /a")
    trace = {}
    test.equal(body(r, "/nowhere"), 404)
    test.equal(#trace, 4)
    r:use(function() return 401, "who are you?" end)
    test.equal(body(r, "/users/me"), 401)
  end,

  ["middleware sees requests that are refused for their method"] = function()
    local seen
    local r = library():use(function(_, _, next)
      seen = next()
      return seen
    end)
    ask(r, "DELETE", "/users")
    test.equal(seen, 405)
  end,

  ["a mounted router sees the path without its prefix"] = function()
    local api = router.new():get("/", says "api"):get("/items/:item", says "item")
    local r = library():mount("/shops/:shop/api", api)
    test.equal(body(r, "/shops/1/api"), "api *= shop=1")
    test.equal(body(r, "/shops/1/api/"), "api *= shop=1")
    test.equal(body(r, "/shops/1/api/items/7"), "item *=items/7 item=7 shop=1")
    test.equal(body(r, "/shops/1/api/nothing"), 404)
    test.equal(body(r, "/shops/1/apix"), 404)
    local _, _, _, req = ask(r, "GET", "/shops/1/api/items/7")
    test.equal(req.route, "/shops/:shop/api/items/:item")
  end,

  ["a mounted handler gets the rest of the path"] = function()
    local r = router.new():get("/api/x", says "x"):mount("/", says "site"):mount("/s/", says "s")
    test.equal(body(r, "/api/x"), "x")
    test.equal(body(r, "/"), "site *=")
    test.equal(body(r, "/css/a.css"), "site *=css/a.css")
    test.equal(body(r, "/api/y"), "site *=api/y")
    test.equal(body(r, "/s"), "s *=")
    test.equal(body(r, "/s/a"), "s *=a")
    test.equal(select(4, ask(r, "GET", "/s/a")).route, "/s/*")
    test.equal(select(4, ask(r, "GET", "/css/a.css")).route, "/*")
    test.equal(ask(r, "GET", "/s/a%2fb"), 400)
  end,

  ["a mount does not hide that only the method is wrong"] = function()
    local r = router.new():post("/api/x", says "x"):mount("/", says "site")
    local status, _, headers = ask(r, "GET", "/api/x")
    test.equal(status, 405)
    test.equal(headers.Allow, "OPTIONS, POST")
  end,

  ["middleware of a mounted router is its own"] = function()
    local api = router.new():get("/x", says "x"):use(function(req, _, next)
      if not req.headers["Authorization"] then return 401, "no" end
      return next()
    end)
    local r = router.new():get("/open", says "open"):mount("/api", api)
    test.equal(ask(r, "GET", "/open"), 200)
    test.equal(ask(r, "GET", "/api/x"), 401)
    test.equal(ask(r, "GET", "/api/x", { Authorization = "yes" }), 200)
  end,

  ["fallback answers where there is no route"] = function()
    local r = library():fallback(function(req) return 404, "no " .. req.path end)
    local status, text = ask(r, "GET", "/nowhere")
    test.equal(status, 404)
    test.equal(text, "no /nowhere")
  end,

  ["handler gives a plain function"] = function()
    local fn = library():handler()
    test.equal(type(fn), "function")
    test.equal(select(2, fn(fake.request("GET", "/users/me"))), "me")
  end,

  ["mistakes in routes raise where they are made"] = function()
    local r = library()
    test.raises("^web/router.lua:%d+: GET /users has a handler", function()
      r:get("/users", says "x")
      return 1
    end)
    test.raises("begins with", r.get, r, "users", says "x")
    test.raises("must be the last", r.get, r, "/*all/x", says "x")
    test.raises("comes twice", r.get, r, "/:a/:a", says "x")
    test.raises("no name of a parameter", r.get, r, "/:", says "x")
    test.raises("no name of a parameter", r.get, r, "/:a-b", says "x")
    test.raises("must be a function", r.get, r, "/x", "x")
    test.raises("is no method", r.route, r, "GET IT", "/x", says "x")
    test.raises("no path has", r.get, r, "/a/../b", says "x")
    test.raises("must be a function", r.use, r, 5)
    r:mount("/m", says "m")
    test.raises("something is mounted", r.mount, r, "/m", says "m")
  end,

  ["paths are cut as a plain reading of the rules does it"] = function()
    local split = require "lunik.http.path".split
    -- The rules once more, with patterns.
    local function plain(target)
      local path = target:match "^[^?#]*"
      if path:find "\0" then return "400" end
      if path:sub(1, 1) ~= "/" then
        path = path:match "^%a[%w+.-]*://[^/]*(.*)$"
        if not path then return "400" end
        if path == "" then path = "/" end
      end
      local list = {}
      for segment in path:gmatch "/([^/]*)" do
        if segment:gsub("%%%x%x", ""):find "[%%\0]" then return "400" end
        segment = segment:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
        if segment:find "\0" or segment == "." or segment == ".." then return "400" end
        list[#list + 1] = ("%q"):format(segment)
      end
      return table.concat(list, " ")
    end
    local pieces = { "/", "/", "a", "%", "%2e", "%2F", "%4", "zz", ".", "..", "%00", "\0", "?", "#", "http://x", "http:",
      "//", "%41%42", "\255", ("long"):rep(80), "%C3%A9", "+", ":" }
    local seed = 1
    local function random(n)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed // 65536 % n + 1
    end
    for _ = 1, 20000 do
      local parts = { random(8) == 1 and "" or "/" }
      for i = 2, random(9) do parts[i] = pieces[random(#pieces)] end
      local target = table.concat(parts)
      local segments, status = split(target)
      local found = tostring(status)
      if segments then
        for i, segment in ipairs(segments) do segments[i] = ("%q"):format(segment) end
        found = table.concat(segments, " ")
      end
      test.equal(found, plain(target), test.show(target))
    end
  end,

  ["finding a route does not get slower with their number"] = function()
    local function steps(count)
      local r = router.new()
      for i = 1, count do r:get("/group" .. i .. "/:id/items/:item", says "x") end
      local req, n = fake.request("GET", "/group" .. count .. "/1/items/2"), 0
      debug.sethook(function() n = n + 1 end, "", 10)
      r(req)
      debug.sethook()
      return n
    end
    assert(steps(2000) <= steps(2) + 2, "look-up depends on the number of routes")
  end,

  ["no tree makes the search long"] = function()
    -- Every level has a literal and a parameter, and no path ends well.
    local r = router.new()
    local function grow(prefix, depth)
      if depth == 0 then return end
      r:get(prefix .. "/a/end", says "x")
      r:get(prefix .. "/:p" .. depth .. "/end", says "x")
      grow(prefix .. "/a", depth - 1)
      grow(prefix .. "/:p" .. depth, depth - 1)
    end
    grow("", 6)
    local n = 0
    debug.sethook(function() n = n + 1 end, "", 1000)
    test.equal(ask(r, "GET", ("/a"):rep(60)), 404)
    debug.sethook()
    assert(n < 100, n .. " thousand steps")
  end,
}
