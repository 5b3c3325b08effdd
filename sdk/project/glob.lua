-- SPDX-License-Identifier: MIT
-- glob.lua: file patterns of a project: `*` and `?` within a name, `**` for
-- any folders, nothing that leads out of the project.

local glob = {}

-- Why (pattern) is refused, or nil.
function glob.refuse(pattern)
  if pattern == "" then return "it is empty" end
  if pattern:sub(1, 1) == "/" or pattern:sub(1, 1) == "~" then
    return "it is absolute; patterns are relative to the project"
  end
  if ("/" .. pattern .. "/"):find("/../", 1, true) then
    return "\"..\" leads out of the project"
  end
  if pattern:find "[%c\\]" then return "it holds a backslash or a control character" end
  return nil
end

-- (path) without "." parts and double slashes: as the archive wants it.
function glob.plain(path)
  local parts = {}
  for part in path:gmatch "[^/]+" do
    if part ~= "." then parts[#parts + 1] = part end
  end
  return table.concat(parts, "/")
end

local function name_to_pattern(name)
  return (name:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", "[^/]*"):gsub("%?", "[^/]"))
end

local function match_parts(parts, i, path)
  local part = parts[i]
  local rest = path
  if part == nil then return path == nil end
  if path == nil then return part == "**" and match_parts(parts, i + 1, nil) end
  if part == "**" then
    if i == #parts then return true end
    while rest do
      if match_parts(parts, i + 1, rest) then return true end
      rest = rest:match "^[^/]*/(.*)$"
    end
    return false
  end
  local name, after = rest:match "^([^/]*)/(.*)$"
  name = name or rest
  if not name:find("^" .. name_to_pattern(part) .. "$") then return false end
  -- `*` does not give hidden files away.
  if name:sub(1, 1) == "." and part:sub(1, 1) ~= "." then return false end
  return match_parts(parts, i + 1, after)
end

-- Whether (path), relative and without "." parts, fits (pattern).
function glob.matches(pattern, path)
  local parts = {}
  for part in pattern:gmatch "[^/]+" do
    if part ~= "." then parts[#parts + 1] = part end
  end
  return match_parts(parts, 1, path)
end

return glob
