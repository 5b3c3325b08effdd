-- SPDX-License-Identifier: MIT
-- run.lua: runs the files that its arguments name, or all; exits with 1 if a
-- test fails.
local files = { "http/net.lua", "http/server.lua", "http/smuggling.lua", "http/client.lua",
  "http/text.lua" }

if #arg > 0 then files = arg end
os.exit(require "lunik.test".run_files(files))
