---@meta ltn12

--- Sources give chunks and nil at the end, sinks take them, filters change them,
--- and pumps move them.
---@alias ltn12.source fun(): string?, string?
---@alias ltn12.sink fun(chunk: string?, err: string?): any?, string?
---@alias ltn12.filter fun(chunk: string?): string?

---@class ltn12
---@field BLOCKSIZE integer
---@field _VERSION string
local ltn12 = { filter = {}, source = {}, sink = {}, pump = {} }

---@param ... ltn12.filter
---@return ltn12.filter
function ltn12.filter.chain(...) end
---@param low fun(context: any, chunk: string?, extra: any): string?, any
---@param context any
---@param extra? any
---@return ltn12.filter
function ltn12.filter.cycle(low, context, extra) end

---@param ... ltn12.source
---@return ltn12.source
function ltn12.source.cat(...) end
---@param source ltn12.source
---@param ... ltn12.filter
---@return ltn12.source
function ltn12.source.chain(source, ...) end
---@return ltn12.source
function ltn12.source.empty() end
---@param message string
---@return ltn12.source
function ltn12.source.error(message) end
---@param handle file*?
---@param err? string
---@return ltn12.source
function ltn12.source.file(handle, err) end
---@param source ltn12.source
---@return ltn12.source
function ltn12.source.simplify(source) end
---@param text string
---@return ltn12.source
function ltn12.source.string(text) end
---@param list string[]
---@return ltn12.source
function ltn12.source.table(list) end

---@param filter ltn12.filter
---@param sink ltn12.sink
---@return ltn12.sink
function ltn12.sink.chain(filter, sink) end
---@param message string
---@return ltn12.sink
function ltn12.sink.error(message) end
---@param handle file*?
---@param err? string
---@return ltn12.sink
function ltn12.sink.file(handle, err) end
---@return ltn12.sink
function ltn12.sink.null() end
---@param sink ltn12.sink
---@return ltn12.sink
function ltn12.sink.simplify(sink) end
---@param list? string[]
---@return ltn12.sink, string[]
function ltn12.sink.table(list) end

---@param source ltn12.source
---@param sink ltn12.sink
---@param step? function
---@return 1?
---@return string? err
function ltn12.pump.all(source, sink, step) end
---@param source ltn12.source
---@param sink ltn12.sink
---@return 1?
---@return string? err
function ltn12.pump.step(source, sink) end

return ltn12
