-- SPDX-License-Identifier: MIT
-- script.lua: runs other people's test scripts as they are: each with globals of
-- its own, and os.exit ends the script instead of the image.
local task = require "lunik.task"

local script = {}

-- The text of a sealed file of theirs.
function script.read(path)
  local file = assert(io.open(script.folder .. path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- Where those files are; the host platform opens files by the host's own paths.
script.folder = os.getenv "LUASOCKET_TESTS" or "test/"

-- What the globals were that (values) are put in the place of.
local function exchange(env, values)
  local before = {}
  for name, value in pairs(values) do
    before[name] = rawget(env, name) or false
    rawset(env, name, value or nil)
  end
  return before
end

-- Runs (path) with (globals) before the real ones; with globals.is_shared it has
-- the real ones, for a library that is to see what it does to them. (change)(text)
-- gives the text to run instead. Raises what the script raises, and for an exit
-- that is not 0.
function script.run(path, globals, change, ...)
  local text = script.read(path):gsub("^#[^\n]*", "")
  if change then text = change(text) end
  -- A copy: one of them gives its globals a metatable.
  local is_shared = globals and globals.is_shared
  local env = is_shared and _G or {}
  local mine = { arg = { [0] = path, ... } }
  if not is_shared then
    for name, value in pairs(_G) do env[name] = value end
    env._G = env
  end
  -- It may be called in a coroutine of theirs, with handlers around it: each
  -- later wait is cancelled, too, until the script's end.
  local exited, running
  mine.os = setmetatable({
    exit = function(code)
      exited = exited or { code = code }
      running:cancel()
      task.sleep(0)
    end,
  }, { __index = os })
  if not is_shared then
    mine.load = function(chunk, name, mode, e) return load(chunk, name, mode, e or env) end
  end
  mine.loadfile = function(name) return load(script.read(name), "@" .. name, "t", env) end
  mine.dofile = function(name) return assert(mine.loadfile(name))() end
  for name, value in pairs(globals or {}) do mine[name] = value end
  local before = exchange(env, mine)
  local chunk = assert(load(text, "@" .. path, "t", env))
  running = task.spawn(xpcall, chunk, function(why)
    return why == task.cancelled and why or debug.traceback(tostring(why), 2)
  end, ...)
  local done <close> = setmetatable({}, { __close = function()
    running:cancel()
    if is_shared then exchange(env, before) end
  end })
  local _, ok, why = running:join()
  if exited then
    local code = exited.code
    if code ~= nil and code ~= 0 and code ~= true then
      error("the script exited with " .. tostring(code), 2)
    end
    return "exit", env
  end
  if not ok then error(why, 0) end
  return "end", env
end

-- A stand-in for print and io.write that keeps what is written; :text() gives it.
function script.recorder()
  local parts = {}
  local recorder = {}
  function recorder.print(...)
    for i = 1, select("#", ...) do
      parts[#parts + 1] = (i > 1 and "\t" or "") .. tostring((select(i, ...)))
    end
    parts[#parts + 1] = "\n"
  end
  function recorder.write(_, ...)
    for i = 1, select("#", ...) do parts[#parts + 1] = tostring((select(i, ...))) end
    return recorder
  end
  recorder.flush = function() return recorder end
  -- An io table that writes here.
  recorder.io = setmetatable({
    stderr = recorder, stdout = recorder,
    write = function(...) recorder:write(...) end,
  }, { __index = io })
  function recorder.text() return table.concat(parts) end
  return recorder
end

return script
