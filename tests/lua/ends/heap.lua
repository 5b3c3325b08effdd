-- SPDX-License-Identifier: MIT
-- heap: 1M
-- status: 1
-- says: survived	5
-- says: test: not enough memory
for i = 1, 5 do
  local ok, err = pcall(function() local t = {} while true do t[#t + 1] = {} end end)
  assert(not ok and err == "not enough memory", err)
end
print("survived", 5)
local t = {}
while true do t[#t + 1] = {} end
