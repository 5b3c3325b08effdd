-- SPDX-License-Identifier: MIT
-- script.lua: runs other people's test scripts as they are: each with globals of
-- its own, and os.exit ends the script instead of the image.
local script = {}

local Exit = {}

-- The text of a sealed file of theirs.
function script.read(path)
  local file = assert(io.open(script.folder .. path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- Where those files are; the host platform opens files by the host's own paths.
script.folder = os.getenv "LUASOCKET_TESTS" or "test/"

-- Runs (path) with (globals) before the real ones. (change)(text) gives the text
-- to run instead. Raises what the script raises, and for an exit that is not 0.
function script.run(path, globals, change, ...)
  local text = script.read(path):gsub("^#[^\n]*", "")
  if change then text = change(text) end
  -- A copy: one of them gives its globals a metatable.
  local env = {}
  for name, value in pairs(_G) do env[name] = value end
  env._G = env
  env.os = setmetatable({
    exit = function(code) error(setmetatable({ code = code }, Exit), 0) end,
  }, { __index = os })
  env.load = function(chunk, name, mode, e) return load(chunk, name, mode, e or env) end
  env.loadfile = function(name) return load(script.read(name), "@" .. name, "t", env) end
  env.dofile = function(name) return assert(env.loadfile(name))() end
  env.arg = { [0] = path, ... }
  for name, value in pairs(globals or {}) do env[name] = value end
  local ok, why = xpcall(assert(load(text, "@" .. path, "t", env)), function(why)
    return getmetatable(why) == Exit and why or debug.traceback(tostring(why), 2)
  end, ...)
  if not ok and getmetatable(why) == Exit then
    local code = why.code
    if code ~= nil and code ~= 0 and code ~= true then error("the script exited with " .. tostring(code), 2) end
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
