-- SPDX-License-Identifier: MIT
-- status: 0
os.exit(true)
