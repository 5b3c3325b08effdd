-- SPDX-License-Identifier: MIT
-- deps.lua: `lunik deps`: the third-party sources, and getting them.

local fail = require "util.fail"
local fs = require "util.fs"
local json = require "util.json"
local process = require "util.process"
local sdk = require "util.sdk"

local command = {
  json = true,
  summary = "List the locked third-party sources, or fetch them.",
  help = [[
   lunik deps                    what is locked, with versions and licences
   lunik deps --fetch --dir DIR  gets every tarball, checked by its sum
   lunik deps --fetch --offline  the same from caches only]],
}

function command.define(parser)
  parser:flag("--fetch", "Get what is not there yet.")
  parser:flag("--offline", "Never use the net.")
  parser:option("--dir", "Where tarballs are kept."):argname "FOLDER"
end

function command.run(args)
  local lock = sdk.lock()
  if #lock == 0 then fail(fail.SOFTWARE, "the SDK in %s has no lock file", sdk.prefix) end
  if args.fetch then
    local words = {
      "sh", sdk.share .. "/fetch.sh", "--lock", sdk.share .. "/deps.lock", "--dir",
      args.dir or fs.cache_folder() .. "/deps",
    }
    if args.offline then words[#words + 1] = "--offline" end
    local _, status = process.wait(process.start(words))
    return status == 0 and 0 or fail.UNAVAILABLE
  end
  if args.json then
    print(json.encode(lock, "  "))
    return 0
  end
  for _, entry in ipairs(lock) do
    print(("%-12s %-10s %-14s %s"):format(entry.name, entry.version, entry.licence,
      args.verbose and entry.sha256 or entry.sha256:sub(1, 12)))
  end
  return 0
end

return command
