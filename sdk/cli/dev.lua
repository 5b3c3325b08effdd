-- SPDX-License-Identifier: MIT
-- dev.lua: `lunik dev`: runs a project on this machine, and anew at each save.

local build = require "image.build"
local fail = require "util.fail"
local fs = require "util.fs"
local host = require "lunik.host"
local load = require "project.load"
local poll = require "posix.poll"
local process = require "util.process"
local relay = require "run.relay"
local reload = require "run.reload"
local run = require "cli.run"
local signal = require "posix.signal"
local text = require "util.text"

local command = {
  summary = "Run a project on this machine, and again at each save.",
  help = [[
The program runs as an ordinary process, as with `lunik run --host`. When a file
of the project is saved, it is sealed and started anew; listening sockets stay
open meanwhile, so no connection is refused. If the new version cannot be built
or does not start, the old one goes on. Ctrl-C ends it.]],
}

-- How often files are looked at, in seconds, and how much of the time this may
-- take at most, for folders with many files.
local LOOK, SHARE = 0.1, 0.1
local STOP_SECONDS = 10

function command.define(parser)
  parser:argument("project", "A project's folder (this one)."):args "?"
  parser:option("-e --env", "A variable for os.getenv()."):argname "NAME=VALUE":count "*"
  parser:option("-o --option", "A launch option, like log=debug."):argname "NAME=VALUE":count "*"
end

-- What no version of the program is made of.
local function is_skipped(path)
  return path == "build" or path:match "^%.[^/]" or path:match "/%.[^/]*$" or path:match "~$"
    or path:match "%.sw[a-z]$" or path:match "%.part$"
end

-- The stamps of all files in (folder): path -> stamp.
local function stamps_of(folder)
  local stamps = {}
  local ok, paths = pcall(fs.walk, folder, is_skipped)
  -- A folder may go away while it is listed: the next look will see it.
  if not ok then return nil end
  for _, path in ipairs(paths) do stamps[path] = host.stamp(fs.join(folder, path)) end
  return stamps
end

-- A path that differs between the two, or nil.
local function difference(a, b)
  for _, path in ipairs(text.sorted_keys(b)) do
    if a[path] ~= b[path] then return path end
  end
  for _, path in ipairs(text.sorted_keys(a)) do
    if b[path] == nil then return path end
  end
end

local Watcher = {}
Watcher.__index = Watcher

local function watch(folder)
  return setmetatable({ folder = folder, stamps = stamps_of(folder) or {}, next = 0 }, Watcher)
end

-- A path that changed since the last change that was told of, or nil.
function Watcher:look()
  local now = process.now()
  if now < self.next then return nil end
  local stamps = stamps_of(self.folder)
  local took = process.now() - now
  self.next = now + took + math.max(LOOK, took / SHARE)
  local path = stamps and difference(self.stamps, stamps)
  if path then self.stamps = stamps end
  return path
end

-- Builds: the image's result, or nil when it failed and that was said.
local function sealed(folder, say)
  local ok, result = pcall(function() return build.seal(load.project(folder)) end)
  if ok then return result end
  if not fail.is(result) then error(result, 0) end
  say(result.message)
  return nil
end

local function make_say(args)
  return function(message, is_chatter)
    if not (is_chatter and args.quiet) then io.stderr:write("lunik: ", message, "\n") end
  end
end

-- The loop, until (stops).count says to end.
local function serve(args, say, stops)
  local versions = reload.versions(say)
  local watcher = watch(args.project)
  local function start(began)
    local built = sealed(args.project, say)
    -- A file that is in no image was saved, or a mistake was taken back.
    if not built then return end
    if built.changed or not (versions.current and versions.current.is_running) then
      versions:start(run.host_words(args, built.image, args.rest), began)
    end
  end
  local ok, why = pcall(function()
    start(process.now())
    while stops.count == 0 do
      local set = {}
      for _, fd in ipairs(versions:channels()) do set[fd] = { events = { IN = true } } end
      poll.poll(set, versions.next and 5 or math.floor(LOOK * 1000 / 2))
      versions:turn()
      local path = watcher:look()
      if path then
        say(path .. " changed", true)
        start(process.now())
      end
    end
  end)
  -- Those in the terminal's group had a Ctrl-C themselves; to them this is one
  -- request more of another kind, which changes nothing.
  versions:signal(signal.SIGTERM)
  local asked = stops.count
  versions:finish(ok and STOP_SECONDS or 1, function() return stops.count > asked end)
  if not ok then error(why, 0) end
end

function command.run(args)
  if not fs.is_folder(args.project) then
    fail(fail.NO_INPUT, "there is no folder %s", args.project)
  end
  local say = make_say(args)
  say(("watching %s; Ctrl-C ends it"):format(args.project == "." and "this folder" or args.project), true)
  relay.with_signals(function(stops) serve(args, say, stops) end)
  return 0
end

return command
