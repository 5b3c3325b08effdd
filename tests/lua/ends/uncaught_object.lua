-- SPDX-License-Identifier: MIT
-- status: 1
-- says: test: made of words
error(setmetatable({}, { __tostring = function() return "made of words" end }))
