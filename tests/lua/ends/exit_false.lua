-- SPDX-License-Identifier: MIT
-- status: 1
os.exit(false)
