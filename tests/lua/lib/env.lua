-- SPDX-License-Identifier: MIT
set = "here"
