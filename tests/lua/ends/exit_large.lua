-- SPDX-License-Identifier: MIT
-- status: 15
os.exit(200)
