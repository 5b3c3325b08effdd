---@meta lunik.sys
-- SPDX-License-Identifier: MIT
-- sys.d.lua: annotations of lunik.sys for editors. See docs/lua-api.md.

---The image, its launch, and its end.
---@class lunik.sys
---@field args string[] the launch arguments; args[0] is the main script
---@field env table<string, string> the launch variables
---@field build lunik.sys.build
local sys = {}

---@class lunik.sys.build
---@field name string the image's name
---@field version? string the project's version
---@field sdk? string the version of the SDK that sealed the image
---@field hypervisor string "kvm", "tcg", "xen", "host" …
---@field lua string

---@class lunik.sys.memory
---@field total integer bytes the machine gave
---@field free integer of these, in free pages
---@field heap integer in use by the heap
---@field stacks integer under tasks' stacks
---@field lua integer in use by Lua
---@field lua_peak integer the most that was
---@field lua_limit integer what Lua may use

---@return lunik.sys.memory
function sys.memory() end

---@param count integer
---@return string bytes unpredictable ones, for keys and tokens
function sys.random(count) end

---@return integer
function sys.random_integer() end

---@return number seconds since the start; never goes back
function sys.clock() end

---@return number seconds since 1970-01-01 UTC
function sys.time() end

---@return { clock: string, time: string, random: string }
function sys.sources() end

---Has fn called, in a task, when the image is asked to stop. After the last
---function the image ends with code 0.
---@param fn fun()
function sys.on_shutdown(fn) end

---@return boolean
function sys.is_stopping() end

---@param code? integer 0 to 15
---@param close? boolean run all finalizers first
function sys.exit(code, close) end

return sys
