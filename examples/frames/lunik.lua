-- lunik.lua: an image in plain C that has a network device to itself.
return {
  name = "frames",
  version = "0.1.0",
  c = { sources = { "main.c" } },
}
