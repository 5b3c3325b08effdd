-- SPDX-License-Identifier: MIT
return {
  name = "luaunit",
  version = "3.4.0",
  dependencies = { "luaunit" }, -- its files, under luaunit/
  path = { "?.lua", "?/init.lua", "luaunit/?.lua" },
}
