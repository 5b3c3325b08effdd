-- SPDX-License-Identifier: MIT
-- run.lua: runs the files that its arguments name, or all; exits with 1 if a
-- test fails.
local files = { "web/router.lua", "web/static.lua", "web/frames.lua", "web/websocket.lua",
  "web/events.lua", "web/metrics.lua", "web/accesslog.lua" }

if #arg > 0 then files = arg end
os.exit(require "lunik.test".run_files(files))
