-- SPDX-License-Identifier: MIT
-- text.lua: URLs, dates and percent signs of lunik.http.
local http = require "lunik.http"
local test = require "lunik.test"

return {
  ["a URL is taken apart"] = function()
    local url = assert(http.parse_url "HTTP://u:p@[::1]:81/a/b?c=d#e")
    test.equal(url.scheme, "http")
    test.equal(url.user, "u:p")
    test.equal(url.host, "[::1]")
    test.equal(url.port, 81)
    test.equal(url.path, "/a/b")
    test.equal(url.query, "c=d")
    test.equal(url.fragment, "e")
    url = assert(http.parse_url "https://example.org")
    test.equal(url.port, 443)
    test.equal(url.path, "/")
    test.equal(url.query, nil)
  end,
  ["what is no URL is refused"] = function()
    for _, text in ipairs { "", "x", "http:/a", "http://", "http://a:b/", "http://a:65536/", "http://a:/", "http://a b/",
      "http://a\r\n/", "://a", "http://a\\b/", "http:///x" } do
      test.equal(http.parse_url(text), nil, text)
    end
  end,
  ["percent signs there and back"] = function()
    local all = {}
    for i = 0, 255 do all[#all + 1] = string.char(i) end
    local text = table.concat(all)
    test.equal(http.unescape(http.escape(text)), text)
    test.equal(http.escape "a b/ü", "a%20b%2F%C3%BC")
    test.equal(http.escape("a/b", "/"), "a/b")
    for _, bad in ipairs { "%", "%a", "%zz", "a%1" } do test.equal(http.unescape(bad), nil, bad) end
  end,
  ["dates have one form and three that are read"] = function()
    test.equal(http.date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT")
    test.equal(http.date(0), "Thu, 01 Jan 1970 00:00:00 GMT")
    test.equal(http.date(951782400), "Tue, 29 Feb 2000 00:00:00 GMT")
    for _, text in ipairs { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994" } do
      test.equal(http.parse_date(text), 784111777, text)
    end
    for _, text in ipairs { "", "x", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 25:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun Nov", "Sun, 06 Nox 1994 08:49:37 GMT" } do
      test.equal(http.parse_date(text), nil, text)
    end
    for day = 0, 40000, 97 do
      test.equal(http.parse_date(http.date(day * 86400 + 3661)), day * 86400 + 3661)
    end
  end,
  ["paths are made plain, and never leave the root"] = function()
    for path, wanted in pairs { ["/"] = "/", ["/a"] = "/a", ["/a/"] = "/a/", ["//a//b"] = "/a/b", ["/a/./b"] = "/a/b",
      ["/a/../b"] = "/b", ["/a/b/.."] = "/a/", ["/a/."] = "/a/", ["/a/.."] = "/", ["/%61"] = "/a", ["/a%2Fb"] = "/a/b",
      ["/..."] = "/...", ["/.a"] = "/.a", ["/a."] = "/a.", ["/a/%2e%2e/b"] = "/b", ["/a/b/c/../../d"] = "/a/d" } do
      test.equal(http.normalize_path(path), wanted, path)
    end
    for _, path in ipairs { "", "a", "/..", "/../a", "/a/../..", "/%2e%2e", "/a%00", "/%", "/%1", "/%zz",
      "/a/..%2f..", "/./.." } do
      test.equal(http.normalize_path(path), nil, path)
    end
  end,
  ["a status has its words"] = function()
    test.equal(http.status_text(200), "OK")
    test.equal(http.status_text(404), "Not Found")
    test.equal(http.status_text(299), "Unknown")
    test.equal(http.status_text(-1), "Unknown")
  end,
  ["names and values of fields"] = function()
    for _, name in ipairs { "A", "x-y", "a!#$%&'*+-.^_`|~9" } do assert(http.is_token(name), name) end
    for _, name in ipairs { "", "a b", "a:", "a\r", "(a)", "\xc3\xa9", "a/b" } do assert(not http.is_token(name), name) end
    for _, value in ipairs { "", "a b", "a\tb", "\xc3\xa9" } do assert(http.is_value(value), value) end
    for _, value in ipairs { " a", "a ", "a\r\nb", "a\0", "\x7f", "\t" } do assert(not http.is_value(value), value) end
  end,
}
