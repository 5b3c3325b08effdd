-- SPDX-License-Identifier: MIT
-- metrics.lua: the module lunik.metrics: counters, gauges and histograms, and
-- Prometheus' text of them.
local core = require "lunik.metrics.core"
local sys = require "lunik.sys"

local metrics = {}

-- Seconds: what requests take.
local BOUNDS = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 }
local LAG_BOUNDS = { 0.0001, 0.001, 0.01, 0.1, 1, 10 }
local SERIES_MAX = 1000

local families, order, collectors = {}, {}, {}

-- ---- Families ----

local function check_names(kind, name, labels, level)
  if type(name) ~= "string" or not name:match "^[%a_:][%w_:]*$" then
    error(("%s is no name of a metric"):format(tostring(name)), level + 1)
  end
  local seen = {}
  for _, label in ipairs(labels) do
    if type(label) ~= "string" or not label:match "^[%a_][%w_]*$" or label:match "^__"
      or kind == "histogram" and label == "le" then
      error(("%s: %s is no name of a label"):format(name, tostring(label)), level + 1)
    end
    if seen[label] then error(("%s: the label %s comes twice"):format(name, label), level + 1) end
    seen[label] = true
  end
end

-- The family called (name), made if it is new. Modules that count the same thing
-- may each ask for it.
local function family(kind, name, help, options, level)
  if help ~= nil and type(help) ~= "string" then error("the help must be a string", level + 1) end
  options = options or {}
  local labels = options.labels or table.move(options, 1, #options, 1, {})
  check_names(kind, name, labels, level + 1)
  local bounds = kind == "histogram" and (options.buckets or BOUNDS) or nil
  local signature = table.concat({ kind, table.concat(labels, ","),
    bounds and table.concat(bounds, ",") }, " ")
  local known = families[name]
  if known then
    if known.signature ~= signature then
      error(("%s is there already, as another kind of metric"):format(name), level + 1)
    end
    return known.object
  end
  local names = table.move(labels, 1, #labels, 3, { name, help or "" })
  local object = core.start(core.family(kind, names, bounds, options.max or SERIES_MAX))
  local head = ("# HELP %s %s\n# TYPE %s %s\n"):format(name,
    (help or ""):gsub("\\", "\\\\"):gsub("\n", "\\n"), name, kind)
  families[name] = { object = object, head = head, signature = signature }
  order[#order + 1] = families[name]
  return object
end

--- Something that only grows: counter:inc(label values... [, step]).
function metrics.counter(name, help, options) return family("counter", name, help, options, 1) end

--- Something that goes up and down: gauge:set(label values..., value).
function metrics.gauge(name, help, options) return family("gauge", name, help, options, 1) end

--- How values are spread: histogram:observe(label values..., value).
function metrics.histogram(name, help, options) return family("histogram", name, help, options, 1) end

--- Has fn() called before each text, to set what is only known then.
function metrics.collect(fn)
  if type(fn) ~= "function" then error("a collector must be a function", 2) end
  collectors[#collectors + 1] = fn
end

-- ---- What every image counts ----

local lag = metrics.histogram("lunik_loop_lag_seconds",
  "How late the event loop ran a timer, once a second while something is counted.",
  { buckets = LAG_BOUNDS })
core.set_lag(lag:labels())

local memory = metrics.gauge("lunik_memory_bytes", "Memory of the image, by what it is.", { "kind" })
local build = metrics.gauge("lunik_build_info", "What the image was built from.",
  { "name", "version", "sdk", "lua", "hypervisor" })
local uptime = metrics.gauge("lunik_uptime_seconds", "Since the image started.")
build:set(sys.build.name or "", sys.build.version or "", sys.build.sdk or "", sys.build.lua or "",
  sys.build.hypervisor or "", 1)

-- Figures of the core that are there or not: a gauge or counter for each.
local FIGURES = {
  { "tasks", "gauge", "lunik_tasks", "Tasks that have not ended." },
  { "switches", "counter", "lunik_switches_total", "Switches between tasks." },
  { "sockets", "gauge", "lunik_sockets", "Sockets that are open, listeners included." },
  { "sockets_max", "gauge", "lunik_sockets_max", "How many sockets there may be." },
  { "sockets_half_open", "gauge", "lunik_sockets_half_open", "Connections that wait to be confirmed." },
  { "socket_bytes", "gauge", "lunik_socket_bytes", "Memory under all sockets." },
  { "gc_cycles", "counter", "lunik_gc_cycles_total", "Collections of Lua's garbage that were completed." },
}

-- A table that is garbage at once is found by each collection.
local cycles = 0
local function count_cycle()
  cycles = cycles + 1
  setmetatable({}, { __gc = count_cycle })
end
setmetatable({}, { __gc = count_cycle })

local shown = {}

local function collect_figures()
  local figures = core.figures()
  figures.gc_cycles = cycles
  for _, figure in ipairs(FIGURES) do
    local key, kind, name, help = table.unpack(figure)
    local value = figures[key]
    if value then
      shown[key] = shown[key] or metrics[kind](name, help)
      core.put(shown[key], value)
    end
  end
  for kind, bytes in pairs(sys.memory()) do memory:set(kind, bytes) end
  uptime:set(sys.clock())
end
metrics.collect(collect_figures)

core.set_pauses(metrics.histogram("lunik_gc_pause_seconds",
  "How long steps of Lua's garbage collection took.",
  { buckets = { 0.00001, 0.0001, 0.001, 0.01, 0.1, 1 } }):labels())

-- ---- The HTTP servers ----

local HTTP = {
  { "requests", "lunik_http_requests_total", "Requests that were answered." },
  { "accepted", "lunik_http_connections_total", "Connections that were accepted." },
  { "bad_requests", "lunik_http_bad_requests_total", "Requests that no handler saw: they were malformed." },
  { "timeouts", "lunik_http_timeouts_total", "Connections that were closed since nothing came." },
  { "refused", "lunik_http_refused_total", "Connections beyond the limit." },
  { "received_bytes", "lunik_http_received_bytes_total", "Bytes of bodies that were received." },
  { "sent_bytes", "lunik_http_sent_bytes_total", "Bytes that were sent." },
}

local function add_metric(parts, kind, name, help, ...)
  parts[#parts + 1] = ("# HELP %s %s\n# TYPE %s %s\n"):format(name, help, name, kind)
  for _, line in ipairs { ... } do parts[#parts + 1] = name .. line .. "\n" end
end

local function add_durations(parts, stats)
  local name, lines, count = "lunik_http_request_seconds", {}, 0
  for _, bucket in ipairs(stats.buckets) do
    count = count + bucket.count
    local bound = bucket.le == math.huge and "+Inf" or ("%.9g"):format(bucket.le)
    lines[#lines + 1] = ('_bucket{le="%s"} %d'):format(bound, count)
  end
  lines[#lines + 1] = ("_sum %.9g"):format(stats.seconds)
  lines[#lines + 1] = ("_count %d"):format(count)
  add_metric(parts, "histogram", name, "How long requests took.", table.unpack(lines))
end

-- The module lunik.http counts by itself; it is asked only where it is in use.
local function add_http(parts)
  local http = package.loaded["lunik.http"]
  if not http or not http.stats then return end
  local stats = http.stats()
  for _, one in ipairs(HTTP) do
    if stats[one[1]] then
      add_metric(parts, "counter", one[2], one[3], (" %d"):format(stats[one[1]]))
    end
  end
  if stats.connections then
    add_metric(parts, "gauge", "lunik_http_connections", "Connections that are open.",
      (" %d"):format(stats.connections))
  end
  local lines = {}
  for class, count in ipairs(stats.classes) do
    lines[class] = ('{class="%dxx"} %d'):format(class, count)
  end
  add_metric(parts, "counter", "lunik_http_responses_total", "Answers by the kind of their status.",
    table.unpack(lines))
  add_durations(parts, stats)
end

-- ---- Text ----

metrics.content_type = "text/plain; version=0.0.4; charset=utf-8"

--- All metrics as Prometheus' text. A collector that fails leaves out only its
--- own: the error is counted.
local failures
function metrics.text()
  for _, collector in ipairs(collectors) do
    if not pcall(collector) then
      failures = failures or metrics.counter("lunik_metrics_failures_total",
        "Collectors of metrics that raised an error.")
      failures:inc()
    end
  end
  local parts = {}
  for _, one in ipairs(order) do
    parts[#parts + 1] = one.head
    core.render(one.object, parts)
  end
  add_http(parts)
  return table.concat(parts)
end

--- A handler for GET /metrics.
function metrics.handler(req)
  if req and req.method ~= "GET" and req.method ~= "HEAD" then
    return 405, "method not allowed\n", { Allow = "GET, HEAD" }
  end
  return 200, metrics.text(), { ["Content-Type"] = metrics.content_type,
    ["Cache-Control"] = "no-store" }
end

--- Middleware for a router: counts requests and their times, by method, route
--- and status.
function metrics.middleware()
  local requests = metrics.counter("http_requests_total", "Requests that were answered.",
    { "method", "route", "status" })
  local seconds = metrics.histogram("http_request_seconds", "How long answers took.",
    { "method", "route" })
  local known = { GET = 1, HEAD = 1, POST = 1, PUT = 1, PATCH = 1, DELETE = 1, OPTIONS = 1 }
  local function note(req, began, ...)
    local method = known[req.method] and req.method or "other"
    -- The route, not the path, which a client can choose.
    local route = req.route or "none"
    local status = ...
    requests:inc(method, route, math.type(status) == "integer" and status or 200)
    seconds:observe(method, route, sys.clock() - began)
    return ...
  end
  -- An error goes on as it is, with the lines where it was raised.
  -- What http.error() raises has a status; other errors are answered with 500.
  local watch = { __close = function(self, err)
    local status = type(err) == "table" and err.status
    if err ~= nil then note(self.req, self.began, math.type(status) == "integer" and status or 500) end
  end }
  return function(req, _, next)
    local began = sys.clock()
    local watched <close> = setmetatable({ req = req, began = began }, watch)
    return note(req, began, next())
  end
end

return metrics
