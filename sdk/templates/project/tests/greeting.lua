-- Each test is a sentence that can be false. Run them with `lunik test`.
local greeting = require "greeting"

return {
  ["the greeting names who is greeted"] = function()
    assert(greeting.text("you"):find("you", 1, true))
  end,
}
