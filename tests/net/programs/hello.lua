-- SPDX-License-Identifier: MIT
-- hello.lua: httpd.lua's answer by lunik.http, and what memory it takes.
local http = require "lunik.http"
local sys = require "lunik.sys"

local headers = { ["Content-Type"] = "text/plain" }

local function memory()
  collectgarbage()
  collectgarbage()
  local now = sys.memory()
  return ("free %d\nheap %d\nstacks %d\nlua %d\n"):format(now.free, now.heap, now.stacks, now.lua)
end

local server = http.server {
  port = 8080,
  handler = function(req)
    if req.path == "/memory" then return 200, memory(), headers end
    return 200, "Hello from Lua!\n", headers
  end,
}
assert(server:listen())
print "Listening on port 8080"
server:run()
