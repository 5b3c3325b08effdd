-- main.lua: what the image does.
local greeting = require "greeting"

print(greeting.text(arg[1] or "world"))
