-- SPDX-License-Identifier: MIT
-- modules.lua: lunik.sys and lunik.log.
local log = require "lunik.log"
local sys = require "lunik.sys"
local test = require "lunik.test"

-- The line without its time stamp.
local function render(level, message, fields)
  local line = log.render(level, message, fields)
  return (line:gsub("^ts=%d+%.%d%d%d ", ""):gsub('^{"ts":%d+%.%d%d%d,', "{"):gsub("\n$", ""))
end

local function json(message, fields)
  log.format "json"
  local ok, line = pcall(render, "info", message, fields)
  log.format "logfmt"
  return assert(ok and line, line)
end

local unprintable = setmetatable({}, { __tostring = function() error "no" end })
local odd_text = setmetatable({}, { __tostring = function() return 5 end })

return {
  ["logfmt quotes what needs it"] = function()
    test.equal(render("info", "ready"), "level=info msg=ready")
    test.equal(render("warn", "two words"), 'level=warn msg="two words"')
    test.equal(render("info", "m", { a = 'x"y', b = "", c = "p=q" }),
      [[level=info msg=m a="x\"y" b="" c="p=q"]])
    test.equal(render("info", "a\nb\t\0\127"), [[level=info msg="a\nb\t\u0000\u007f"]])
  end,

  ["fields come in the order of their names"] = function()
    test.equal(render("info", "m", { b = 1, a = true, c = 2.5 }),
      "level=info msg=m a=true b=1 c=2.5")
  end,

  ["a field's name cannot break the line"] = function()
    test.equal(render("info", "m", { ["a b=\"\n"] = 1, [""] = 2 }),
      "level=info msg=m _=2 a_b___=1")
  end,

  ["bytes that are no UTF-8 become U+FFFD, one each"] = function()
    test.equal(render("info", "\xff\xc3"), [[level=info msg="\ufffd\ufffd"]])
    test.equal(render("info", "\xed\xa0\x80"), [[level=info msg="\ufffd\ufffd\ufffd"]])
    test.equal(render("info", "\xc0\x80"), [[level=info msg="\ufffd\ufffd"]])
    test.equal(render("info", "\xf4\x90\x80\x80"), [[level=info msg="\ufffd\ufffd\ufffd\ufffd"]])
    test.equal(render("info", "\u{e9}\u{20ac}\u{1f600}"), 'level=info msg="\u{e9}\u{20ac}\u{1f600}"')
  end,

  ["JSON keeps types and nests"] = function()
    test.equal(json("m", { n = 1, f = 1.5, t = true, s = "x", l = { 1, { 2 } }, o = { k = "v" } }),
      [=[{"level":"info","msg":"m","f":1.5,"l":[1,[2]],"n":1,"o":{"k":"v"},"s":"x","t":true}]=])
    test.equal(json("q\"\\\n"), [[{"level":"info","msg":"q\"\\\n"}]])
    test.equal(json("m", { e = {} }), [[{"level":"info","msg":"m","e":{}}]])
  end,

  ["JSON has no numbers that are not finite"] = function()
    test.equal(json("m", { a = math.huge, b = -math.huge }),
      [[{"level":"info","msg":"m","a":"inf","b":"-inf"}]])
    assert(json("m", { a = 0 / 0 }):find('"a":"%-?nan"'))
  end,

  ["odd values never raise"] = function()
    local cycle = {}
    cycle.me = cycle
    for _, format in ipairs { "logfmt", "json" } do
      log.format(format)
      for _, value in ipairs { unprintable, odd_text, cycle, print, io.stdout,
        coroutine.create(print), 0 / 0, "\xff", false, { [unprintable] = unprintable },
        { [1.5] = 1 }, { [true] = 2 } } do
        assert(pcall(log.render, "info", value, value))
        assert(pcall(log.render, "info", "m", { field = value, [value == value and value or 1] = value }))
        assert(pcall(log.debug, value, value))
      end
    end
    log.format "logfmt"
    test.equal(render("info", unprintable), 'level=info msg="(table without text)"')
    test.equal(render("info", nil), "level=info msg=nil")
    test.equal(render("info", "m", 5), "level=info msg=m fields=5")
  end,

  ["a logger adds its fields, and a line's own win"] = function()
    local line
    local l = log.with { service = "shop", id = 1 }
    line = l:render("info", "m", { id = 2 }):gsub("^ts=%S+ ", "")
    test.equal(line, "level=info msg=m service=shop id=2\n")
    line = l:with { more = true }:render("info", "m"):gsub("^ts=%S+ ", "")
    test.equal(line, "level=info msg=m id=1 more=true service=shop\n")
  end,

  ["with copies: later changes of the table do not count"] = function()
    local fields = { a = 1 }
    local l = log.with(fields)
    fields.a = 2
    assert(l:render("info", "m"):find("a=1"))
  end,

  ["levels are set by name"] = function()
    local before = log.level()
    log.level "error"
    test.equal(log.level(before), "error")
    test.equal(log.level(), before)
    test.raises("debug, info, warn, error or none", log.level, "loud")
    test.raises("invalid option", log.format, "xml")
  end,

  ["random gives as many bytes as asked, never the same"] = function()
    test.equal(#sys.random(0), 0)
    test.equal(#sys.random(100000), 100000)
    assert(sys.random(16) ~= sys.random(16))
    assert(sys.random_integer() ~= sys.random_integer())
    test.raises("bytes", sys.random, -1)
    test.raises("bytes", sys.random, 1 << 40)
  end,

  ["the clocks go forward"] = function()
    local a = sys.clock()
    assert(a >= 0 and sys.clock() >= a)
    assert(sys.time() > 0)
    assert(math.abs(sys.time() - os.time()) < 5)
    for _, name in pairs(sys.sources()) do assert(#name > 0) end
  end,

  ["build, env and args tell of the image"] = function()
    assert(#sys.build.name > 0)
    assert(#sys.build.hypervisor > 0)
    test.equal(sys.build.lua:match("^Lua 5%.4"), "Lua 5.4")
    test.equal(type(sys.env), "table")
    test.equal(sys.args, arg)
    for name, value in pairs(sys.env) do test.equal(os.getenv(name), value) end
  end,

  ["memory's figures are consistent"] = function()
    local m = sys.memory()
    assert(m.lua > 0 and m.lua <= m.lua_peak and m.lua_peak <= m.lua_limit)
    assert(m.free <= m.total)
  end,

  ["exit refuses a code that would not come through"] = function()
    test.raises("0 to 15", sys.exit, 16)
    test.raises("0 to 15", sys.exit, -1)
    test.equal(sys.is_stopping(), false)
  end,
}
