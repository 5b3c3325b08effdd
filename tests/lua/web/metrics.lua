-- SPDX-License-Identifier: MIT
-- metrics.lua: counting, and what a Prometheus server reads of it.
local fake = require "web.fake"
local metrics = require "lunik.metrics"
local sys = require "lunik.sys"
local task = require "lunik.task"
local test = require "lunik.test"

-- The text as a table: 'name{labels}' -> number; refuses lines that the format
-- does not know.
local function parse(text)
  local found, types, last = {}, {}, nil
  assert(text:sub(-1) == "\n")
  for line in text:gmatch "([^\n]*)\n" do
    local name, kind = line:match "^# TYPE ([%a_:][%w_:]*) (%l+)$"
    if name then
      assert(not types[name], "a second TYPE of " .. name)
      types[name], last = kind, name
    elseif not line:match "^# HELP [%a_:][%w_:]* " then
      local series, value = line:match "^(.-) (%S+)$"
      assert(series, line)
      local base = series:match "^[%a_:][%w_:]*"
      assert(base == last or base:match("^(.*)_%l+$") == last, line .. " is not below its TYPE")
      assert(not found[series], series .. " comes twice")
      found[series] = tonumber(value) or value
    end
  end
  return found, types
end

local function now() return parse(metrics.text()) end

return {
  ["a counter counts up"] = function()
    local c = metrics.counter("t_up_total", "Ups.")
    test.equal(now()["t_up_total"], 0)
    c:inc()
    c:inc(2)
    c:inc(0.5)
    test.equal(c:value(), 3.5)
    local found, types = now()
    test.equal(found["t_up_total"], 3.5)
    test.equal(types["t_up_total"], "counter")
    assert(metrics.text():find("# HELP t_up_total Ups.\n# TYPE t_up_total counter\nt_up_total 3.5\n", 1, true))
  end,

  ["a counter does not count down"] = function()
    local c = metrics.counter "t_down_total"
    test.raises("only grows", c.inc, c, -1)
    test.raises("only grows", c.dec, c)
    test.raises("only grows", c.inc, c, 0 / 0)
    test.raises("cannot be set", c.set, c, 1)
    test.raises("cannot observe", c.observe, c, 1)
    test.equal(c:value(), 0)
  end,

  ["labels make series"] = function()
    local c = metrics.counter("t_requests_total", "Requests.", { "method", "status" })
    c:inc("GET", 200)
    c:inc("GET", "200", 2)
    c:inc("GET", 200)
    c:inc("POST", 500)
    c:inc(true, 1.5)
    local found = now()
    test.equal(found['t_requests_total{method="GET",status="200"}'], 4)
    test.equal(found['t_requests_total{method="POST",status="500"}'], 1)
    test.equal(found['t_requests_total{method="true",status="1.5"}'], 1)
    test.equal(c:value("GET", 200), 4)
    test.raises("missing", c.inc, c, "GET")
    test.raises("missing", c.inc, c)
    test.raises("number expected", c.inc, c, "GET", 200, "x")
  end,

  ["values that look like paths of labels stay apart"] = function()
    local c = metrics.counter("t_apart_total", "", { "a", "b" })
    c:inc('x",b="y', "z")
    c:inc("x", 'y",b="z')
    c:inc("x\n", "")
    c:inc("", "x\n")
    c:inc("\n", "\n")
    local count = 0
    for series, value in pairs(now()) do
      if series:find "^t_apart_total" then
        count = count + 1
        test.equal(value, 1)
      end
    end
    test.equal(count, 5)
  end,

  ["labels are escaped, and what is no text is replaced"] = function()
    local g = metrics.gauge("t_escape", "a\\b\nc", { "v" })
    g:set('a"b\\c\nd', 1)
    g:set("\xff\0\x7f\r", 2)
    g:set("\u{20AC}", 3)
    local text = metrics.text()
    assert(text:find('t_escape{v="a\\"b\\\\c\\nd"} 1\n', 1, true))
    assert(text:find('t_escape{v="' .. ("\u{FFFD}"):rep(4) .. '"} 2\n', 1, true))
    assert(text:find('t_escape{v="\u{20AC}"} 3\n', 1, true))
    assert(text:find("# HELP t_escape a\\\\b\\nc\n", 1, true))
    assert(utf8.len(text))
  end,

  ["a gauge goes up and down"] = function()
    local g = metrics.gauge "t_gauge"
    g:inc()
    g:dec(3)
    test.equal(now().t_gauge, -2)
    g:set(1e300)
    test.equal(now().t_gauge, 1e300)
    for value, text in pairs { [math.huge] = "+Inf", [-math.huge] = "-Inf", [0.1] = "0.1", [1 / 3] = "0.3333333333333333",
      [2 ^ 53] = "9007199254740992", [-0.5] = "-0.5", [123456789012345] = "123456789012345" } do
      g:set(value)
      assert(metrics.text():find("\nt_gauge " .. text:gsub("[+-.]", "%%%0") .. "\n"), text)
    end
    g:set(0 / 0)
    assert(metrics.text():find "\nt_gauge NaN\n")
  end,

  ["a histogram sorts values into its buckets"] = function()
    local h = metrics.histogram("t_seconds", "Times.", { labels = { "what" }, buckets = { 0.1, 1, 10 } })
    for _, value in ipairs { 0.05, 0.1, 0.5, 5, 50, 500 } do h:observe("a", value) end
    local found, types = now()
    test.equal(types.t_seconds, "histogram")
    test.equal(found['t_seconds_bucket{what="a",le="0.1"}'], 2)
    test.equal(found['t_seconds_bucket{what="a",le="1"}'], 3)
    test.equal(found['t_seconds_bucket{what="a",le="10"}'], 4)
    test.equal(found['t_seconds_bucket{what="a",le="+Inf"}'], 6)
    test.equal(found['t_seconds_count{what="a"}'], 6)
    test.equal(found['t_seconds_sum{what="a"}'], 555.65)
    test.raises("observes", h.inc, h, "a")
    test.raises("cannot be set", h.set, h, "a", 1)
    local plain = metrics.histogram "t_plain_seconds"
    plain:observe(0.003)
    test.equal(now()['t_plain_seconds_bucket{le="0.005"}'], 1)
    test.equal(now()["t_plain_seconds_sum"], 0.003)
  end,

  ["bounds must grow"] = function()
    for _, bounds in ipairs { {}, { 1, 1 }, { 2, 1 }, { 0 / 0 }, { math.huge } } do
      test.raises("bounds", metrics.histogram, "t_bad_seconds", "", { buckets = bounds })
    end
  end,

  ["a series can be held for loops"] = function()
    local c = metrics.counter("t_held_total", "", { "k" })
    local held = c:labels "x"
    for _ = 1, 1000 do held:inc() end
    held:inc(2)
    test.equal(c:value "x", 1002)
    test.raises("only grows", held.inc, held, -1)
    test.raises("cannot be set", held.set, held, 1)
    c, held = nil, nil
    collectgarbage()
    test.equal(now()['t_held_total{k="x"}'], 1002)
    local g = metrics.gauge("t_held", "", { "k" }):labels(1)
    g:set(5)
    g:dec()
    test.equal(now()['t_held{k="1"}'], 4)
    metrics.histogram("t_held_seconds", "", { "k" }):labels(1):observe(1)
    test.equal(now()['t_held_seconds_count{k="1"}'], 1)
  end,

  ["the number of series is bounded, and the sum stays right"] = function()
    local c = metrics.counter("t_many_total", "", { labels = { "path", "n" }, max = 10 })
    for i = 1, 100 do c:inc("/" .. i, i) end
    for i = 1, 100 do c:inc("/" .. i, i) end
    local sum, count = 0, 0
    for series, value in pairs(now()) do
      if series:find "^t_many_total" then sum, count = sum + value, count + 1 end
    end
    test.equal(sum, 200)
    test.equal(count, 11)
    test.equal(c:value("other", "other"), 180)
    test.equal(c:value("/3", "3"), 2)
    test.equal(c:dropped(), 180)
  end,

  ["hostile values of labels take no memory that grows"] = function()
    local c = metrics.counter("t_hostile_total", "", { labels = { "path" }, max = 20 })
    local function attack(count)
      for i = 1, count do
        c:inc(("x"):rep(200) .. i) -- alike where they are cut
        c:inc("\xff" .. i)
        c:inc(("%d"):format(i) .. "\xff")
        c:inc(i)
        c:inc(tostring(i))
      end
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    local before = attack(200)
    local after = attack(5000)
    assert(after < before + 16, ("%.0f KiB more"):format(after - before))
    for series in pairs(now()) do assert(#series < 600, series) end
  end,

  ["one name is one metric"] = function()
    local a = metrics.counter("t_same_total", "Same.", { "x" })
    test.equal(metrics.counter("t_same_total", "Same.", { "x" }), a)
    test.raises("another kind", metrics.gauge, "t_same_total", "", { "x" })
    test.raises("another kind", metrics.counter, "t_same_total", "", { "y" })
    test.raises("metrics.lua:%d+: t_same_total is there", function() metrics.gauge "t_same_total" return 1 end)
  end,

  ["names are those of the format"] = function()
    for _, name in ipairs { "", "1a", "a-b", "a b", "\u{E9}", "a\nb" } do
      test.raises("no name", metrics.counter, name)
    end
    for _, label in ipairs { "", "1a", "__a", "a-b", "a:b" } do
      test.raises("no name of a label", metrics.counter, "t_x", "", { label })
    end
    test.raises("no name of a label", metrics.histogram, "t_x", "", { "le" })
    test.raises("comes twice", metrics.counter, "t_x", "", { "a", "a" })
    test.raises("no name", metrics.counter)
    test.raises("too many labels", metrics.counter, "t_x", "", { "a", "b", "c", "d", "e", "f", "g", "h", "i" })
  end,

  ["collectors are asked at each text, and one that fails leaves the others"] = function()
    local g, calls = metrics.gauge "t_collected", 0
    metrics.collect(function()
      calls = calls + 1
      g:set(calls)
    end)
    local fails = true
    metrics.collect(function() if fails then error "no" end end)
    test.equal(now().t_collected, 1)
    test.equal(now().t_collected, 2)
    test.equal(now().lunik_metrics_failures_total, 3)
    fails = false
    test.raises("must be a function", metrics.collect, 5)
  end,

  ["the image's own figures are there"] = function()
    local held = task.spawn(task.sleep, 0.05)
    local found = now()
    for _, kind in ipairs { "total", "free", "heap", "lua", "lua_peak", "lua_limit" } do
      assert(found[('lunik_memory_bytes{kind="%s"}'):format(kind)] > 0, kind)
    end
    assert(found.lunik_tasks >= 2)
    assert(found.lunik_switches_total >= 0)
    assert(found.lunik_uptime_seconds > 0)
    local build = ('lunik_build_info{name="%s"'):format(sys.build.name)
    local has_build = false
    for series in pairs(found) do has_build = has_build or series:sub(1, #build) == build end
    assert(has_build)
    held:cancel()
    local tasks = found.lunik_tasks
    task.sleep(0.001)
    test.equal(now().lunik_tasks, tasks - 1)
  end,

  ["pauses of the garbage collection are seen"] = function()
    local before = now()
    local keep = {}
    for i = 1, 20000 do keep[i % 100] = { i, tostring(i) } end
    collectgarbage()
    local after = now()
    assert(after.lunik_gc_pause_seconds_count > before.lunik_gc_pause_seconds_count)
    assert(after.lunik_gc_pause_seconds_sum > before.lunik_gc_pause_seconds_sum)
    assert(after.lunik_gc_cycles_total > before.lunik_gc_cycles_total)
  end,

  ["the loop's lag is looked at while something is counted"] = function()
    local c = metrics.counter "t_lag_total"
    c:inc()
    local before = now().lunik_loop_lag_seconds_count
    c:inc()
    local began = task.now()
    while task.now() - began < 1.05 do end -- nothing else can run
    task.sleep(0.01)
    local found = now()
    test.equal(found.lunik_loop_lag_seconds_count, before + 1)
    assert(found.lunik_loop_lag_seconds_sum > 0.01, found.lunik_loop_lag_seconds_sum)
    task.sleep(1.2)
    test.equal(now().lunik_loop_lag_seconds_count - before <= 2, true)
  end,

  ["the HTTP servers' own figures are shown where there are servers"] = function()
    test.equal(now().lunik_http_requests_total, nil)
    local before = package.loaded["lunik.http"]
    package.loaded["lunik.http"] = { stats = function()
      return { requests = 5, accepted = 2, connections = 1, sent_bytes = 1 << 40, seconds = 0.75, classes = { 0, 3, 1, 1, 0 },
        buckets = { { le = 0.000256, count = 4 }, { le = 0.001024, count = 0 }, { le = math.huge, count = 1 } } }
    end }
    local ok, found, types = pcall(now)
    package.loaded["lunik.http"] = before
    assert(ok, found)
    test.equal(found.lunik_http_requests_total, 5)
    test.equal(found.lunik_http_connections, 1)
    test.equal(found.lunik_http_sent_bytes_total, 1 << 40)
    test.equal(found['lunik_http_responses_total{class="2xx"}'], 3)
    test.equal(found['lunik_http_request_seconds_bucket{le="0.000256"}'], 4)
    test.equal(found['lunik_http_request_seconds_bucket{le="0.001024"}'], 4)
    test.equal(found['lunik_http_request_seconds_bucket{le="+Inf"}'], 5)
    test.equal(found.lunik_http_request_seconds_sum, 0.75)
    test.equal(types.lunik_http_request_seconds, "histogram")
  end,

  ["the handler answers as Prometheus wants"] = function()
    local status, body, headers = metrics.handler(fake.request("GET", "/metrics"))
    test.equal(status, 200)
    test.equal(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
    parse(body)
    test.equal(metrics.handler(fake.request("POST", "/metrics")), 405)
  end,

  ["middleware counts requests by route"] = function()
    local r = require "lunik.http.router".new()
    r:use(metrics.middleware())
    r:get("/users/:id", function(req)
      if req.params.id == "0" then error "no such user" end
      if req.params.id == "gone" then error { status = 410 } end
      return "user"
    end)
    for i = 1, 3 do r(fake.request("GET", "/users/" .. i)) end
    r(fake.request("GET", "/nowhere/" .. sys.random(3):byte()))
    r(fake.request("BREW", "/users/1"))
    local ok, err = pcall(r, fake.request("GET", "/users/0"))
    test.equal(ok, false)
    assert(err:find "no such user")
    test.equal(pcall(r, fake.request("GET", "/users/gone")), false)
    local found = now()
    test.equal(found['http_requests_total{method="GET",route="/users/:id",status="200"}'], 3)
    test.equal(found['http_requests_total{method="GET",route="none",status="404"}'], 1)
    test.equal(found['http_requests_total{method="other",route="none",status="405"}'], 1)
    test.equal(found['http_requests_total{method="GET",route="/users/:id",status="500"}'], 1)
    test.equal(found['http_requests_total{method="GET",route="/users/:id",status="410"}'], 1)
    test.equal(found['http_request_seconds_count{method="GET",route="/users/:id"}'], 5)
  end,
}
