-- SPDX-License-Identifier: MIT
-- run.lua: runs the files that its arguments name, or both; exits with 1 if a
-- test fails.
local files = { "ours.lua", "upstream.lua" }

if #arg > 0 then files = table.move(arg, 1, #arg, 1, {}) end
os.exit(require "lunik.test".run_files(files))
