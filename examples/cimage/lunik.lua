-- lunik.lua: an image in plain C: no Lua is linked in.
return {
  name = "cimage",
  version = "0.1.0",
  c = { sources = { "main.c" } },
}
