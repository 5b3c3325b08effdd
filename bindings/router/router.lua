-- SPDX-License-Identifier: MIT
-- router.lua: the module lunik.http.router: finds the handler of a request.
--
-- Routes are kept as a tree of path segments, so that finding one depends on
-- the path's length, not on the number of routes.
--
-- The path is cut at "/" as it was sent, and each segment is decoded by itself:
-- "%2f" never divides. Refused with 400: escapes that are none, "%00", the
-- segments "." and ".." in any spelling, and "%2f" below a mount or in what a
-- "*" takes. A mount is a prefix that another router or handler has to itself.

local router = {}

local Router = {}
Router.__index = Router

local SEGMENTS_MAX = 64 -- of a path; more are refused with 414

local METHOD = "^[!#$%%&'*+%-.^_`|~%w]+$"

local function new_node() return { static = {} } end

--- A router. It is itself a handler: `http.serve { handler = router.new() }`.
function router.new()
  return setmetatable({ root = new_node(), middleware = {}, methods = {} }, Router)
end

-- ---- Adding ----

-- The segments of (pattern): { { kind =, name = | text = }, … }.
local function parse_pattern(pattern, level)
  if type(pattern) ~= "string" or pattern:sub(1, 1) ~= "/" then
    error(("a route's pattern must be a string that begins with \"/\", not %s")
      :format(tostring(pattern)), level + 1)
  end
  local segments, names = {}, {}
  for text in pattern:sub(2):gmatch "[^/]*" do
    local mark, name = text:match "^([:*])(.*)$"
    if segments[#segments] and segments[#segments].kind == "*" then
      error(("%s: \"*\" must be the last segment"):format(pattern), level + 1)
    elseif not mark then
      if text == "." or text == ".." then
        error(("%s: no path has the segment %q"):format(pattern, text), level + 1)
      end
      segments[#segments + 1] = { kind = "", text = text }
    elseif mark == ":" and not name:match "^[%a_][%w_]*$"
      or mark == "*" and not name:match "^[%w_]*$" then
      error(("%s: %q is no name of a parameter"):format(pattern, name), level + 1)
    else
      if name == "" then name = "*" end
      if names[name] then
        error(("%s: the parameter %q comes twice"):format(pattern, name), level + 1)
      end
      names[name] = true
      segments[#segments + 1] = { kind = mark, name = name }
    end
  end
  return segments
end

-- The node for (segments), made where it is missing; and the parameters' names,
-- with that of a "*" as .rest.
local function grow(root, segments)
  local node, names = root, {}
  for _, segment in ipairs(segments) do
    if segment.kind == "" then
      node.static[segment.text] = node.static[segment.text] or new_node()
      node = node.static[segment.text]
    elseif segment.kind == ":" then
      names[#names + 1] = segment.name
      node.param = node.param or new_node()
      node = node.param
    else
      names.rest = segment.name
      node.rest = node.rest or new_node()
      node = node.rest
    end
  end
  return node, names
end

local function is_callable(value)
  return type(value) == "function"
    or type(getmetatable(value)) == "table" and getmetatable(value).__call ~= nil
end

local function check_handler(handler, level)
  if not is_callable(handler) then
    error(("a handler must be a function, not a %s value"):format(type(handler)), level + 1)
  end
end

-- (level): how far the caller to blame is from here; callers return add(), so
-- he is the next.
local function add(self, method, pattern, handler, level)
  check_handler(handler, level + 1)
  if method ~= "*" and not (type(method) == "string" and method:match(METHOD)) then
    error(("%s is no method"):format(tostring(method)), level + 1)
  end
  local node, names = grow(self.root, parse_pattern(pattern, level + 1))
  local endpoint = node.endpoint or { methods = {} }
  local known = endpoint.any
  if method ~= "*" then known = endpoint.methods[method] end
  if known then
    error(("%s %s has a handler"):format(method == "*" and "any" or method, pattern), level + 1)
  end
  local route = { handler = handler, names = names, pattern = pattern, rest = names.rest }
  if method == "*" then
    endpoint.any = route
  else
    endpoint.methods[method] = route
    self.methods[method] = true
  end
  node.endpoint = endpoint
  return self
end

--- Adds a handler for one method, or for a list of them.
function Router:route(method, pattern, handler)
  if type(method) ~= "table" then return add(self, method, pattern, handler, 1) end
  for _, name in ipairs(method) do add(self, name, pattern, handler, 2) end
  return self
end

for _, method in ipairs { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" } do
  Router[method:lower()] = function(self, pattern, handler)
    return add(self, method, pattern, handler, 1)
  end
end

--- Adds a handler for the methods that have none of their own.
function Router:any(pattern, handler) return add(self, "*", pattern, handler, 1) end

--- Has (handler), often another router, answer everything at and below
--- (prefix). It finds the rest of the path in req.params["*"], and no router
--- that is mounted sees the prefix.
function Router:mount(prefix, handler)
  if not is_callable(handler) then
    error(("a router or a handler must be mounted, not a %s value"):format(type(handler)), 2)
  end
  if type(prefix) == "string" and #prefix > 1 then prefix = prefix:gsub("/$", "") end
  local segments = parse_pattern(prefix, 2)
  if prefix == "/" then segments = {} end
  for _, segment in ipairs(segments) do
    if segment.kind == "*" then error("a prefix has no \"*\"", 2) end
  end
  local node, names = grow(self.root, segments)
  if node.mount then error(("something is mounted at %s"):format(prefix), 2) end
  node.mount = {
    handler = handler, names = names, rest = "*", pattern = prefix == "/" and "" or prefix,
    is_router = getmetatable(handler) == Router,
  }
  return self
end

--- Calls fn(req, res, next) around every request of this router, whether there
--- is a route or not, in the order of the calls. `return next()` goes on.
function Router:use(fn)
  if not is_callable(fn) then
    error(("middleware must be a function, not a %s value"):format(type(fn)), 2)
  end
  self.middleware[#self.middleware + 1] = fn
  return self
end

--- Sets what answers where there is no route (404).
function Router:fallback(handler)
  check_handler(handler, 2)
  self.not_found = handler
  return self
end

-- ---- Paths ----

local function decode_hex(hex) return string.char(tonumber(hex, 16)) end

-- The decoded segments of a request's target; nil and a status if it is none.
local function split(target)
  local path = target:match "^[^?#]*"
  if path:sub(1, 1) ~= "/" then
    path = path:match "^%a[%w+.-]*://[^/]*(.*)$" -- a proxy's form
    if not path then return nil, 400 end
    if path == "" then path = "/" end
  end
  local has_escape = path:find("%", 1, true)
  if path:find("\0", 1, true) then return nil, 400 end
  local segments, count = {}, 0
  for segment in path:gmatch "/([^/]*)" do
    if has_escape and segment:find("%", 1, true) then
      local rest, escapes = segment:gsub("%%%x%x", "")
      if rest:find("%", 1, true) then return nil, 400 end
      if escapes > 0 then segment = segment:gsub("%%(%x%x)", decode_hex) end
      if segment:find("\0", 1, true) then return nil, 400 end
    end
    if segment == "." or segment == ".." then return nil, 400 end
    count = count + 1
    if count > SEGMENTS_MAX then return nil, 414 end
    segments[count] = segment
  end
  return segments
end

-- The segments from (at) on as one path; nil if one of them has a "/" in it.
local function join(segments, at)
  for i = at, #segments do
    if segments[i]:find("/", 1, true) then return nil end
  end
  return table.concat(segments, "/", at)
end

-- ---- Finding ----

local function serves(endpoint, method)
  return endpoint.methods[method] or method == "HEAD" and endpoint.methods.GET or endpoint.any
end

-- Takes (node)'s endpoint if it has the method; else notes it in (state).
local function try_endpoint(node, state)
  local endpoint = node.endpoint
  if not endpoint then return nil end
  local route = serves(endpoint, state.method)
  if not route then
    state.refused = state.refused or {}
    table.insert(state.refused, endpoint)
  end
  return route
end

-- The best route for the segments from (at) on: literal before parameter before
-- "*" before mount, and none without the request's method while another has it.
-- (state) gets the parameters' values. Answers the route or mount, and what it
-- is. It visits a node at most once.
local function find(node, segments, at, state, count)
  local segment, route, kind = segments[at], nil, nil
  if segment == nil then
    route, kind = try_endpoint(node, state), "route"
  else
    local child = node.static[segment]
    if child then route, kind = find(child, segments, at + 1, state, count) end
    if not route and node.param and segment ~= "" then
      state[count + 1] = segment
      route, kind = find(node.param, segments, at + 1, state, count + 1)
    end
    if not route and node.rest then
      route, kind = try_endpoint(node.rest, state), "rest"
      if route then state.rest = at end
    end
  end
  if not route and node.mount and not state.refused then
    route, kind, state.rest = node.mount, "mount", at
  end
  return route, kind
end

local function answer_404() return 404, "not found\n" end

local function refuse(status)
  return status, status == 414 and "the path is too long\n" or "the path is malformed\n"
end

-- A list for the header Allow of the methods that are keys of (names).
local function allow_of(names)
  names.OPTIONS = true
  if names.GET then names.HEAD = true end
  local list = {}
  for method in pairs(names) do list[#list + 1] = method end
  table.sort(list)
  return { Allow = table.concat(list, ", ") }
end

-- There are routes, but none for the method.
local function answer_refused(method, endpoints)
  local names = {}
  for _, endpoint in ipairs(endpoints) do
    for name in pairs(endpoint.methods) do names[name] = true end
  end
  if method == "OPTIONS" then return 204, nil, allow_of(names) end
  return 405, "method not allowed\n", allow_of(names)
end

-- Sets the parameters of a route or mount; false if its rest is none.
local function set_params(req, route, state, segments)
  local params, names = req.params or {}, route.names
  for i = 1, #names do params[names[i]] = state[i] end
  if state.rest then
    local rest = join(segments, state.rest)
    if not rest then return false end
    params[route.rest] = rest
  end
  req.params = params
  local notes = req.state
  if notes then notes.route = (notes.route or "") .. route.pattern end
  return true
end

local dispatch

local function find_and_run(self, req, res, segments, at)
  local state = { method = req.method }
  local route, kind = find(self.root, segments, at, state, 0)
  if not route then
    if state.refused then return answer_refused(state.method, state.refused) end
    return (self.not_found or answer_404)(req, res)
  end
  if kind == "route" then state.rest = nil end
  if not set_params(req, route, state, segments) then return refuse(400) end
  if kind == "mount" and route.is_router then
    -- "/api" and "/api/" are both the mounted router's "/".
    if segments[state.rest] == nil then segments[state.rest] = "" end
    return dispatch(route.handler, req, res, segments, state.rest)
  end
  return route.handler(req, res)
end

-- Runs the middleware from the (i)th on, then the route.
local function run_chain(self, i, req, res, segments, at)
  local fn = self.middleware[i]
  if not fn then return find_and_run(self, req, res, segments, at) end
  return fn(req, res, function() return run_chain(self, i + 1, req, res, segments, at) end)
end

function dispatch(self, req, res, segments, at)
  if self.middleware[1] then return run_chain(self, 1, req, res, segments, at) end
  return find_and_run(self, req, res, segments, at)
end

local function answer_star(self)
  local names = {}
  for name in pairs(self.methods) do names[name] = true end
  return 204, nil, allow_of(names)
end

--- Answers a request, as the handler of a server does.
function Router:handle(req, res)
  local target = req.target
  if target == "*" and req.method == "OPTIONS" then return answer_star(self) end
  local segments, status = split(target)
  if not segments then return refuse(status) end
  return dispatch(self, req, res, segments, 1)
end

Router.__call = Router.handle

--- The same as a plain function, for those who want one.
function Router:handler()
  return function(req, res) return self:handle(req, res) end
end

return router
