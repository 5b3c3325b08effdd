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
local path = require "lunik.http.path"

local router = {}

local Router = {}
Router.__index = Router

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

-- The node for (segments), made where it is missing; the parameters' names, and
-- which segment each of them is; and of a "*" its name and where it begins.
local function grow(root, segments)
  local node, names, places, rest = root, {}, {}, nil
  for place, segment in ipairs(segments) do
    if segment.kind == "" then
      node.static[segment.text] = node.static[segment.text] or new_node()
      node = node.static[segment.text]
    elseif segment.kind == ":" then
      names[#names + 1], places[#places + 1] = segment.name, place
      node.param = node.param or new_node()
      node = node.param
    else
      rest = segment.name
      node.rest = node.rest or new_node()
      node = node.rest
    end
  end
  return node, { names = names, places = places, rest = rest, rest_place = #segments }
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
  local node, route = grow(self.root, parse_pattern(pattern, level + 1))
  local endpoint = node.endpoint or { methods = {} }
  local known = endpoint.any
  if method ~= "*" then known = endpoint.methods[method] end
  if known then
    error(("%s %s has a handler"):format(method == "*" and "any" or method, pattern), level + 1)
  end
  route.handler, route.pattern = handler, pattern
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
  local node, mount = grow(self.root, segments)
  if node.mount then error(("something is mounted at %s"):format(prefix), 2) end
  mount.is_router = getmetatable(handler) == Router
  mount.handler, mount.pattern = handler, prefix == "/" and "" or prefix
  if not mount.is_router then mount.pattern = mount.pattern .. "/*" end
  mount.rest, mount.rest_place = "*", #segments + 1
  node.mount = mount
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

-- The endpoints that fitted the last path but lack its method. (Nothing waits
-- between a search and the look at this.)
local refused

-- The route of (node)'s endpoint for the method, if it has one.
local function try_endpoint(node, method)
  local endpoint = node.endpoint
  if not endpoint then return nil end
  local route = serves(endpoint, method)
  if not route then
    refused = refused or {}
    refused[#refused + 1] = endpoint
  end
  return route
end

-- The best route or mount for the segments from (at) on: literal before
-- parameter before "*" before mount, and none without the request's method
-- while another has it. It visits a node at most once.
local function find(node, segments, at, method)
  local segment, route = segments[at], nil
  if segment == nil then
    route = try_endpoint(node, method)
  else
    local child = node.static[segment]
    if child then route = find(child, segments, at + 1, method) end
    if not route and node.param and segment ~= "" then
      route = find(node.param, segments, at + 1, method)
    end
    if not route and node.rest then route = try_endpoint(node.rest, method) end
  end
  return route or not refused and node.mount or nil
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

-- Sets what the request is told of the route: its parameters, those of mounts
-- around it (params), and its pattern. Segments begin at (base). False if the
-- rest is none.
local function tell(req, route, segments, base, params, prefix)
  local names, places = route.names, route.places
  if params or names[1] or route.rest then
    params = params or {}
    for i = 1, #names do params[names[i]] = segments[base + places[i]] end
    if route.rest then
      local rest = join(segments, base + route.rest_place)
      if not rest then return false end
      params[route.rest] = rest
    end
    req.params = params
  end
  req.route = prefix and prefix .. route.pattern or route.pattern
  return true
end

local dispatch

local function find_and_run(self, req, res, segments, base, params, prefix)
  local method = req.method
  refused = nil
  local route = find(self.root, segments, base + 1, method)
  if not route then
    if refused then return answer_refused(method, refused) end
    return (self.not_found or answer_404)(req, res)
  end
  if not tell(req, route, segments, base, params, prefix) then return refuse(400) end
  if route.is_router then
    -- "/api" and "/api/" are both the mounted router's "/".
    base = base + route.rest_place - 1
    if segments[base + 1] == nil then segments[base + 1] = "" end
    return dispatch(route.handler, req, res, segments, base, req.params, req.route)
  end
  return route.handler(req, res)
end

-- Runs the middleware from the (i)th on, then the route.
local function run_chain(self, i, req, res, segments, base, params, prefix)
  local fn = self.middleware[i]
  if not fn then return find_and_run(self, req, res, segments, base, params, prefix) end
  return fn(req, res, function()
    return run_chain(self, i + 1, req, res, segments, base, params, prefix)
  end)
end

function dispatch(self, req, res, segments, base, params, prefix)
  if self.middleware[1] then return run_chain(self, 1, req, res, segments, base, params, prefix) end
  return find_and_run(self, req, res, segments, base, params, prefix)
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
  local segments, status = path.split(target)
  if not segments then return refuse(status) end
  return dispatch(self, req, res, segments, 0)
end

Router.__call = Router.handle

--- The same as a plain function, for those who want one.
function Router:handler()
  return function(req, res) return self:handle(req, res) end
end

return router
