-- SPDX-License-Identifier: MIT
-- A JSON API with routing, a static page that uses it, and metrics.
local http = require "lunik.http"
local metrics = require "lunik.metrics"
local notes = require "notes"
local router = require "lunik.http.router"
local static = require "lunik.http.static"

local port = tonumber(arg[1]) or 8080

local app = router.new()
app:use(metrics.middleware())
app:mount("/api/notes", notes.routes())
app:get("/metrics", metrics.handler)
app:mount("/", static.new("www"))

local server = http.server { handler = app, log = os.getenv "ACCESS_LOG" == "yes" }
assert(server:listen(nil, port))
print(("listening on port %d"):format(port))
server:run()
print "stopped"
