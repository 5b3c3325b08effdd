-- SPDX-License-Identifier: MIT
-- status: 1
-- says: test: (error object is a table value)
error {}
