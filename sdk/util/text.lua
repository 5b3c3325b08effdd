-- SPDX-License-Identifier: MIT
-- text.lua: words for people: nearest names, sizes, colours.

local text = {}

-- How many single letters must change (insert, delete, replace, swap two
-- neighbours) to make (a) of (b).
function text.distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local best = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and
        a:byte(i - 1) == b:byte(j) then
        best = math.min(best, before[j - 2] + 1)
      end
      row[j] = best
    end
    before, last = last, row
  end
  return last[#b]
end

-- Nobody mistypes longer ones; comparing them would take for ever.
local LONGEST_NAME = 100

-- The one of (names) that (name) was probably meant to be, or nil.
function text.nearest(name, names)
  local best, best_distance
  if #name > LONGEST_NAME then return nil end
  local sorted = table.move(names, 1, #names, 1, {})
  table.sort(sorted)
  for _, candidate in ipairs(sorted) do
    local distance = text.distance(name:lower(), candidate:lower())
    if not best or distance < best_distance then
      best, best_distance = candidate, distance
    end
  end
  if best and best_distance <= math.max(1, #name // 3) then return best end
  return nil
end

-- "; did you mean X?" or "".
function text.did_you_mean(name, names)
  local nearest = text.nearest(name, names)
  return nearest and ("; did you mean %q?"):format(nearest) or ""
end

local units = { K = 1 << 10, M = 1 << 20, G = 1 << 30 }

-- What x86-64 can address; so sums of sizes never overflow.
local LARGEST_SIZE = 1 << 52

-- "16M", "512K", "1G", "4096" or a whole number as bytes, or nil.
function text.parse_size(value)
  if math.type(value) == "integer" then
    return value > 0 and value <= LARGEST_SIZE and value or nil
  end
  if type(value) ~= "string" then return nil end
  local digits, unit = value:match "^(%d+)([KMG]?)i?B?$"
  if not digits or #digits > 12 then return nil end
  local count, scale = math.tointeger(tonumber(digits)), units[unit] or 1
  return count > 0 and count <= LARGEST_SIZE // scale and count * scale or nil
end

-- 303104 -> "303,104".
function text.digits(number)
  local formatted = ("%d"):format(number):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (formatted:gsub("^,", ""))
end

function text.plural(count, word) return ("%d %s%s"):format(count, word, count == 1 and "" or "s") end

function text.split(line, separator)
  local parts = {}
  for part in (line .. separator):gmatch("(.-)" .. separator) do parts[#parts + 1] = part end
  return parts
end

function text.sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

-- (value) in quotes for a message: one line, not too long, without escapes.
function text.quoted(value)
  local cut = #value > 80 and value:sub(1, 80) .. "..." or value
  return (("%q"):format(cut):gsub("\\\n", "\\n"):gsub("[\1-\31\127]", "?"))
end

-- (value) as a terminal may show it: control characters could write over what
-- stands there.
function text.printable(value)
  return (value:gsub("%c", "?"))
end

-- A word that a shell takes as it is, quoted where it must be.
function text.shell_quote(word)
  if word:match "^[%w_@%%+=:,./-]+$" then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local codes = { bold = 1, red = 31, green = 32, yellow = 33, blue = 34, dim = 2 }

-- Colours (value) when (file) is a terminal and NO_COLOR is not set.
function text.colour(file, name, value)
  local unistd = require "posix.unistd"
  local stdio = require "posix.stdio"
  local forbidden = os.getenv "NO_COLOR"
  if (forbidden and forbidden ~= "") or os.getenv "TERM" == "dumb" or
    unistd.isatty(stdio.fileno(file)) ~= 1 then
    return value
  end
  return ("\27[%dm%s\27[0m"):format(codes[name], value)
end

return text
