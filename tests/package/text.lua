-- SPDX-License-Identifier: MIT
-- text.lua: nearest names, sizes, JSON, digests.

local host = require "lunik.host"
local json = require "util.json"
local suite = require "suite"
local text = require "util.text"

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

return {
  ["JSON's characters beyond FFFF are one character"] = function()
    suite.equal(json.decode '"a\\ud83d\\udc4bb"', "a\u{1F44B}b")
    suite.equal(json.decode '"\\uD83D\\uDC4B"', "\u{1F44B}")
    suite.equal(json.decode '"\\ud83dx\\udc4b"', "\u{FFFD}x\u{FFFD}")
    suite.equal(json.decode '"\\ud83d\\u0041"', "\u{FFFD}A")
    suite.equal(json.decode(json.encode "\u{1F44B}"), "\u{1F44B}")
  end,
  ["a swapped pair of letters is one change"] = function()
    suite.equal(text.distance("biuld", "build"), 1)
    suite.equal(text.distance("", "abc"), 3)
    suite.equal(text.distance("same", "same"), 0)
  end,
  ["the nearest name is found and a far one is not"] = function()
    suite.equal(text.nearest("memroy", { "memory", "main", "env" }), "memory")
    suite.equal(text.nearest("zzz", { "memory", "main", "env" }), nil)
    suite.equal(text.did_you_mean("heep", { "heap" }), '; did you mean "heap"?')
  end,
  ["sizes have units of 1024 and nothing else is a size"] = function()
    suite.equal(text.parse_size "16M", 16 << 20)
    suite.equal(text.parse_size "512K", 512 << 10)
    suite.equal(text.parse_size(4096), 4096)
    for _, wrong in ipairs { "", "M", "-1", "1.5M", "16m", "0", "1T", "99999999999999999M", true, 1.5, -3 } do
      suite.equal(text.parse_size(wrong), nil, tostring(wrong))
    end
  end,
  ["digits are grouped by three"] = function()
    suite.equal(text.digits(0), "0")
    suite.equal(text.digits(999), "999")
    suite.equal(text.digits(1000), "1,000")
    suite.equal(text.digits(123456789), "123,456,789")
  end,
  ["a word for a shell is quoted where it must be"] = function()
    suite.equal(text.shell_quote "a/b-c=1", "a/b-c=1")
    suite.equal(text.shell_quote "it's", "'it'\\''s'")
    suite.equal(text.shell_quote "", "''")
  end,
  ["JSON reads what it wrote"] = function()
    local value = { a = { 1, 2.5, "x\n\"\\\1" }, b = true, c = { d = {} } }
    local back = json.decode(json.encode(value))
    suite.equal(json.encode(back), json.encode(value))
    suite.equal(json.encode(json.decode(json.encode(value, "  "))), json.encode(value))
    suite.equal(json.decode '"\\u00e9"', "é")
  end,
  ["broken JSON is refused"] = function()
    for _, wrong in ipairs { "", "{", "[1,", '"abc', "{1:2}", "@" } do
      local value, why = json.decode(wrong)
      assert(value == nil and why, wrong)
    end
  end,
  ["SHA-256 gives the values of FIPS 180-4"] = function()
    suite.equal(hex(host.sha256 ""),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    suite.equal(hex(host.sha256 "abc"),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    suite.equal(hex(host.sha256(("a"):rep(1000000))),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    for _, length in ipairs { 55, 56, 63, 64, 65, 119, 120 } do
      assert(#host.sha256(("x"):rep(length)) == 32)
    end
  end,
  ["CRC32C gives the values of RFC 3720"] = function()
    suite.equal(host.crc32c(("\0"):rep(32)), 0x8a9136aa)
    suite.equal(host.crc32c(("\255"):rep(32)), 0x62a8ab43)
    suite.equal(host.crc32c "123456789", 0xe3069283)
  end,
}
