-- SPDX-License-Identifier: MIT
-- httptest.lua: LuaSocket's httptest.lua against a server of ours that has the
-- pages, the programs and the password which that test expects on its author's
-- machine. Its addresses have no port, so the server wants port 80.
local mime = require "mime"
local script = require "script"
local socket = require "socket"
local task = require "lunik.task"
local test = require "lunik.test"

local PAGES, PROGRAMS = "/luasocket-test", "/luasocket-test-cgi"
local SECRET = "Basic " .. (mime.b64 "luasocket:password")

local function respond(connection, status, body, headers)
  headers = headers or {}
  local lines = { "HTTP/1.1 " .. status, "Connection: close", "Content-Type: text/plain" }
  for name, value in pairs(headers) do lines[#lines + 1] = name .. ": " .. value end
  if not headers["Transfer-Encoding"] then lines[#lines + 1] = "Content-Length: " .. #body end
  connection:send(table.concat(lines, "\r\n") .. "\r\n\r\n" .. body)
end

local function chunked(body)
  local parts = {}
  for at = 1, #body, 10000 do
    local piece = body:sub(at, at + 9999)
    parts[#parts + 1] = ("%x\r\n%s\r\n"):format(#piece, piece)
  end
  return table.concat(parts) .. "0\r\n\r\n"
end

local function answer(connection, index)
  local method, target = (connection:receive() or ""):match "^(%u+) (%S+) HTTP/1%.1$"
  if not method then return end
  local headers = {}
  while true do
    local line = connection:receive()
    if not line or line == "" then break end
    local name, value = line:match "^([^:]+):%s*(.*)$"
    headers[name:lower()] = value
  end
  local size = tonumber(headers["content-length"]) or 0
  local body = size > 0 and assert(connection:receive(size)) or ""
  local path, query = target:match "^([^?]*)%??(.*)$"
  if path == PAGES .. "/index.html" or path == PAGES .. "/" then
    return respond(connection, "200 OK", method == "HEAD" and "" or index)
  elseif path == PAGES then
    return respond(connection, "301 Moved", "moved", { Location = "http://127.0.0.1" .. PAGES .. "/" })
  elseif path == PAGES .. "/auth/index.html" then
    if headers.authorization == SECRET then return respond(connection, "200 OK", index) end
    return respond(connection, "401 Unauthorized", "who are you?", { ["WWW-Authenticate"] = "Basic" })
  elseif path == PROGRAMS .. "/request-uri" then
    return respond(connection, "200 OK", target .. "\n")
  elseif path == PROGRAMS .. "/query-string" then
    return respond(connection, "200 OK", query .. "\n")
  elseif path == PROGRAMS .. "/redirect-loop" then
    return respond(connection, "302 Found", "again", { Location = "http://127.0.0.1" .. target })
  elseif path == PROGRAMS .. "/cat" then
    return respond(connection, "200 OK", body)
  elseif path == PROGRAMS .. "/cat-index-html" then
    return respond(connection, "200 OK", chunked(index), { ["Transfer-Encoding"] = "chunked" })
  end
  respond(connection, "404 Not Found", "not here")
end

-- What differs is where its files are, and one page of its university.
local function change(text)
  local counts = {}
  local function put(from, to)
    local count
    text, count = text:gsub(from, (to:gsub("%%", "%%%%")))
    counts[#counts + 1] = count
  end
  put('index_file = "index%.html"', ("index_file = %q"):format(script.folder .. "index.html"))
  put('index_file %.%. "%-back"', '"/tmp/luasocket-index-back"')
  put('"err"', '"/tmp/luasocket-err"')
  put("http://www%.tecgraf%.puc%-rio%.br/~diego/", "http://127.0.0.1" .. PAGES .. "/")
  -- (Its own http.lua says so since long.)
  put("invalid host ''", "invalid host 'nil'")
  for i, count in ipairs(counts) do assert(count > 0, "change " .. i .. " found nothing") end
  return text
end

return {
  ["httptest.lua passes against a server of ours"] = function()
    local server, why = socket.bind("127.0.0.1", 80)
    if not server then test.skip("port 80: " .. why) end
    local index = script.read "index.html"
    local out = script.recorder()
    local accepting = task.spawn(function()
      while true do
        local connection = assert(server:accept())
        task.spawn(function()
          answer(connection, index)
          connection:close()
        end)
      end
    end)
    local ok, problem = pcall(script.run, "httptest.lua",
      { print = out.print, io = out.io, host = "127.0.0.1" }, change)
    accepting:cancel()
    server:close()
    assert(ok, ("%s\n%s"):format(problem, out.text():sub(-2000)))
    assert(out.text():find "passed all tests", out.text():sub(-2000))
  end,
}
