-- SPDX-License-Identifier: MIT
-- smuggling.lua: requests that two parsers could read in two ways. Each is
-- refused with a 4xx or 5xx and the connection is closed, or it is read in the
-- one way that RFC 9112 allows. Each is sent whole, and byte by byte.
local net = require "lunik.net"
local support = require "http.support"
local test = require "lunik.test"

local function get(rest) return "GET / HTTP/1.1\r\nHost: a\r\n" .. rest .. "\r\n" end
local function post(fields, body)
  return "POST /echo HTTP/1.1\r\nHost: a\r\n" .. fields .. "\r\n" .. (body or "")
end
local function chunked(body) return post("Transfer-Encoding: chunked\r\n", body) end

-- { name, request, codes of all answers, "closed" | "open" }
local table_of_cases = {
  { "CL and TE", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400" },
  { "TE and CL", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"), "400" },
  { "CL twice, equal", post("Content-Length: 4\r\nContent-Length: 4\r\n", "abcd"), "400" },
  { "CL twice, not equal", post("Content-Length: 4\r\nContent-Length: 5\r\n", "abcde"), "400" },
  { "CL as a list", post("Content-Length: 4, 4\r\n", "abcd"), "400" },
  { "CL with a plus", post("Content-Length: +4\r\n", "abcd"), "400" },
  { "CL with a minus", post("Content-Length: -4\r\n", "abcd"), "400" },
  { "CL with an underscore", post("Content-Length: 1_0\r\n", "abcdefghij"), "400" },
  { "CL in hexadecimal", post("Content-Length: 0x4\r\n", "abcd"), "400" },
  { "CL with a blank inside", post("Content-Length: 1 0\r\n", "abcdefghij"), "400" },
  { "CL with a fraction", post("Content-Length: 4.0\r\n", "abcd"), "400" },
  { "CL empty", post("Content-Length: \r\n", "abcd"), "400" },
  { "CL past 64 bits", post("Content-Length: 18446744073709551620\r\n", "abcd"), "400" },
  { "CL past the limit", post("Content-Length: 1048577\r\n"), "413" },
  { "CL with zeros in front", post("Content-Length: 0004\r\n", "abcd"), "200", "open" },
  { "CL with blanks around", post("Content-Length: \t 4 \t\r\n", "abcd"), "200", "open" },
  { "TE unknown", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), "400" },
  { "TE identity", post("Transfer-Encoding: identity\r\n", "abcd"), "400" },
  { "TE chunked, then identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), "400" },
  { "TE gzip, then chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "400" },
  { "TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400" },
  { "TE twice, one unknown", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "0\r\n\r\n"), "400" },
  { "TE empty", post("Transfer-Encoding:\r\n", "0\r\n\r\n"), "400" },
  { "TE with a blank before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), "400" },
  { "TE with a tab before the colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"), "400" },
  { "TE behind a vertical tab", post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), "400" },
  { "TE in quotes", post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\n"), "400" },
  { "TE with a comma", post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), "400" },
  { "TE with a parameter", post("Transfer-Encoding: chunked;a=b\r\n", "0\r\n\r\n"), "400" },
  { "TE in a folded line", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), "400" },
  { "TE with an underscore is another field", post("Transfer_Encoding: chunked\r\nContent-Length: 1\r\n", "x"), "200", "open" },
  { "TE in HTTP/1.0", "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400" },
  { "TE in capitals", post("TRANSFER-ENCODING: CHUNKED\r\n", "3\r\nabc\r\n0\r\n\r\n"), "200", "open" },
  { "LF alone ends lines", "GET / HTTP/1.1\nHost: a\n\n", "400" },
  { "LF alone after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400" },
  { "LF alone after a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "400" },
  { "LF alone ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400" },
  { "CR alone in a field", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", "400" },
  { "CR twice", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "400" },
  { "a folded field", get "X: y\r\n z\r\n", "400" },
  { "a first field that is folded", "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", "400" },
  { "an empty line in front", "\r\n" .. get "", "200", "open" },
  { "two empty lines in front", "\r\n\r\n" .. get "", "400" },
  { "LF in front", "\n" .. get "", "400" },
  { "a blank in front", " " .. get "", "400" },
  { "NUL in a name", get "X\0Y: z\r\n", "400" },
  { "NUL in a value", get "X: y\0z\r\n", "400" },
  { "DEL in a value", get "X: y\x7fz\r\n", "400" },
  { "no colon", get "foo\r\n", "400" },
  { "an empty name", get ": foo\r\n", "400" },
  { "a name in brackets", get "(x): foo\r\n", "400" },
  { "a name beyond ASCII", get "X\xc3\xa9: foo\r\n", "400" },
  { "no Host", "GET / HTTP/1.1\r\n\r\n", "400" },
  { "no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "200", "closed" },
  { "two Hosts", get "Host: a\r\n", "400" },
  { "an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "400" },
  { "a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400" },
  { "a Host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400" },
  { "a Host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400" },
  { "an absolute target", "GET http://other/host HTTP/1.1\r\nHost: a\r\n\r\n", "200", "open" },
  { "an absolute target without a path", "GET http://other HTTP/1.1\r\nHost: a\r\n\r\n", "200", "open" },
  { "an absolute target of another scheme", "GET ftp://other/ HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "an absolute target with a user", "GET http://u@other/ HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "an absolute target without a host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "405" },
  { "* with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "* with OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "200", "open" },
  { "HTTP/0.9", "GET /\r\n\r\n", "400" },
  { "HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "400" },
  { "HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", "400" },
  { "HTTP/01.1", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", "400" },
  { "HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400" },
  { "RTSP/1.0", "GET / RTSP/1.0\r\nHost: a\r\n\r\n", "400" },
  { "http in small letters", "GET / http/1.1\r\nHost: a\r\n\r\n", "400" },
  { "two blanks before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "two blanks behind the target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "a tab before the target", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "a blank behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400" },
  { "a method in small letters", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "a target with a fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "a target beyond ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "a target that leaves the root", "GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "the same with percent signs", "GET /%2e%2E/x HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "the same behind a folder", "GET /a/..%2f../x HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "a NUL in a target", "GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "a bad percent sign", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
  { "chunk size negative", chunked "-3\r\nabc\r\n0\r\n\r\n", "400" },
  { "chunk size with a plus", chunked "+3\r\nabc\r\n0\r\n\r\n", "400" },
  { "chunk size with 0x", chunked "0x3\r\nabc\r\n0\r\n\r\n", "400" },
  { "chunk size with an underscore", chunked "1_0\r\nabc\r\n0\r\n\r\n", "400" },
  { "chunk size with a blank behind", chunked "3 \r\nabc\r\n0\r\n\r\n", "400" },
  { "chunk size with a blank in front", chunked " 3\r\nabc\r\n0\r\n\r\n", "400" },
  { "chunk size empty", chunked "\r\nabc\r\n0\r\n\r\n", "400" },
  { "chunk size past 64 bits", chunked "10000000000000003\r\nabc\r\n0\r\n\r\n", "400" },
  { "chunk size with zeros in front", chunked "0003\r\nabc\r\n0\r\n\r\n", "200", "open" },
  { "chunk size in capitals", chunked "A\r\n0123456789\r\n0\r\n\r\n", "200", "open" },
  { "LF alone behind a chunk's size", chunked "3\nabc\r\n0\r\n\r\n", "400" },
  { "LF alone behind a chunk", chunked "3\r\nabc\n0\r\n\r\n", "400" },
  { "a chunk longer than its size", chunked "3\r\nabcd\r\n0\r\n\r\n", "400" },
  { "a chunk's extension", chunked '3;a=b;c="d"\r\nabc\r\n0\r\n\r\n', "200", "open" },
  { "LF in a chunk's extension", chunked "3;a\nb\r\nabc\r\n0\r\n\r\n", "400" },
  { "NUL in a chunk's extension", chunked "3;a\0b\r\nabc\r\n0\r\n\r\n", "400" },
  { "too long an extension", chunked("3;" .. ("a"):rep(70000) .. "\r\nabc\r\n0\r\n\r\n"), "400" },
  { "zeros without end", chunked(("0"):rep(70000)), "400" },
  { "a trailer", chunked "3\r\nabc\r\n0\r\nX: y\r\n\r\n", "200", "open" },
  { "CL as a trailer", chunked "3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n", "400" },
  { "TE as a trailer", chunked "3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "400" },
  { "Host as a trailer", chunked "3\r\nabc\r\n0\r\nHost: b\r\n\r\n", "400" },
  { "LF alone in trailers", chunked "3\r\nabc\r\n0\r\nX: y\n\r\n", "400" },
  { "a folded trailer", chunked "3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n", "400" },
  { "an unknown expectation", get "Expect: more\r\n", "417" },
  { "too long a head", get("X: " .. ("a"):rep(20000) .. "\r\n"), "431" },
  { "too long a target", "GET /" .. ("a"):rep(20000) .. " HTTP/1.1\r\nHost: a\r\n\r\n", "414" },
  { "too long a name", get(("a"):rep(20000) .. ": x\r\n"), "431" },
  { "too many fields", get(("X: y\r\n"):rep(64)), "431" },
  { "as many fields as may be", get(("X: y\r\n"):rep(63)), "200", "open" },
  { "a request behind a refused one is not read", post("Content-Length: +4\r\n", get ""), "400" },
  { "a request behind Connection: close is not read", get "Connection: close\r\n" .. get "", "200", "closed" },
  { "TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" .. ("\0"):rep(100), "400" },
}

local function handler(req)
  if req.path == "/host" then return req.host end
  return 200, req:body() or "no body"
end

local function bytewise(port, data)
  local stream <close> = assert(net.connect("127.0.0.1", port, 5))
  stream:set("nodelay", true)
  for i = 1, #data do
    if not stream:write(data:sub(i, i)) then break end
  end
  return support.drain(stream, 0.2)
end

local tests = {}
for _, case in ipairs(table_of_cases) do
  local name, request, codes, ending = table.unpack(case)
  tests["smuggling: " .. name] = function()
    support.with_server(handler, function(port)
      local text, err = support.raw(port, request, 0.1)
      test.equal(support.codes(text), codes)
      local is_open = err == "timeout"
      test.equal(is_open and "open" or "closed", ending or "closed", text)
      if #request < 400 then
        text = bytewise(port, request)
        test.equal(support.codes(text), codes, "byte by byte")
      end
    end)
  end
end

tests["an absolute target's host counts"] = function()
  support.with_server(handler, function(port)
    local text = support.raw(port, "GET http://other/host HTTP/1.1\r\nHost: a\r\n\r\n", 0.1)
    assert(text:find("\r\n\r\nother", 1, true), text)
  end)
end

tests["a chunked body ends where its last chunk does"] = function()
  support.with_server(handler, function(port)
    local text = support.raw(port, chunked "3\r\nabc\r\n0\r\n\r\n" .. get "", 0.2)
    test.equal(support.codes(text), "200 200")
    assert(text:find("\r\n\r\nabcHTTP/1.1 200", 1, true), text)
  end)
end

return tests
