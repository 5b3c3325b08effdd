-- SPDX-License-Identifier: MIT
-- status: 7
-- says: before
-- not: closed
io.stdout:setvbuf "full"
io.write "before"
local _ <close> = setmetatable({}, { __close = function() print "closed" end })
os.exit(7)
