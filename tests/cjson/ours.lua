-- SPDX-License-Identifier: MIT
-- ours.lua: what cjson does beyond lua-cjson's own tests: integers, bounds,
-- texts that mean harm, and memory that runs out.
local cjson = require "cjson"
local safe = require "cjson.safe"
local sys = require "lunik.sys"
local test = require "lunik.test"

local equal, raises = test.equal, test.raises

-- A table and what is in it, as one string.
local function show(value)
  if type(value) ~= "table" then
    return (math.type(value) or type(value)) .. ":" .. tostring(value)
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do keys[i] = show(key) .. "=" .. show(value[key]) end
  return "{" .. table.concat(keys, ",") .. "}"
end

local function decodes(text, wanted)
  equal(show(cjson.decode(text)), show(wanted), text)
end

local function refuses(text, pattern)
  local value, why = safe.decode(text)
  assert(value == nil, "it was decoded: " .. text:sub(1, 60))
  assert(why:find(pattern), why)
end

local tests = {}

-- ---- Numbers ----

tests["whole numbers are integers, exactly"] = function()
  decodes("1", 1)
  decodes("-1", -1)
  decodes("9007199254740993", 9007199254740993)
  decodes("9223372036854775807", math.maxinteger)
  decodes("-9223372036854775808", math.mininteger)
  equal(cjson.encode(9007199254740993), "9007199254740993")
  equal(cjson.encode(math.mininteger), "-9223372036854775808")
  equal(cjson.encode(math.maxinteger), "9223372036854775807")
  equal(cjson.encode(0), "0")
end

tests["other numbers are floats"] = function()
  decodes("1.0", 1.0)
  decodes("1e2", 100.0)
  decodes("-0.5", -0.5)
  decodes("9223372036854775808", 2.0 ^ 63)
  decodes("18446744073709551616", 2.0 ^ 64)
  decodes("-9223372036854775809", -2.0 ^ 63)
  decodes("1" .. ("0"):rep(300), 1e300)
  decodes("4.9e-324", 5e-324)
  decodes("2.2250738585072011e-308", 0x0.fffffffffffffp-1022)
  decodes("0.1", 0.1)
end

tests["a float is written with the digits that were asked for"] = function()
  local json = cjson.new()
  equal(json.encode(0.1), "0.1")
  equal(json.encode(1 / 3), "0.33333333333333")
  equal(json.encode_number_precision(17), 17)
  equal(json.encode(0.1), "0.10000000000000001")
  equal(json.decode(json.encode(1 / 3)), 1 / 3)
  equal(json.encode(-1.7976931348623157e308), "-1.7976931348623157e+308")
  equal(cjson.encode_number_precision(), 14, "another table's settings")
  raises("between 1 and 17", json.encode_number_precision, 18)
end

tests["NaN and infinities are read unless that is off"] = function()
  local json = cjson.new()
  assert(json.decode "NaN" ~= json.decode "NaN")
  equal(json.decode "-Infinity", -math.huge)
  equal(json.decode "1e999", math.huge)
  equal(json.decode_invalid_numbers(false), false)
  for _, text in ipairs { "NaN", "Infinity", "-Infinity", "1e999", "nan", "inf" } do
    raises("Expected", json.decode, text)
  end
end

tests["numbers that are none are refused"] = function()
  for _, text in ipairs { "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x10", "1_000", "--1",
    "1.2.3", "1 2", "\u{0661}" } do
    refuses(text, "Expected")
  end
end

-- ---- Strings ----

tests["bytes go through as they are"] = function()
  local all = {}
  for i = 0, 255 do all[#all + 1] = string.char(i) end
  all = table.concat(all):rep(3)
  equal(cjson.decode(cjson.encode(all)), all)
  equal(cjson.decode '"a\n\1\tb"', "a\n\1\tb")
  -- Invalid UTF-8 of every kind, also cut off at the string's end.
  for _, bytes in ipairs { "\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF8\x88\x80\x80\x80",
    "\xE2\x82", "\xF0\x9F\x98", "a\x80b", "\xC3" } do
    equal(cjson.decode('"' .. bytes .. '"'), bytes)
    equal(cjson.encode(bytes), '"' .. bytes .. '"')
  end
end

tests["escapes are read"] = function()
  equal(cjson.decode [["\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00\u0000x"]],
    "\"\\/\b\f\n\r\tA\u{E9}\u{20AC}\u{1F600}\0x")
end

tests["escapes that are none, and halves of surrogates, are refused"] = function()
  for _, text in ipairs { [["\q"]], [["\u12"]], [["\u12G4"]], [["\ud800"]], [["\udc00"]],
    [["\ud800\ud800"]], [["\ud83d x"]], [["\ud83d\n"]], [["\]], [["abc]],
    [["\u-123"]], "'x'" } do
    refuses(text, "Expected")
  end
end

tests["control characters are escaped"] = function()
  equal(cjson.encode "\0\1\b\t\n\v\f\r\27\127\"\\/", [["\u0000\u0001\b\t\n\u000b\f\r\u001b\u007f\"\\\/"]])
  local json = cjson.new()
  equal(json.encode_escape_forward_slash(false), false)
  equal(json.encode "a/b", '"a/b"')
end

tests["strings of all lengths about the buffer's size survive"] = function()
  for length = 500, 530 do
    local text = ("x"):rep(length)
    equal(cjson.encode { text, 1 }, '["' .. text .. '",1]')
    equal(#cjson.encode(("\1"):rep(length)), 6 * length + 2)
    equal(#cjson.encode { a = text, [1] = 1.5 }, length + 16)
  end
end

-- ---- Tables ----

tests["arrays and objects go there and back"] = function()
  local value = {
    list = { 1, 2, { 3, { 4 } }, "five", false, true },
    map = { a = { b = { c = { d = "e" } } }, [""] = "" },
    none = cjson.null,
  }
  equal(show(cjson.decode(cjson.encode(value))), show(value))
  decodes('{"a":1,"a":2}', { a = 2 })
  decodes(' [ 1 , [ ] , { } , [ [ ] ] ] ', { 1, {}, {}, { {} } })
  decodes('[[],[[],[]],{"a":[],"b":{}},1]', { {}, { {}, {} }, { a = {}, b = {} }, 1 })
end

tests["keys that are numbers make an object unless they are a list's"] = function()
  equal(cjson.encode { [1] = "a", [2] = "b" }, '["a","b"]')
  equal(cjson.encode { [1] = "a", [3] = "c" }, '["a",null,"c"]')
  equal(cjson.encode { [0] = "a" }, '{"0":"a"}')
  equal(cjson.encode { [-1] = "a" }, '{"-1":"a"}')
  equal(cjson.encode { [1.5] = "a" }, '{"1.5":"a"}')
  raises("excessively sparse", cjson.encode, { [1000] = 1 })
  raises("excessively sparse", cjson.encode, { [math.maxinteger] = 1 })
  local json = cjson.new()
  json.encode_sparse_array(true)
  equal(json.encode { [math.maxinteger] = 1 }, '{"9223372036854775807":1}')
end

tests["empty tables and arrays are told apart where that is asked for"] = function()
  equal(cjson.encode {}, "{}")
  equal(cjson.encode(cjson.empty_array), "[]")
  equal(cjson.encode(setmetatable({}, cjson.empty_array_mt)), "[]")
  equal(cjson.encode(setmetatable({ a = 1 }, cjson.empty_array_mt)), '{"a":1}')
  equal(cjson.encode(setmetatable({}, cjson.array_mt)), "[]")
  equal(cjson.encode(setmetatable({ 1, nil, 3, x = 4 }, cjson.array_mt)), "[1,null,3]")
  local json = cjson.new()
  equal(json.array_mt, cjson.array_mt)
  json.encode_empty_table_as_object(false)
  equal(json.encode { a = {} }, '{"a":[]}')
  json.decode_array_with_array_mt(true)
  equal(json.encode(json.decode '[[],[[]],{"a":[]}]'), '[[],[[]],{"a":[]}]')
  equal(getmetatable(json.decode '{"a":[]}'), nil)
end

tests["metamethods are not called"] = function()
  local trap = setmetatable({ 1 }, {
    __index = function() error "__index" end, __len = function() error "__len" end,
    __pairs = function() error "__pairs" end,
  })
  equal(cjson.encode(trap), "[1]")
end

tests["what JSON has not is refused"] = function()
  for _, value in ipairs { print, coroutine.create(print), io.stdout } do
    raises("Cannot serialise", cjson.encode, value)
    raises("Cannot serialise", cjson.encode, { { value } })
  end
  raises("table key must be", cjson.encode, { [{}] = 1 })
  raises("expected 1 argument", cjson.encode)
  raises("expected 1 argument", cjson.decode, "1", "2")
  raises("string expected", cjson.decode, {})
end

-- ---- Nesting ----

tests["nesting is bounded, and the bound may be large"] = function()
  local json = cjson.new()
  local deep = 100000
  local text = ("["):rep(deep) .. ("]"):rep(deep)
  refuses(text, "too many nested data structures %(1001%)")
  json.decode_max_depth(deep)
  json.encode_max_depth(deep)
  local value = json.decode(text)
  json.encode_empty_table_as_object(false)
  equal(json.encode(value), text)
  json.encode_max_depth(deep - 1)
  raises("excessive nesting", json.encode, value)
  json.decode_max_depth(deep - 1)
  raises("too many nested", json.decode, text)
  text = ('{"a":'):rep(5000) .. "1" .. ("}"):rep(5000)
  json.decode_max_depth(5000)
  value = json.decode(text)
  equal(json.encode(value), text)
  -- More than Lua's own stack can hold.
  json.decode_max_depth(1 << 30)
  raises("nested too deeply", json.decode, ("["):rep(400000) .. ("]"):rep(400000))
end

tests["a table in itself is refused"] = function()
  local json = cjson.new()
  local loop = {}
  loop[1] = loop
  raises("excessive nesting %(1001%)", json.encode, loop)
  json.encode_max_depth(1 << 30)
  raises("excessive nesting", json.encode, loop)
end

-- ---- Texts that are cut off, or mean harm ----

tests["a text that is cut off anywhere is refused"] = function()
  local text = [[{"a":[1,-2.5e3,true,false,null,"x\u00e9\ud83d\ude00y"],"b":{"c":{}}}]]
  cjson.decode(text)
  for length = 0, #text - 1 do refuses(text:sub(1, length), "Expected") end
  for _, rest in ipairs { "x", "]", "{}", ",", "\0" } do refuses(text .. rest, "Expected") end
end

tests["any byte in the place of any other raises or is read"] = function()
  local text = [[{"k":[12.5e1,"\u0041\n",null],"l":true}]]
  local read = 0
  for at = 1, #text do
    for byte = 0, 255 do
      local value, why = safe.decode(text:sub(1, at - 1) .. string.char(byte) .. text:sub(at + 1))
      if value ~= nil then read = read + 1 else assert(type(why) == "string") end
    end
  end
  assert(read > 1000 and read < 256 * #text, read)
end

tests["other texts are refused"] = function()
  for _, text in ipairs { "", " ", "[1,]", "{,}", '{"a"}', '{"a":}', '{"a":1,}', "{a:1}", "[1 2]",
    "[1}", '{"a":1]', "tru", "nul", "True", "[,1]", "/**/1", "1//x", "]", "[[", "\xEF\xBB\xBF1",
    "{1:2}", "undefined" } do
    refuses(text, "Expected")
  end
  refuses("\0[\0]", "UTF%-16")
end

tests["an error says where"] = function()
  local _, why = safe.decode '{"a": xyz}'
  assert(why:find "at character 7$", why)
end

tests["many errors leave no memory behind"] = function()
  local function rounds(count)
    for _ = 1, count do
      safe.decode("[" .. ('{"a":[1,2,3]},'):rep(20) .. "]")
      safe.decode(("["):rep(1200) .. ("]"):rep(1200))
      safe.encode { ("x"):rep(2000), print }
    end
    collectgarbage()
    collectgarbage()
    -- (Lua does not count what yyjson holds, its allocator does.)
    return sys.memory().lua
  end
  rounds(20)
  local before = rounds(10)
  local after = rounds(200)
  assert(after < before + 10000, ("%d bytes before, %d after"):format(before, after))
end

-- ---- safe ----

tests["cjson.safe gives nil and the message"] = function()
  local value, why = safe.encode { print }
  assert(value == nil and why:find "type not supported", why)
  equal(safe.encode { 1 }, "[1]")
  value, why = safe.decode "[1"
  assert(value == nil and why:find "Expected", why)
  equal(safe.decode "[1]"[1], 1)
  equal(safe.decode "null", cjson.null)
  equal(safe.new().decode "x", nil)
  assert(not pcall(safe.decode, "1", "2"))
end

tests["a table of its own has settings of its own"] = function()
  local a, b = cjson.new(), cjson.new()
  a.encode_max_depth(3)
  equal(b.encode_max_depth(), 1000)
  raises("excessive", a.encode, { { { {} } } })
  equal(b.encode { { { {} } } }, "[[[{}]]]")
end

return tests
