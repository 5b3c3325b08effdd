-- SPDX-License-Identifier: MIT
return { name = "folder" }
