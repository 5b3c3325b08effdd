-- SPDX-License-Identifier: MIT
-- lexer.lua: Lua text as a list of words, enough to find `require` in it.
--
-- The text has been compiled before, so mistakes in it need no sentence here;
-- whatever it holds, the lexer ends.

local lexer = {}

local escapes = { n = "\n", t = "\t", r = "\r", a = "\a", b = "\b", f = "\f", v = "\v" }

local function count_lines(text) return select(2, text:gsub("\n", "")) end

-- The value of a quoted string's inside. Numbers and \z are kept as they are:
-- no module's name has them.
local function unescape(inside)
  return (inside:gsub("\\(.)", function(c) return escapes[c] or c end))
end

-- The end of the quoted string that begins at (at): its last character.
local function string_end(text, at)
  local mark = text:sub(at, at)
  local here = at + 1
  while here <= #text do
    local c = text:sub(here, here)
    if c == mark or c == "\n" then return here end
    if c ~= "\\" then
      here = here + 1
    elseif text:sub(here + 1, here + 1) == "z" then
      here = text:match("^%s*()", here + 2)
    else
      -- A line's end may be two characters.
      here = text:match("^\r\n()", here + 1) or text:match("^\n\r()", here + 1) or here + 2
    end
  end
  return #text
end

-- Reads one token at (at), which is no blank: kind, value, where it ends.
local function token(text, at)
  local equals = text:match("^%-%-%[(=*)%[", at)
  if equals then
    local _, stop = text:find("]" .. equals .. "]", at, true)
    return "comment", nil, stop or #text
  end
  if text:sub(at, at + 1) == "--" then
    return "comment", nil, (text:find("\n", at, true) or #text + 1) - 1
  end
  equals = text:match("^%[(=*)%[", at)
  if equals then
    local start = at + #equals + 2
    local stop, last = text:find("]" .. equals .. "]", start, true)
    return "string", (text:sub(start, (stop or #text + 1) - 1):gsub("^\r?\n", "")), last or #text
  end
  local c = text:sub(at, at)
  if c == '"' or c == "'" then
    local stop = string_end(text, at)
    return "string", unescape(text:sub(at + 1, stop - 1)), stop
  end
  local word = text:match("^[%a_][%w_]*", at)
  if word then return "name", word, at + #word - 1 end
  word = text:match("^%.?%d[%w_.]*", at)
  if word then return "number", word, at + #word - 1 end
  word = text:match("^%.%.%.?", at) or text:match("^::", at)
    or text:match("^[=~<>]=", at) or c
  return "operator", word, at + #word - 1
end

-- A list of { kind =, value =, line = }; comments are left out.
function lexer.tokens(text)
  local list, line = {}, 1
  local at = text:match "^#[^\n]*()" or 1
  while true do
    local blank, next_at = text:match("^(%s*)()", at)
    line = line + count_lines(blank)
    at = next_at
    if at > #text then return list end
    local kind, value, stop = token(text, at)
    if kind ~= "comment" then
      list[#list + 1] = { kind = kind, value = value, line = line }
    end
    line = line + count_lines(text:sub(at, stop))
    at = stop + 1
  end
end

local function is(item, value) return item ~= nil and item.kind ~= "string" and item.value == value end

-- The argument of a call at tokens[i], the word after the function's name.
local function argument(tokens, i)
  local item = tokens[i]
  if not item then return nil end
  if item.kind == "string" then return item.value end
  if is(item, "(") and tokens[i + 1] and tokens[i + 1].kind == "string"
    and is(tokens[i + 2], ")") then
    return tokens[i + 1].value
  end
  return nil
end

-- The modules that (text) asks for by a constant name, in order:
-- { name =, line =, optional = }. `pcall(require, "x")` is optional.
function lexer.requires(text)
  local tokens, found = lexer.tokens(text), {}
  for i, item in ipairs(tokens) do
    local before = tokens[i - 1]
    local is_field = is(before, ".") or is(before, ":")
    if item.kind == "name" and item.value == "require" and not is_field then
      local name = argument(tokens, i + 1)
      if name then
        found[#found + 1] = { name = name, line = item.line, optional = false }
      elseif is(before, "(") and is(tokens[i - 2], "pcall") and is(tokens[i + 1], ",")
        and tokens[i + 2] and tokens[i + 2].kind == "string" then
        found[#found + 1] = { name = tokens[i + 2].value, line = item.line, optional = true }
      end
    end
  end
  return found
end

-- (text) without what is no Lua at its start, as the runtime reads it: a byte
-- order mark, and a first line "#!..."; the line's end stays, so that lines keep
-- their numbers.
function lexer.without_preamble(text)
  text = text:gsub("^\xEF\xBB\xBF", "")
  return (text:gsub("^#[^\n]*", ""))
end

-- The index behind the argument of the `require` at tokens[i], if that asks for
-- (module).
local function asks_for(tokens, i, module)
  local item = tokens[i]
  if item.kind ~= "name" or item.value ~= "require" or argument(tokens, i + 1) ~= module then return nil end
  return tokens[i + 1].kind == "string" and i + 2 or i + 4
end

-- The fields of (module) that (text) uses, as a set; nil where that cannot be
-- told: the module is in no local variable, is handed on, or is looked up in
-- another way.
function lexer.fields(text, module)
  local tokens, names, fields = lexer.tokens(text), {}, {}
  for i = 1, #tokens do
    local after = asks_for(tokens, i, module)
    if after and is(tokens[after], ".") and tokens[after + 1] then
      fields[tokens[after + 1].value] = true
    elseif after then
      if not is(tokens[i - 1], "=") or not is(tokens[i - 3], "local") then return nil end
      names[tokens[i - 2].value] = true
    elseif is(tokens[i], "require") and not argument(tokens, i + 1) then
      return nil
    end
  end
  for i, item in ipairs(tokens) do
    local before, after = tokens[i - 1], tokens[i + 1]
    if item.kind == "name" and names[item.value] and not is(before, ".") and not is(before, ":") then
      if (is(after, ".") or is(after, ":")) and tokens[i + 2] then
        fields[tokens[i + 2].value] = true
      elseif not is(after, "=") then
        return nil
      end
    end
  end
  return fields
end

-- Lines of the keys of the table that a project file returns:
-- "heap" -> 3, "c.sources" -> 7.
function lexer.key_lines(text)
  local lines, path = {}, {}
  local pending
  local tokens = lexer.tokens(text)
  for i, item in ipairs(tokens) do
    if is(item, "{") then
      path[#path + 1] = pending or ""
      pending = nil
    elseif is(item, "}") then
      path[#path] = nil
    elseif is(item, "=") and #path > 0 then
      local key = tokens[i - 1]
      if is(key, "]") then key = tokens[i - 2] end
      if key and (key.kind == "name" or key.kind == "string") then
        local name = table.concat(path, ".", 2)
        name = name == "" and key.value or name .. "." .. key.value
        lines[name] = lines[name] or key.line
        pending = key.value
      end
    elseif is(item, ",") or is(item, ";") then
      pending = nil
    end
  end
  return lines
end

return lexer
