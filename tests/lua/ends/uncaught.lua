-- SPDX-License-Identifier: MIT
-- status: 1
-- says: test: helper.lua:6: no luck
-- says: stack traceback:
-- says: 	helper.lua:6: in function 'helper.fail'
-- says: 	uncaught.lua:9: in main chunk
local helper = require "helper"

helper.fail "no luck"
