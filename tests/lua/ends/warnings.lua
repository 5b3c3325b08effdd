-- SPDX-License-Identifier: MIT
-- status: 0
-- says: Lua warning: seen in pieces
-- not: hidden
warn "hidden"
warn "@on"
warn("seen ", "in ", "pieces")
warn "@off"
warn "hidden"
