-- SPDX-License-Identifier: MIT
-- args: one two
-- status: 0
-- says: arguments.lua	one	two	2
-- says: one,two
-- says: yes
print(arg[0], arg[1], arg[2], #arg)
print((...) .. "," .. select(2, ...))
print(os.getenv "SEALED")
