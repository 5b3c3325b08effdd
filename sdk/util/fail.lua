-- SPDX-License-Identifier: MIT
-- fail.lua: how a command ends early: one sentence and an exit status.
--
-- The statuses are sysexits.h's, so that they never look like a program's own
-- (0 to 15) or like an image's end (101 to 106, see run/status.lua).

local fail = {
  USAGE = 64,       -- the command line is wrong
  DATA = 65,        -- the project, a script or an image is wrong
  NO_INPUT = 66,    -- a file is not there
  UNAVAILABLE = 69, -- a tool is not there
  SOFTWARE = 70,    -- a mistake in the SDK
  CANNOT_WRITE = 73,
}

local Failure = {}
Failure.__index = Failure
function Failure:__tostring() return self.message end

-- Ends the command: fail(status, format, ...).
setmetatable(fail, {
  __call = function(_, status, format, ...)
    local message = select("#", ...) > 0 and format:format(...) or format
    error(setmetatable({ message = message, status = status }, Failure), 0)
  end,
})

function fail.is(value) return getmetatable(value) == Failure end

return fail
