-- greeting.lua: a module of the project; `require` takes it into the image.
local greeting = {}

function greeting.text(name)
  return ("Hello, %s, from @NAME@!"):format(name)
end

return greeting
