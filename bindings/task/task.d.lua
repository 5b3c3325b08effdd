---@meta lunik.task
-- SPDX-License-Identifier: MIT
-- task.d.lua: annotations of lunik.task for editors. See docs/lua-api.md.

---Tasks: functions that run side by side and wait without standing in each
---other's way. Times are in seconds. A timeout of nil waits for ever.
---@class lunik.task
---@field cancelled any the error object that cancelling raises
---@field expired any the error object that an expired deadline raises
local task = {}

---@class lunik.task.task
local Task = {}

---Waits for the task's end. A failure is then the caller's to handle.
---@param timeout? number
---@return boolean? ok true: done; false: failed or cancelled; nil: not yet
---@return any ... the results, the error, or "timeout"
function Task:join(timeout) end

---Has every wait of the task, now and later, raise `task.cancelled`.
function Task:cancel() end

---@return "ready"|"running"|"done"|"failed"|"cancelled"
function Task:status() end

---@return integer id a number that no other task has
function Task:id() end

---@class lunik.task.nursery
local Nursery = {}

---Spawns a task that ends before the nursery does.
---@param fn function
---@param ... any arguments of fn
---@return lunik.task.task
function Nursery:spawn(fn, ...) end

---Cancels the nursery's tasks and its body.
function Nursery:cancel() end

---@class lunik.task.channel
---@operator len: integer
---@overload fun(): any?
local Channel = {}

---@param value any not nil
---@param timeout? number
---@return true? sent
---@return ("timeout"|"closed")? err
function Channel:send(value, timeout) end

---@param timeout? number
---@return any? value
---@return ("timeout"|"closed")? err
function Channel:receive(timeout) end

---Ends the channel. What is in it can still be received.
function Channel:close() end

---@class lunik.task.mutex
local Mutex = {}

---Use it as `local held <close> = mutex:lock()`.
---@param timeout? number
---@return lunik.task.mutex? held
---@return "timeout"? err
function Mutex:lock(timeout) end

function Mutex:unlock() end

---Starts a task of its own. An error in it that no one joins ends the program.
---@param fn function
---@param ... any arguments of fn
---@return lunik.task.task
function task.spawn(fn, ...) end

---Calls fn(nursery, ...) and waits until all tasks of the nursery have ended.
---The first error cancels the others and is raised again.
---@param fn fun(nursery: lunik.task.nursery, ...): ...
---@param ... any
---@return any ... results of fn; or nil, "cancelled" after nursery:cancel()
function task.nursery(fn, ...) end

---@param seconds number
function task.sleep(seconds) end

---Lets every other ready task run once.
function task.yield() end

---Raises if the task is cancelled or a deadline has passed; else does nothing.
function task.check() end

---@return number seconds on the monotonic clock
function task.now() end

---Calls fn(...) with a bound on all its waits together.
---@param seconds number
---@param fn function
---@param ... any arguments of fn
---@return any ... results of fn; or nil, "timeout"
function task.deadline(seconds, fn, ...) end

---@param seconds number
---@param fn function
---@param ... any arguments of fn
---@return lunik.task.task handle
function task.after(seconds, fn, ...) end

---@param seconds number the period
---@param fn function
---@param ... any arguments of fn
---@return lunik.task.task handle
function task.every(seconds, fn, ...) end

---@param capacity? number 0: a sender waits for a receiver; math.huge: no bound
---@return lunik.task.channel
function task.channel(capacity) end

---@class lunik.task.case
---@field [1] lunik.task.channel
---@field send? any sends this; without it the case receives

---@class lunik.task.cases
---@field [integer] lunik.task.case
---@field timeout? number
---@field default? boolean answer at once if all cases would wait

---Waits for the first case that can go on.
---@param cases lunik.task.cases
---@return integer? index
---@return any value what was received, true if sent, or the reason
---@return "closed"? err
function task.select(cases) end

---@return lunik.task.mutex
function task.mutex() end

return task
