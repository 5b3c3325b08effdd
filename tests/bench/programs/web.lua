-- SPDX-License-Identifier: MIT
-- web.lua: the program that prints what the modules above lunik.http cost, one
-- "NAME COUNT" a line: instructions per call, the loop's own taken off.

local count = require "count"
local frames = require "lunik.http.frames"
local metrics = require "lunik.metrics"
local router = require "lunik.http.router"
local static = require "lunik.http.static"

local TURNS = 2000

local function cost(fn)
  for _ = 1, 50 do fn() end
  collectgarbage()
  local began = count()
  for _ = 1, TURNS do fn() end
  return count() - began
end

local empty = cost(function() end)
local function report(name, fn) print(("%s %d"):format(name, (cost(fn) - empty) // TURNS)) end

local plain = metrics.counter("b_plain_total")
local one = metrics.counter("b_one_total", "", { "method" })
local two = metrics.counter("b_two_total", "", { "method", "status" })
local held = two:labels("GET", 200)
local seconds = metrics.histogram("b_seconds", "", { "method" })
report("counter_inc", function() plain:inc() end)
report("counter_inc_1_label", function() one:inc "GET" end)
report("counter_inc_2_labels", function() two:inc("GET", 200) end)
report("counter_inc_held", function() held:inc() end)
report("histogram_observe", function() seconds:observe("GET", 0.3) end)
report("metrics_text", metrics.text)

local app = router.new()
for i = 1, 500 do app:get("/group" .. i .. "/:id", function() return "x" end) end
app:mount("/", static.new("", {}))
local req = { method = "GET", target = "/group77/12", headers = {} }
report("route_of_501", function()
  req.params = nil
  app(req)
end)
local file = { method = "GET", target = "/main.lua", headers = { ["Accept-Encoding"] = "gzip, br" } }
report("static_get", function()
  file.params = nil
  app(file)
end)

local text = ("x"):rep(1024)
local masked = frames.encode("text", text, true)
local reader = frames.reader(true, 4096)
report("frame_read_1024", function() reader:next(masked) end)
report("frame_write_1024", function() frames.encode("text", text) end)
