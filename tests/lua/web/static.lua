-- SPDX-License-Identifier: MIT
-- static.lua: files of the sealed tree over HTTP.
local fake = require "web.fake"
local static = require "lunik.http.static"
local test = require "lunik.test"
local tree = require "lunik.http.tree"

local site = static.new("web/site", { not_found = "404.html", max_age = 60, modified = 784111777 })
local DATE = "Sun, 06 Nov 1994 08:49:37 GMT"

local function whole(body)
  if type(body) ~= "function" then return body end
  local parts = {}
  for part in body do parts[#parts + 1] = part end
  return table.concat(parts)
end

local function get(path, headers, method, from)
  local status, body, out = (from or site)(fake.request(method or "GET", path, headers))
  return status, whole(body), out or {}
end

return {
  ["a file comes with its type, tag and length"] = function()
    local status, body, headers = get "/digits.txt"
    test.equal(status, 200)
    test.equal(body, "0123456789")
    test.equal(headers["Content-Type"], "text/plain; charset=utf-8")
    test.equal(headers["Content-Length"], "10")
    test.equal(headers["Cache-Control"], "max-age=60")
    test.equal(headers["Accept-Ranges"], "bytes")
    test.equal(headers["X-Content-Type-Options"], "nosniff")
    test.equal(headers["Last-Modified"], DATE)
    assert(headers["ETag"]:match '^"%x+"$' and #headers["ETag"] >= 18)
    test.equal(headers["Vary"], nil)
  end,

  ["tags differ where files do, and stay"] = function()
    local _, a = tree.find "web/site/digits.txt"
    local _, b = tree.find "web/site/app.js"
    assert(a ~= b)
    test.equal(select(2, tree.find "web/site/digits.txt"), a)
    test.equal(select(2, tree.find "web/site/app.js.gz"), select(2, tree.find "web/site/style.css.gz"))
  end,

  ["types go by the extension"] = function()
    test.equal(select(3, get "/app.js")["Content-Type"], "text/javascript; charset=utf-8")
    test.equal(select(3, get "/style.css")["Content-Type"], "text/css; charset=utf-8")
    test.equal(select(3, get "/")["Content-Type"], "text/html; charset=utf-8")
    local own = static.new("web/site", { types = { js = "text/plain" } })
    test.equal(select(3, get("/app.js", nil, nil, own))["Content-Type"], "text/plain")
  end,

  ["an empty file is served"] = function()
    local status, body, headers = get "/empty.txt"
    test.equal(status, 200)
    test.equal(body, "")
    test.equal(headers["Content-Length"], "0")
    test.equal(get("/empty.txt", { Range = "bytes=0-" }), 416)
    test.equal(get("/empty.txt", { Range = "bytes=-1" }), 416)
  end,

  ["HEAD says what GET would, without the body"] = function()
    local status, body, headers = get("/digits.txt", nil, "HEAD")
    test.equal(status, 200)
    test.equal(body, nil)
    test.equal(headers["Content-Length"], "10")
    status, _, headers = get("/digits.txt", { Range = "bytes=0-1" }, "HEAD")
    test.equal(status, 200)
    test.equal(headers["Content-Range"], nil)
  end,

  ["other methods are refused"] = function()
    local status, _, headers = get("/digits.txt", nil, "POST")
    test.equal(status, 405)
    test.equal(headers.Allow, "GET, HEAD, OPTIONS")
    test.equal(get("/digits.txt", nil, "OPTIONS"), 204)
  end,

  ["folders have an index, and their own address"] = function()
    test.equal(select(2, get "/"), "<!doctype html><title>home</title>")
    test.equal(select(2, get "/docs/"), "<!doctype html><title>docs</title>")
    local status, _, headers = get "/docs?a=1"
    test.equal(status, 301)
    test.equal(headers.Location, "/docs/?a=1")
    local none = static.new("web/site", { index = false })
    test.equal(get("/", nil, nil, none), 404)
    test.equal(get("/docs", nil, nil, none), 404)
  end,

  ["a folder's address is on this server"] = function()
    for _, start in ipairs { "//", "/\\", "/\\/", "/\\\\" } do
      local req = fake.request("GET", start .. "evil.example/../docs")
      req.path = "/docs" -- as the server makes it of such a target
      local status, _, headers = site(req)
      test.equal(status, 301)
      test.equal(headers.Location, "/evil.example/../docs/")
    end
  end,

  ["no path leads out, to hidden files, or to another server"] = function()
    for _, path in ipairs {
      "/../fake.lua", "/..%2ffake.lua", "/%2e%2e/fake.lua", "/docs/../../fake.lua", "/.hidden/key",
      "/%2ehidden/key", "//web/site/digits.txt", "/docs//index.html", "/digits.txt/", "/digits.txt%00",
      "/docs\\index.html", "/..\\fake.lua", "/./digits.txt", "/docs/.", "/digits.txt%00.html", "/docs%2f",
      "/..", "/...", "/~root", "/web/site/digits.txt", "/C:/digits.txt", "/digits.txt ", "/DIGITS.TXT",
    } do
      local status = get(path)
      assert(status == 404 or path == "/docs%2f", test.show(path) .. " gave " .. status)
    end
    test.equal(get "//docs", 404)
    test.equal(get "relative", 400)
    test.equal(select(2, get "/.well-known/security.txt"), "known")
  end,

  ["a missing file gets the page for it, with 404"] = function()
    local status, body, headers = get("/nowhere", { Range = "bytes=0-1", ["If-None-Match"] = "*" })
    test.equal(status, 404)
    test.equal(body, "missing")
    test.equal(headers["Content-Range"], nil)
    status, body = get("/nowhere", nil, nil, static.new "web/site")
    test.equal(status, 404)
    test.equal(body, "not found\n")
  end,

  ["an application of one page answers for paths that are no files"] = function()
    local app = static.new("web/site", { spa = "index.html" })
    test.equal(get("/orders/17", nil, nil, app), 200)
    test.equal(get("/orders/17.js", nil, nil, app), 404)
  end,

  ["If-None-Match gives 304 for the same bytes"] = function()
    local _, _, headers = get "/digits.txt"
    local tag = headers.ETag
    for _, value in ipairs { tag, "W/" .. tag, "*", '"x", ' .. tag, '"x",W/' .. tag .. ' , "y"' } do
      local status, body, out = get("/digits.txt", { ["If-None-Match"] = value })
      test.equal(status, 304, value)
      test.equal(body, nil)
      test.equal(out.ETag, tag)
      test.equal(out["Content-Length"], nil)
    end
    for _, value in ipairs { '"x"', tag:sub(2, -2), '""', "", '"' .. tag:sub(2, -3) .. '"' } do
      test.equal(get("/digits.txt", { ["If-None-Match"] = value }), 200, value)
    end
  end,

  ["If-Modified-Since counts only without If-None-Match, and only if it is a date"] = function()
    test.equal(get("/digits.txt", { ["If-Modified-Since"] = DATE }), 304)
    test.equal(get("/digits.txt", { ["If-Modified-Since"] = "Sun, 06 Nov 1994 08:49:36 GMT" }), 200)
    test.equal(get("/digits.txt", { ["If-Modified-Since"] = "Fri, 01 Mar 2024 00:00:00 GMT" }), 304)
    test.equal(get("/digits.txt", { ["If-Modified-Since"] = DATE, ["If-None-Match"] = '"x"' }), 200)
    for _, text in ipairs { "yesterday", "Sun, 06 Nov 1994", "784111777", "Sun, 06 Foo 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 28:49:37 GMT" } do
      test.equal(get("/digits.txt", { ["If-Modified-Since"] = text }), 200, text)
    end
    local undated = static.new "web/site"
    test.equal(get("/digits.txt", { ["If-Modified-Since"] = DATE }, nil, undated), 200)
  end,

  ["If-Match and If-Unmodified-Since give 412"] = function()
    local _, _, headers = get "/digits.txt"
    test.equal(get("/digits.txt", { ["If-Match"] = headers.ETag }), 200)
    test.equal(get("/digits.txt", { ["If-Match"] = '"x"' }), 412)
    test.equal(get("/digits.txt", { ["If-Unmodified-Since"] = DATE }), 200)
    test.equal(get("/digits.txt", { ["If-Unmodified-Since"] = "Sun, 06 Nov 1994 08:49:36 GMT" }), 412)
  end,

  ["a range gives its bytes"] = function()
    for _, case in ipairs {
      { "bytes=0-0", "0", "bytes 0-0/10" }, { "bytes=0-9", "0123456789", "bytes 0-9/10" },
      { "bytes=3-5", "345", "bytes 3-5/10" }, { "bytes=7-", "789", "bytes 7-9/10" },
      { "bytes=-3", "789", "bytes 7-9/10" }, { "bytes=-99", "0123456789", "bytes 0-9/10" },
      { "bytes=5-99", "56789", "bytes 5-9/10" }, { "bytes = 1 - 2", "12", "bytes 1-2/10" },
    } do
      local status, body, headers = get("/digits.txt", { Range = case[1] })
      test.equal(status, 206, case[1])
      test.equal(body, case[2])
      test.equal(headers["Content-Range"], case[3])
      test.equal(headers["Content-Length"], tostring(#case[2]))
    end
  end,

  ["a range outside is 416, and what is none is left out"] = function()
    for _, range in ipairs { "bytes=10-", "bytes=10-11", "bytes=99-100", "bytes=-0" } do
      local status, _, headers = get("/digits.txt", { Range = range })
      test.equal(status, 416, range)
      test.equal(headers["Content-Range"], "bytes */10")
    end
    for _, range in ipairs { "bytes=5-3", "bytes=-", "bytes=", "bytes=a-b", "lines=1-2", "1-2", "",
      "bytes=0-1,3-4", "bytes=--1", "bytes=+1-2", "bytes=1-2;", "bytes=0x1-2",
      "bytes=99999999999999999999-", "bytes=0-99999999999999999999" } do
      local status, body = get("/digits.txt", { Range = range })
      test.equal(status, 200, range)
      test.equal(#body, 10)
    end
  end,

  ["If-Range lets a range count only for the same bytes"] = function()
    local _, _, headers = get "/digits.txt"
    local function with(condition)
      return (get("/digits.txt", { Range = "bytes=0-1", ["If-Range"] = condition }))
    end
    test.equal(with(headers.ETag), 206)
    test.equal(with("W/" .. headers.ETag), 200)
    test.equal(with '"x"', 200)
    test.equal(with(DATE), 206)
    test.equal(with "Sun, 06 Nov 1994 08:49:36 GMT", 200)
    test.equal(with "Sun, 06 Nov 1994 08:49:38 GMT", 200)
    test.equal(with "", 200)
  end,

  ["compressed variants go to those who take them"] = function()
    for _, case in ipairs {
      { "gzip", "gzip" }, { "br", "br" }, { "gzip, br", "br" }, { "gzip, deflate, br", "br" },
      { "br;q=0.5, gzip;q=0.8", "gzip" }, { "br;q=0, gzip", "gzip" }, { "*", "br" },
      { "*;q=0.5, br;q=0", "gzip" }, { "GZIP", "gzip" }, { "x-gzip", "gzip" },
      { "gzip;q=0.001", "gzip" }, { "gzip ; q=1.0", "gzip" },
      { "identity, gzip;q=0.5" }, { "gzip;q=0" }, { "identity" }, { "" }, { "deflate" },
      { "gzip;q=0.0000001" }, { "gzip;q=x" }, { "br;q=0,gzip;q=0" }, { "*;q=0" }, { ";;;," },
    } do
      local status, body, headers = get("/style.css", { ["Accept-Encoding"] = case[1] })
      test.equal(status, 200)
      test.equal(headers["Content-Encoding"], case[2], case[1])
      test.equal(body, case[2] == "br" and "BR" or case[2] == "gzip" and "GZ" or "body{color:#123}")
      test.equal(headers["Vary"], "Accept-Encoding")
      test.equal(headers["Content-Type"], "text/css; charset=utf-8")
      test.equal(headers["Content-Length"], tostring(#body))
    end
    test.equal(select(2, get("/app.js", { ["Accept-Encoding"] = "br, gzip;q=0.5" })), "GZ")
    test.equal(select(3, get("/style.css"))["Content-Encoding"], nil)
  end,

  ["each variant has its own tag, and Vary is on 304, too"] = function()
    local _, _, plain = get "/style.css"
    local _, _, gz = get("/style.css", { ["Accept-Encoding"] = "gzip" })
    assert(plain.ETag ~= gz.ETag)
    local status, _, headers = get("/style.css",
      { ["Accept-Encoding"] = "gzip", ["If-None-Match"] = gz.ETag })
    test.equal(status, 304)
    test.equal(headers.Vary, "Accept-Encoding")
    test.equal(get("/style.css", { ["Accept-Encoding"] = "gzip", ["If-None-Match"] = plain.ETag }), 200)
    local without = static.new("web/site", { precompressed = false })
    _, _, headers = get("/style.css", { ["Accept-Encoding"] = "gzip" }, nil, without)
    test.equal(headers["Content-Encoding"], nil)
    test.equal(headers["Vary"], nil)
  end,

  ["a range of a variant is of its bytes"] = function()
    local status, body, headers = get("/style.css",
      { ["Accept-Encoding"] = "gzip", Range = "bytes=1-1" })
    test.equal(status, 206)
    test.equal(body, "Z")
    test.equal(headers["Content-Range"], "bytes 1-1/2")
  end,

  ["a long file comes in pieces that make it up"] = function()
    local size = tree.find "web/big.txt"
    assert(size > 64 * 1024)
    local status, body, headers = site(fake.request("GET", "/x"))
    test.equal(status, 404)
    local big = static.new "web"
    status, body, headers = big(fake.request("GET", "/big.txt"))
    test.equal(status, 200)
    test.equal(type(body), "function")
    test.equal(headers["Content-Length"], tostring(size))
    test.equal(whole(body), tree.read "web/big.txt")
    status, body = get("/big.txt", { Range = "bytes=5-70004" }, nil, big)
    test.equal(status, 206)
    test.equal(body, tree.read("web/big.txt", 5, 70004))
    test.equal(#body, 70000)
  end,

  ["below a mount the rest of the path counts"] = function()
    local r = require "lunik.http.router".new():mount("/assets", site)
    local status, body = r(fake.request("GET", "/assets/digits.txt"))
    test.equal(status, 200)
    test.equal(body, "0123456789")
    test.equal(r(fake.request("GET", "/assets/%2e%2e/fake.lua")), 400)
    test.equal(r(fake.request("GET", "/assets/..%2ffake.lua")), 400)
    local _, _, headers = r(fake.request("GET", "/assets/docs"))
    test.equal(headers.Location, "/assets/docs/")
  end,

  ["a folder that is not there is a mistake"] = function()
    test.raises("no file of the image lies in", static.new, "web/sit")
    test.raises("must be a string", static.new, 5)
    test.raises("max_age", static.new, "web/site", { max_age = -1 })
    test.equal(get("/digits.txt", nil, nil, static.new "./web/site/"), 200)
  end,

  ["the tree gives no bytes outside of a file"] = function()
    test.equal(tree.read("web/site/digits.txt", 8, 100), "89")
    test.equal(tree.read("web/site/digits.txt", 10, 12), "")
    test.equal(tree.read("web/site/digits.txt", -1, 2), "")
    test.equal(tree.read("web/site/digits.txt", 5, 4), "")
    test.equal(tree.read "web/site/nothing", nil)
    test.equal(tree.find "web/site", nil)
    test.equal(tree.has_folder "web/sit", false)
    test.equal(tree.has_folder "web/site/docs", true)
  end,
}
