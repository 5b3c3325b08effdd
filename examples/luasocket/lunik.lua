-- SPDX-License-Identifier: MIT
-- A small HTTP server on LuaSocket, written for any system: it runs as it is.
return {
  name = "luasocket",
  main = "httpd.lua",
  memory = "5M",
}
