-- SPDX-License-Identifier: MIT
-- lunik.lua: a TCP server in plain C: no Lua is linked in.
return {
  name = "echo",
  version = "0.1.0",
  c = { sources = { "main.c" } },
}
