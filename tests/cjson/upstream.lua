-- SPDX-License-Identifier: MIT
-- upstream.lua: lua-cjson's own tests, its test.lua as it is. Where that wants
-- an error it wants our sentence no more than it wants our line numbers: any
-- error will do. What yyjson does in another way is listed here, with why.
require "cjson.safe"
local cjson = require "cjson"
local util = require "cjson.util"

-- Name of the test -> why it differs.
local differs = {
  ["Decode hexadecimal"] = "no hexadecimal numbers",
  ["Decode numbers with leading zero"] = "no leading zeros",
  ["Decode +-Inf"] = "no plus sign",
  ["Decode +-Infinity"] = "no plus sign",
  ["Decode +-NaN"] = "no plus sign",
}

-- What its Perl script would make: each character as it is.
local function all_of_utf8()
  local parts = { '"' }
  for code = 0, 0x10FFFF do
    if code < 0xD800 or code > 0xDFFF then parts[#parts + 1] = utf8.char(code) end
  end
  parts[#parts + 1] = '"'
  return table.concat(parts, nil, 2, #parts - 1)
end

local tests = {}

-- Runs test.lua and gives what it did: name -> true or a complaint.
local results

local function run()
  local load_file = util.file_load
  local seen = {}
  results = {}
  function util.file_load(path)
    if path == "utf8.dat" then return all_of_utf8() end
    return load_file(path)
  end
  function util.run_test(name, fn, input, should_work, output)
    local found = table.pack(pcall(fn, table.unpack(input)))
    local ok = table.remove(found, 1)
    found.n = nil
    seen[name] = (seen[name] or 0) + 1
    if seen[name] > 1 then name = ("%s #%d"):format(name, seen[name]) end
    if ok ~= should_work then
      results[name] = ("it %s: %s"):format(ok and "worked" or "failed", tostring(found[1]))
    elseif ok and not util.compare_values(found, output) and not
      (type(found[2]) == "string" and type(output[2]) == "string") then
      results[name] = "other values came: " .. util.serialise_value(found):sub(1, 300)
    else
      results[name] = true
    end
  end
  function util.run_test_group(group)
    for _, test in ipairs(group) do
      if test[4] == nil then
        test[2](table.unpack(test[3] or {}))
      else
        util.run_test(table.unpack(test, 1, 5))
      end
    end
  end
  function util.run_test_summary() return 0, 0 end
  local saved = arg
  arg = { "numbers.json", "types.json", "example1.json", "example2.json",
    "example3.json", "example4.json", "example5.json", "rfc-example1.json",
    "rfc-example2.json" }
  assert(loadfile "test.lua")()
  arg = saved
end

tests["lua-cjson's own tests pass, but for those that are listed"] = function()
  run()
  local count, complaints = 0, {}
  for name, result in pairs(results) do
    count = count + 1
    local why = differs[name]
    if why and result == true then
      complaints[#complaints + 1] = name .. ": listed, but it passes"
    elseif not why and result ~= true then
      complaints[#complaints + 1] = name .. ": " .. result
    end
  end
  for name in pairs(differs) do
    assert(results[name] ~= nil, "there is no test " .. name)
  end
  table.sort(complaints)
  assert(#complaints == 0, "\n" .. table.concat(complaints, "\n"))
  assert(count >= 95, "only " .. count .. " tests ran")
  print(("      (%d of lua-cjson's tests)"):format(count))
end

tests["the interface is lua-cjson's"] = function()
  for _, name in ipairs { "encode", "decode", "encode_sparse_array", "encode_max_depth",
    "decode_max_depth", "encode_number_precision", "encode_keep_buffer",
    "encode_invalid_numbers", "decode_invalid_numbers", "new" } do
    assert(type(cjson[name]) == "function", name)
  end
end

return tests
