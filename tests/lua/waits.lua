-- SPDX-License-Identifier: MIT
-- waits.lua: a module that waits while it loads; for blocking.lua.
require "lunik.task".sleep(0.001)
return { waited = true }
