-- SPDX-License-Identifier: MIT
return { name = "plain" }
