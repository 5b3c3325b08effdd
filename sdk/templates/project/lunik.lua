-- lunik.lua: what `lunik build` seals. Every key may be left out.
return {
  name = "@NAME@",
  version = "0.1.0",
  main = "main.lua",
  -- More files than `require` finds: include = { "data/**" },
  -- The machine's memory, and Lua's limit: memory = "16M", heap = "8M",
}
