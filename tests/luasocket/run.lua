-- SPDX-License-Identifier: MIT
-- run.lua: runs the files that its arguments name, or all; exits with 1 if a
-- test fails.
local files = { "ours.lua", "upstream.lua", "clients.lua", "copas_tests.lua", "httptest.lua",
  "testclnt.lua" }

if #arg > 0 then files = table.move(arg, 1, #arg, 1, {}) end
os.exit(require "lunik.test".run_files(files))
