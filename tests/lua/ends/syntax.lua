-- SPDX-License-Identifier: MIT
-- status: 1
-- says: test: syntax.lua:4: unexpected symbol near 'then'
if then
