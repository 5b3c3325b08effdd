-- SPDX-License-Identifier: MIT
-- static.lua: the module lunik.http.static: serves a folder of the sealed tree.
--
-- The tree is fixed when the image is sealed, so a file's tag is made once, and
-- no path can lead out: the archive has no "..", no links and no other files.
local tree = require "lunik.http.tree"

local static = {}

local CHUNK = 32 * 1024 -- bytes of a body that are read at a time

local TYPES = {
  avif = "image/avif", bin = "application/octet-stream", bmp = "image/bmp",
  css = "text/css; charset=utf-8", csv = "text/csv; charset=utf-8", gif = "image/gif",
  gz = "application/gzip", htm = "text/html; charset=utf-8", html = "text/html; charset=utf-8",
  ico = "image/x-icon", jpeg = "image/jpeg", jpg = "image/jpeg",
  js = "text/javascript; charset=utf-8", json = "application/json",
  lua = "text/plain; charset=utf-8", map = "application/json",
  md = "text/markdown; charset=utf-8", mjs = "text/javascript; charset=utf-8",
  mp3 = "audio/mpeg", mp4 = "video/mp4", ogg = "audio/ogg", otf = "font/otf",
  pdf = "application/pdf", png = "image/png", svg = "image/svg+xml", tar = "application/x-tar",
  ttf = "font/ttf", txt = "text/plain; charset=utf-8", wasm = "application/wasm",
  wav = "audio/wav", webm = "video/webm", webmanifest = "application/manifest+json",
  webp = "image/webp", woff = "font/woff", woff2 = "font/woff2",
  xhtml = "application/xhtml+xml", xml = "application/xml", zip = "application/zip",
}

-- ---- Accept-Encoding ----

-- The client's wish for each coding: { name = q }, from 0 to 1.
local function parse_codings(header)
  local wishes = {}
  for item in header:lower():gmatch "[^,]+" do
    local name, rest = item:match "^%s*([%w!#$%%&'*+%-.^_`|~]+)%s*(.*)$"
    if name then
      local q = rest:match "^;%s*q%s*=%s*([01]%.?%d?%d?%d?)%s*$"
      if rest == "" then q = 1 end
      -- A weight that is none asks for nothing.
      wishes[name] = tonumber(q) or 0
    end
  end
  return wishes
end

-- The codings in which the file could be sent, the most wanted first.
-- Brotli is the smaller one; identity wins only where it is wanted more.
local function order_codings(header)
  local wishes = parse_codings(header)
  local function wish(name) return wishes[name] or wishes["*"] or 0 end
  local gzip = wishes["gzip"] or wishes["x-gzip"] or wishes["*"] or 0
  local br, identity = wish "br", wishes["identity"] or 0
  local list = {}
  if br > 0 and br >= identity then list[1] = { "br", ".br", br } end
  if gzip > 0 and gzip >= identity then
    table.insert(list, gzip > br and 1 or #list + 1, { "gzip", ".gz", gzip })
  end
  return list
end

-- Browsers say one of a few things: what was made of them is kept.
local known_codings, known_count = {}, 0

local function codings_of(header)
  local list = known_codings[header]
  if not list then
    list = order_codings(header)
    if known_count < 32 and #header < 200 then
      known_codings[header], known_count = list, known_count + 1
    end
  end
  return list
end

-- ---- Conditions ----

-- Whether the list of tags (header) has (tag), by the weak comparison.
local function has_tag(header, tag)
  if header:match "^%s*%*%s*$" then return true end
  for found in header:gmatch '"([^"]*)"' do
    if '"' .. found .. '"' == tag then return true end
  end
  return false
end

local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9,
  Oct = 10, Nov = 11, Dec = 12 }
local DAYS = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local NAMES = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

-- Days from 1970-01-01 to a day of the Gregorian calendar.
local function days_of(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

-- Seconds since 1970 of an HTTP date in today's form; nil for any other text.
local function parse_date(text)
  local day, month, year, hour, minute, second =
    text:match "^%a%a%a, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$"
  month = MONTHS[month]
  if not month then return nil end
  day, hour, minute, second = tonumber(day), tonumber(hour), tonumber(minute), tonumber(second)
  if day < 1 or day > 31 or hour > 23 or minute > 59 or second > 60 then return nil end
  return days_of(math.tointeger(year), month, day) * 86400 + hour * 3600 + minute * 60 + second
end

local function format_date(seconds)
  local t = os.date("!*t", seconds)
  return ("%s, %02d %s %04d %02d:%02d:%02d GMT"):format(DAYS[t.wday], t.day, NAMES[t.month],
    t.year, t.hour, t.min, t.sec)
end

-- 304 or 412 if the request's conditions say so. The order is RFC 9110's.
local function check_conditions(headers, method, file, modified)
  local matched, none = headers["If-Match"], headers["If-None-Match"]
  if matched then
    if not has_tag(matched, file.tag) then return 412 end
  else
    local since = modified and headers["If-Unmodified-Since"]
    since = since and parse_date(since)
    if since and modified > since then return 412 end
  end
  if none then
    return has_tag(none, file.tag) and 304 or nil
  end
  local since = (method == "GET" or method == "HEAD") and modified and headers["If-Modified-Since"]
  since = since and parse_date(since)
  if since and modified <= since then return 304 end
end

-- ---- Ranges ----

-- The first and last byte of a Range header with one range; nil: send it all;
-- false: it cannot be satisfied. Several ranges are answered with everything,
-- as they may be, since they cost more than they are worth.
local function parse_range(header, size)
  local first, last = header:match "^%s*bytes%s*=%s*(%d*)%s*%-%s*(%d*)%s*$"
  if not first or first == "" and last == "" or #first > 15 or #last > 15 then return nil end
  first, last = math.tointeger(first), math.tointeger(last)
  if not first then
    if last == 0 or size == 0 then return false end
    return math.max(size - last, 0), size - 1
  end
  if last and last < first then return nil end
  if first >= size then return false end
  return first, math.min(last or size - 1, size - 1)
end

-- Whether If-Range lets the range count: a strong tag, or the very date.
local function keeps_range(headers, file, modified)
  local condition = headers["If-Range"]
  if not condition then return true end
  if condition:find('"', 1, true) then return condition:match '^%s*(".-")%s*$' == file.tag end
  return modified ~= nil and parse_date(condition) == modified
end

-- ---- Files ----

local Site = {}
Site.__index = Site

local function type_of(path, types)
  local extension = path:match "%.([%w]+)$"
  extension = extension and extension:lower()
  return extension and (types and types[extension] or TYPES[extension]) or "application/octet-stream"
end

-- What is known of the file at (path) of the tree: { path, size, tag }, or
-- false. Found files are remembered: the tree does not change.
local function look_up(self, path)
  local file = self.files[path]
  if file then return file end
  local size, tag = tree.find(path)
  if not size then return false end
  file = {
    path = path, size = size, length = ("%d"):format(size), tag = '"' .. tag .. '"',
    type = type_of(path, self.types),
  }
  self.files[path] = file
  return file
end

-- The file as the client likes it best, and the coding it is in.
local function choose(self, file, headers)
  if not self.precompressed then return file end
  if file.variants == nil then
    file.variants = (look_up(self, file.path .. ".br") or look_up(self, file.path .. ".gz")) and true
      or false
  end
  if not file.variants then return file end
  for _, coding in ipairs(codings_of(headers["Accept-Encoding"] or "")) do
    local variant = look_up(self, file.path .. coding[2])
    if variant then return variant, coding[1] end
  end
  return file
end

-- An iterator over the bytes from (first) to (last).
local function chunks(path, first, last)
  return function()
    if first > last then return nil end
    local stop = math.min(first + CHUNK - 1, last)
    local data = tree.read(path, first, stop)
    first = stop + 1
    return data
  end
end

-- The server sends sealed bytes from where they lie; without it they are copied.
local function body_of(file, first, last)
  local http = package.loaded["lunik.http"]
  if http and last >= first then return (http.file(file.path, first, last)) end
  if last - first < CHUNK then return tree.read(file.path, first, last) end
  return chunks(file.path, first, last)
end

-- Answers with (file), which the tree has; (name) is what it is called, with
-- the type of which it goes.
local function serve(self, req, file, status)
  local headers, method = req.headers, req.method
  local sent, coding = choose(self, file, headers)
  local modified = self.modified
  -- (All at once: a table that grows costs more.)
  local out = {
    ["ETag"] = sent.tag, ["Cache-Control"] = self.cache_control,
    ["Last-Modified"] = self.last_modified, ["Content-Encoding"] = coding,
    ["Vary"] = file.variants and "Accept-Encoding" or nil,
    ["Content-Type"] = file.type, ["X-Content-Type-Options"] = "nosniff",
    ["Accept-Ranges"] = "bytes", ["Content-Range"] = nil, ["Content-Length"] = nil,
  }
  local verdict = status == 200 and check_conditions(headers, method, sent, modified)
  if verdict == 304 then
    out["Content-Type"], out["X-Content-Type-Options"], out["Accept-Ranges"] = nil, nil, nil
    return 304, nil, out
  end
  if verdict then return verdict, "a condition of the request does not hold\n" end
  local first, last = 0, sent.size - 1
  local range = status == 200 and method == "GET" and headers["Range"]
  if range and keeps_range(headers, sent, modified) then
    local from, to = parse_range(range, sent.size)
    if from == false then
      return 416, "no such range\n", { ["Content-Range"] = "bytes */" .. sent.size }
    elseif from then
      first, last, status = from, to, 206
      out["Content-Range"] = ("bytes %d-%d/%d"):format(first, last, sent.size)
    end
  end
  out["Content-Length"] = status == 206 and ("%d"):format(last - first + 1) or sent.length
  if method == "HEAD" then return status, nil, out end
  return status, body_of(sent, first, last), out
end

local function not_found(self, req)
  local file = self.error_page and look_up(self, self.error_page)
  if file then return serve(self, req, file, 404) end
  return 404, "not found\n"
end

-- The path within the folder that a request asks for: what a mount or "*" left
-- of it, or all of it.
local function wanted_path(req)
  local params = req.params
  local path = params and params["*"]
  if path then return path end
  path = req.path
  return path and path:match "^/(.*)$"
end

-- Whether a path may name a file. Hidden files stay hidden.
local function is_allowed(path)
  if path:find "[\0\\]" or path:find("//", 1, true) or path:sub(1, 1) == "/" then return false end
  for segment in path:gmatch "[^/]+" do
    if segment:sub(1, 1) == "." and segment ~= ".well-known" then return false end
  end
  return true
end

-- Where the client must go for a folder, which has a "/" at its end.
local function redirect(req)
  local path, query = req.target:match "^([^?#]*)(.*)$"
  -- "//host" would lead to another server; browsers read "/\host" so, too.
  path = path:gsub("^/[/\\]+", "/")
  if path:sub(1, 1) ~= "/" then return 404, "not found\n" end
  return 301, "it is a folder\n", { Location = path .. "/" .. query:match "^[^#]*" }
end

-- The file for a path; or nil, and whether it is a folder that has an index.
local function find(self, path)
  local full = path == "" and self.root or self.root ~= "" and self.root .. "/" .. path or path
  if path ~= "" and path:sub(-1) ~= "/" then
    local file = look_up(self, full)
    if file or not self.index or not tree.has_folder(full) then return file end
    return nil, look_up(self, full .. "/" .. self.index) and true
  end
  local folder = full:gsub("/$", "")
  return self.index and look_up(self, (folder == "" and "" or folder .. "/") .. self.index)
end

--- Answers a request, as the handler of a server does.
function Site:handle(req)
  local method = req.method
  if method ~= "GET" and method ~= "HEAD" then
    if method == "OPTIONS" then return 204, nil, { Allow = "GET, HEAD, OPTIONS" } end
    return 405, "method not allowed\n", { Allow = "GET, HEAD, OPTIONS" }
  end
  local path = wanted_path(req)
  if not path then return 400, "the path is malformed\n" end
  local file = self.found[path]
  if not file then
    if not is_allowed(path) then return not_found(self, req) end
    local is_elsewhere
    file, is_elsewhere = find(self, path)
    if is_elsewhere then return redirect(req) end
    -- (What answers for any path is not kept under each.)
    if file then self.found[path] = file end
  end
  if not file and self.spa and not path:match "%.%w+$" then file = look_up(self, self.spa) end
  if not file then return not_found(self, req) end
  return serve(self, req, file, 200)
end

Site.__call = Site.handle

local function inside(root, name)
  if not name then return nil end
  return root == "" and name or root .. "/" .. name
end

--- A handler that serves the sealed folder (root). Options: index
--- ("index.html", or false), max_age in seconds (0), precompressed (true): send
--- file.br or file.gz to who takes it, modified: seconds since 1970 for
--- Last-Modified, spa: a file for paths that are none, not_found: a file for
--- 404, types: extension -> content type.
function static.new(root, options)
  options = options or {}
  if type(root) ~= "string" then error("the folder must be a string", 2) end
  root = root:gsub("^%./", ""):gsub("^/+", ""):gsub("/+$", "")
  if root == "." then root = "" end
  if root ~= "" and not tree.has_folder(root) then
    error(("no file of the image lies in %q: does the project's `include` name it?"):format(root), 2)
  end
  local max_age = options.max_age or 0
  if math.type(max_age) ~= "integer" or max_age < 0 then
    error("max_age must be a whole number of seconds", 2)
  end
  local modified = options.modified and math.tointeger(options.modified // 1)
  return setmetatable({
    root = root, files = {}, found = {},
    index = options.index == nil and "index.html" or options.index or nil,
    precompressed = options.precompressed ~= false,
    cache_control = max_age == 0 and "no-cache" or ("max-age=%d"):format(max_age),
    modified = modified, last_modified = modified and format_date(modified),
    spa = inside(root, options.spa), error_page = inside(root, options.not_found),
    types = options.types,
  }, Site)
end

return static
