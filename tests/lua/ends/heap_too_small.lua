-- SPDX-License-Identifier: MIT
-- heap: 16K
-- status: 1
-- says: test: not enough memory
print "never"
