-- SPDX-License-Identifier: MIT
-- json.lua: JSON from Lua values, and back (for QMP).

local json = {}

local escapes = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

-- (value) with U+FFFD for every byte that is no UTF-8, as file names may hold.
local function well_formed(value)
  local parts, from = {}, 1
  while true do
    local _, bad = utf8.len(value, from)
    if not bad then return table.concat(parts) .. value:sub(from) end
    parts[#parts + 1] = value:sub(from, bad - 1) .. "\u{fffd}"
    from = bad + 1
  end
end

local function quote(value)
  return '"' .. well_formed(value):gsub('[%c"\\\127]', function(c)
    return escapes[c] or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

-- A table with [1], or an empty one marked json.array, is an array; keys of
-- objects are sorted, so that equal values give equal text.
json.array = {}
function json.encode(value, indent, level)
  level = level or 0
  local kind = type(value)
  if kind == "string" then return quote(value) end
  if kind == "number" or kind == "boolean" or kind == "nil" then
    return kind == "nil" and "null" or tostring(value)
  end
  local parts = {}
  local is_array = value[1] ~= nil or getmetatable(value) == json.array
  if is_array then
    for _, item in ipairs(value) do parts[#parts + 1] = json.encode(item, indent, level + 1) end
  else
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys)
    for _, key in ipairs(keys) do
      parts[#parts + 1] = quote(key) .. (indent and ": " or ":") ..
        json.encode(value[key], indent, level + 1)
    end
  end
  local open, close = is_array and "[" or "{", is_array and "]" or "}"
  if #parts == 0 or not indent then return open .. table.concat(parts, ",") .. close end
  local pad = "\n" .. indent:rep(level + 1)
  return open .. pad .. table.concat(parts, "," .. pad) .. "\n" .. indent:rep(level) .. close
end

local unescapes = { n = "\n", r = "\r", t = "\t", b = "\b", f = "\f" }
local literals = { ["true"] = true, ["false"] = false }

local decode_value

local function decode_string(text, at)
  local parts = {}
  at = at + 1
  while true do
    local plain, next_at = text:match('^([^"\\]*)()', at)
    parts[#parts + 1] = plain
    local mark = text:sub(next_at, next_at)
    if mark == '"' then return table.concat(parts), next_at + 1 end
    if mark ~= "\\" then error("string without an end", 0) end
    local letter = text:sub(next_at + 1, next_at + 1)
    if letter == "u" then
      local code = tonumber(text:match("^%x%x%x%x", next_at + 2) or "fffd", 16)
      at = next_at + 6
      -- What lies beyond FFFF comes as two.
      local low = code >> 10 == 0x36 and text:match("^\\u([dD][c-fC-F]%x%x)", at)
      if low then
        code = 0x10000 + ((code & 0x3ff) << 10 | tonumber(low, 16) & 0x3ff)
        at = at + 6
      elseif code >> 11 == 0x1b then
        code = 0xfffd
      end
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = unescapes[letter] or letter
      at = next_at + 2
    end
  end
end

local function skip(text, at) return text:match("^%s*()", at) end

local function decode_items(text, at, close, item)
  at = skip(text, at + 1)
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = skip(text, item(at))
    local mark = text:sub(at, at)
    if mark == close then return at + 1 end
    if mark ~= "," then error("expected , or " .. close, 0) end
    at = skip(text, at + 1)
  end
end

function decode_value(text, at)
  at = skip(text, at)
  local mark = text:sub(at, at)
  if mark == '"' then return decode_string(text, at) end
  local result = {}
  if mark == "{" then
    return result, decode_items(text, at, "}", function(here)
      local key, after = decode_string(text, here)
      after = skip(text, after)
      local value
      value, after = decode_value(text, after + 1)
      result[key] = value
      return after
    end)
  elseif mark == "[" then
    return result, decode_items(text, at, "]", function(here)
      local value, after = decode_value(text, here)
      result[#result + 1] = value
      return after
    end)
  end
  local word, after = text:match("^([%w.+-]+)()", at)
  if not word then error("not a value", 0) end
  if literals[word] ~= nil then return literals[word], after end
  return tonumber(word), after
end

-- The value, or nil and a message.
function json.decode(text)
  local ok, value = pcall(decode_value, text, 1)
  if ok then return value end
  return nil, value
end

return json
