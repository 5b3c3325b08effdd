---@meta cjson

--- JSON by lua-cjson's interface. Whole numbers in the text become integers,
--- exactly; those beyond 64 bits, and all with a fraction or an exponent, become
--- floats. Strings are bytes: invalid UTF-8 passes both ways.
---@class cjson
local cjson = {}

--- The value of a JSON `null` (a nil in a table would be no field).
---@type lightuserdata
cjson.null = nil

--- Encodes as `[]`.
---@type lightuserdata
cjson.empty_array = nil

--- A table with this metatable is an array, `#t` long; nils in it are `null`.
---@type table
cjson.array_mt = nil

--- An empty table with this metatable is `[]`.
---@type table
cjson.empty_array_mt = nil

---@type string
cjson._NAME = nil
---@type string
cjson._VERSION = nil

--- Gives `value` as JSON. Tables are read raw. One whose keys are all whole
--- numbers from 1 on is an array; an empty one is `{}`. Raises for what JSON
--- has not: functions, userdata, keys that are neither strings nor numbers.
---@param value any
---@return string
function cjson.encode(value) end

--- Gives the value of a JSON text. Raises if it is not one, with the place.
---@param text string
---@return any
function cjson.decode(text) end

--- A new table of these functions with settings of its own.
---@return cjson
function cjson.new() end

-- Settings. Each sets what is not nil, and returns what is then in force.

--- Arrays of more than `safe` (10) items whose length is over `ratio` (2) times
--- their items raise, or with `convert` become objects. Ratio 0: never.
---@param convert? boolean|"on"|"off"
---@param ratio? integer
---@param safe? integer
---@return boolean convert, integer ratio, integer safe
function cjson.encode_sparse_array(convert, ratio, safe) end

--- Tables in tables, 1000 unless set.
---@param depth? integer
---@return integer
function cjson.encode_max_depth(depth) end

--- Arrays and objects in each other, 1000 unless set.
---@param depth? integer
---@return integer
function cjson.decode_max_depth(depth) end

--- Significant digits of floats, 1 to 17; 14 unless set.
---@param digits? integer
---@return integer
function cjson.encode_number_precision(digits) end

--- Has no effect: buffers belong to Lua's collector.
---@param keep? boolean|"on"|"off"
---@return boolean
function cjson.encode_keep_buffer(keep) end

--- What NaN and infinities do: raise (false, the default), be written as they
--- are, which is no JSON (true), or as "null".
---@param setting? boolean|"on"|"off"|"null"
---@return boolean|"null"
function cjson.encode_invalid_numbers(setting) end

--- Whether `NaN`, `Infinity` and numbers beyond a float's range may be read;
--- true unless set. Hexadecimal and leading zeros never may.
---@param setting? boolean|"on"|"off"
---@return boolean
function cjson.decode_invalid_numbers(setting) end

--- Whether an empty table is `{}` (true, the default) or `[]`.
---@param setting? boolean|"on"|"off"
---@return boolean
function cjson.encode_empty_table_as_object(setting) end

--- Whether "/" is written as "\/"; true unless set.
---@param setting? boolean|"on"|"off"
---@return boolean
function cjson.encode_escape_forward_slash(setting) end

--- Whether decoded arrays get the metatable `array_mt`; false unless set.
---@param setting? boolean|"on"|"off"
---@return boolean
function cjson.decode_array_with_array_mt(setting) end

return cjson
