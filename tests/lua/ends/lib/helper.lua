-- SPDX-License-Identifier: MIT
-- helper.lua: a module whose lines tracebacks show.
local helper = {}

function helper.fail(what)
  error(what)
end

return helper
