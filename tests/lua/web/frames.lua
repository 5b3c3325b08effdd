-- SPDX-License-Identifier: MIT
-- frames.lua: WebSocket frames, one by one and in streams: what RFC 6455 asks of
-- whoever reads them.
local frames = require "lunik.http.frames"
local test = require "lunik.test"

-- A frame from its bits: { fin, opcode, payload, rsv =, length = "7"|"16"|"64",
-- claim = length to state }. Not masked.
local function frame(fin, opcode, payload, options)
  options = options or {}
  local length = options.claim or #payload
  local first = (fin and 0x80 or 0) | (options.rsv or 0) << 4 | opcode
  local form = options.length or (length < 126 and "7" or length < 65536 and "16" or "64")
  local mask = options.mask and 0x80 or 0
  local head
  if form == "7" then
    head = string.char(first, mask | length)
  elseif form == "16" then
    head = string.char(first, mask | 126) .. (">I2"):pack(length)
  else
    head = string.char(first, mask | 127) .. (">I8"):pack(length)
  end
  if not options.mask then return head .. payload end
  local bytes = { payload:byte(1, -1) }
  for i, byte in ipairs(bytes) do bytes[i] = byte ~ options.mask:byte((i - 1) % 4 + 1) end
  return head .. options.mask .. string.char(table.unpack(bytes))
end

-- All events of (data), read in steps of (step) bytes, as one text.
local function events(data, step, max, is_server)
  local reader, list = frames.reader(is_server, max or 1000), {}
  step = step or #data
  for at = 1, #data, step do
    local kind, payload, code = reader:next(data:sub(at, at + step - 1))
    while kind do
      list[#list + 1] = kind .. ":" .. payload .. (code and ":" .. code or "")
      if kind == "error" or kind == "close" then return table.concat(list, " ") end
      kind, payload, code = reader:next()
    end
  end
  return table.concat(list, " ")
end

local euro = "\u{20AC}"

-- name, frames, events. Numbered as the groups of the well-known test suite.
local cases = {
  -- 1: framing
  { "1.1 an empty text", frame(true, 1, ""), "text:" },
  { "1.1 a text", frame(true, 1, "hello"), "text:hello" },
  { "1.1 125 bytes", frame(true, 1, ("*"):rep(125)), "text:" .. ("*"):rep(125) },
  { "1.1 126 bytes", frame(true, 1, ("*"):rep(126)), "text:" .. ("*"):rep(126) },
  { "1.1 127 bytes", frame(true, 1, ("*"):rep(127)), "text:" .. ("*"):rep(127) },
  { "1.1 128 bytes", frame(true, 1, ("*"):rep(128)), "text:" .. ("*"):rep(128) },
  { "1.2 a binary message", frame(true, 2, "\0\xff\xfe"), "binary:\0\xff\xfe" },
  { "1.2 an empty binary message", frame(true, 2, ""), "binary:" },
  -- 2: pings and pongs
  { "2.1 an empty ping", frame(true, 9, ""), "ping:" },
  { "2.3 a binary ping", frame(true, 9, "\0\xff\xfe"), "ping:\0\xff\xfe" },
  { "2.4 a ping of 125 bytes", frame(true, 9, ("p"):rep(125)), "ping:" .. ("p"):rep(125) },
  { "2.5 a ping of 126 bytes", frame(true, 9, ("p"):rep(126)), "error:a control frame is too long:1002" },
  { "2.7 a pong nobody asked for", frame(true, 10, "x"), "pong:x" },
  { "2.10 ten pings", frame(true, 9, "p"):rep(10), ("ping:p "):rep(9) .. "ping:p" },
  -- 3: reserved bits
  { "3.1 bit 3", frame(true, 1, "x", { rsv = 1 }), "error:a reserved bit is set:1002" },
  { "3.2 bit 2 after a good one", frame(true, 1, "a") .. frame(true, 1, "x", { rsv = 2 }),
    "text:a error:a reserved bit is set:1002" },
  { "3.5 bit 1", frame(true, 2, "x", { rsv = 4 }), "error:a reserved bit is set:1002" },
  { "3.6 on a ping", frame(true, 9, "", { rsv = 4 }), "error:a reserved bit is set:1002" },
  { "3.7 all, on a close", frame(true, 8, "", { rsv = 7 }), "error:a reserved bit is set:1002" },
  -- 4: opcodes
  { "4.1 opcode 3", frame(true, 3, ""), "error:an opcode is unknown:1002" },
  { "4.1 opcode 4", frame(true, 4, "x"), "error:an opcode is unknown:1002" },
  { "4.1 opcode 5", frame(true, 5, ""), "error:an opcode is unknown:1002" },
  { "4.1 opcode 6", frame(true, 6, ""), "error:an opcode is unknown:1002" },
  { "4.1 opcode 7", frame(true, 7, ""), "error:an opcode is unknown:1002" },
  { "4.2 opcode 11", frame(true, 11, ""), "error:an opcode is unknown:1002" },
  { "4.2 opcode 12", frame(true, 12, "x"), "error:an opcode is unknown:1002" },
  { "4.2 opcode 13", frame(true, 13, ""), "error:an opcode is unknown:1002" },
  { "4.2 opcode 14", frame(true, 14, ""), "error:an opcode is unknown:1002" },
  { "4.2 opcode 15", frame(true, 15, ""), "error:an opcode is unknown:1002" },
  -- 5: fragments
  { "5.1 a ping in fragments", frame(false, 9, "a") .. frame(true, 0, "b"),
    "error:a control frame is in fragments:1002" },
  { "5.2 a pong in fragments", frame(false, 10, "a"), "error:a control frame is in fragments:1002" },
  { "5.2 a close in fragments", frame(false, 8, ""), "error:a control frame is in fragments:1002" },
  { "5.3 a text in two", frame(false, 1, "ab") .. frame(true, 0, "cd"), "text:abcd" },
  { "5.6 with a ping between", frame(false, 1, "ab") .. frame(true, 9, "p") .. frame(true, 0, "cd"),
    "ping:p text:abcd" },
  { "5.9 a frame that continues nothing", frame(true, 0, "x") .. frame(true, 1, "y"),
    "error:a frame continues nothing:1002" },
  { "5.10 the same, not final", frame(false, 0, "x"), "error:a frame continues nothing:1002" },
  { "5.12 after a message", frame(true, 1, "a") .. frame(true, 0, "b"),
    "text:a error:a frame continues nothing:1002" },
  { "5.15 after fragments", frame(false, 1, "a") .. frame(true, 0, "b") .. frame(false, 0, "c"),
    "text:ab error:a frame continues nothing:1002" },
  { "5.18 a text within a text", frame(false, 1, "a") .. frame(true, 1, "b"),
    "error:a message begins within another:1002" },
  { "5.18 a binary within a text", frame(false, 1, "a") .. frame(false, 2, "b"),
    "error:a message begins within another:1002" },
  { "5.19 five fragments, two pings", frame(false, 1, "1") .. frame(false, 0, "2") .. frame(true, 9, "a")
    .. frame(false, 0, "3") .. frame(false, 0, "4") .. frame(true, 9, "b") .. frame(true, 0, "5"),
    "ping:a ping:b text:12345" },
  { "5 empty fragments", frame(false, 1, "") .. frame(false, 0, "") .. frame(true, 0, ""), "text:" },
  -- 6: UTF-8
  { "6.1 an empty fragment first", frame(false, 1, "") .. frame(true, 0, euro), "text:" .. euro },
  { "6.2 a character cut by fragments", frame(false, 1, euro:sub(1, 1)) .. frame(false, 0, euro:sub(2, 2))
    .. frame(true, 0, euro:sub(3)), "text:" .. euro },
  { "6.2 the same with a ping inside", frame(false, 1, euro:sub(1, 2)) .. frame(true, 9, "\xff")
    .. frame(true, 0, euro:sub(3)), "ping:\xff text:" .. euro },
  { "6.3 a bad byte", frame(true, 1, "a\xffb"), "error:a text is not UTF-8:1007" },
  { "6.3 a surrogate", frame(true, 1, "\xce\xba\xed\xa0\x80"), "error:a text is not UTF-8:1007" },
  { "6.4 beyond 10FFFF, found before the end", frame(false, 1, "\xf4\x90"), "error:a text is not UTF-8:1007" },
  { "6.5 a cut character at the end", frame(true, 1, "\xe2\x82"), "error:a text is not UTF-8:1007" },
  { "6.5 over fragments", frame(false, 1, "\xe2") .. frame(true, 0, "a"), "error:a text is not UTF-8:1007" },
  { "6.6 overlong, two bytes", frame(true, 1, "\xc0\xaf"), "error:a text is not UTF-8:1007" },
  { "6.6 overlong, three bytes", frame(true, 1, "\xe0\x80\xaf"), "error:a text is not UTF-8:1007" },
  { "6.6 overlong, four bytes", frame(true, 1, "\xf0\x80\x80\xaf"), "error:a text is not UTF-8:1007" },
  { "6.6 five bytes", frame(true, 1, "\xf8\x88\x80\x80\x80"), "error:a text is not UTF-8:1007" },
  { "6.6 alone", frame(true, 1, "\x80"), "error:a text is not UTF-8:1007" },
  { "6.7 the least and greatest", frame(true, 1, "\0\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
    "text:\0\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
  { "6.9 around the surrogates", frame(true, 1, "\xed\x9f\xbf\xee\x80\x80"), "text:\xed\x9f\xbf\xee\x80\x80" },
  { "6 far into a long one", frame(true, 1, ("x"):rep(100) .. "\xc3\x28"), "error:a text is not UTF-8:1007" },
  { "6 binary need not be", frame(true, 2, "\xff") .. frame(true, 1, "a"), "binary:\xff text:a" },
  { "6 a new message begins anew", frame(true, 2, "\xe2") .. frame(true, 1, "\x82"),
    "binary:\xe2 error:a text is not UTF-8:1007" },
  -- 7: close
  { "7.1 an empty close", frame(true, 8, ""), "close::1005" },
  { "7.1 nothing counts after it", frame(true, 8, "") .. frame(true, 1, "x"), "close::1005" },
  { "7.3 one byte", frame(true, 8, "\3"), "error:a close code is cut:1002" },
  { "7.3 a code", frame(true, 8, "\3\xe8"), "close::1000" },
  { "7.3 with a reason", frame(true, 8, "\3\xe8bye " .. euro), "close:bye " .. euro .. ":1000" },
  { "7.3 a reason of 123 bytes", frame(true, 8, "\3\xe8" .. ("r"):rep(123)), "close:" .. ("r"):rep(123) .. ":1000" },
  { "7.3 a reason of 124 bytes", frame(true, 8, "\3\xe8" .. ("r"):rep(124)),
    "error:a control frame is too long:1002" },
  { "7.5 a reason that is not UTF-8", frame(true, 8, "\3\xe8\xce\xba\xed\xa0\x80"),
    "error:a close reason is not UTF-8:1007" },
  { "7.5 a reason that is cut", frame(true, 8, "\3\xe8\xe2\x82"), "error:a close reason is not UTF-8:1007" },
  -- 9: limits
  { "9 as long as may be", frame(true, 1, ("x"):rep(1000)), "text:" .. ("x"):rep(1000) },
  { "9 one longer", frame(true, 1, ("x"):rep(1001)), "error:a message is too long:1009" },
  { "9 said to be longer, nothing sent", frame(true, 2, "", { claim = 1001 }), "error:a message is too long:1009" },
  { "9 said to be huge", frame(true, 2, "", { claim = 0x7fffffffffffffff }), "error:a message is too long:1009" },
  { "9 longer by fragments", frame(false, 1, ("x"):rep(600)) .. frame(false, 0, ("x"):rep(401)),
    "error:a message is too long:1009" },
  { "9 as long as may be, by fragments", frame(false, 1, ("x"):rep(600)) .. frame(true, 0, ("x"):rep(400)),
    "text:" .. ("x"):rep(1000) },
  -- lengths that are not the shortest
  { "a length of 16 bits for 125", frame(true, 1, ("x"):rep(125), { length = "16" }),
    "error:a length is malformed:1002" },
  { "a length of 64 bits for 126", frame(true, 1, ("x"):rep(126), { length = "64" }),
    "error:a length is malformed:1002" },
  { "a length of 64 bits for 65535", frame(true, 2, "", { length = "64", claim = 65535 }),
    "error:a length is malformed:1002" },
  { "a length with the top bit", "\x82\x7f\xff" .. ("\0"):rep(7), "error:a length is malformed:1002" },
  { "a ping with a length of 16 bits", frame(true, 9, "x", { length = "16" }),
    "error:a control frame is too long:1002" },
  -- masks
  { "a mask from a server", frame(true, 1, "x", { mask = "abcd" }), "error:a frame is masked:1002" },
}

for code = 0, 5000 do
  local good = code >= 1000 and code <= 1003 or code >= 1007 and code <= 1014 or code >= 3000 and code < 5000
  if code < 20 or code % 500 < 20 or code > 4990 then
    cases[#cases + 1] = { "7.7 code " .. code, frame(true, 8, (">I2"):pack(code)),
      good and "close::" .. code or "error:a close code is not allowed:1002" }
  end
end

local tests = {}
for _, case in ipairs(cases) do
  tests["case " .. case[1]] = function()
    for _, step in ipairs { 1, 2, 3, 7, math.max(#case[2], 1) } do
      test.equal(events(case[2], step), case[3], "in steps of " .. step)
    end
  end
end

tests["masked frames are read by a server, whatever the mask and the cuts"] = function()
  for _, mask in ipairs { "\0\0\0\0", "\xff\xff\xff\xff", "abcd", "\1\2\4\x80" } do
    local data = frame(false, 1, "Hello, ", { mask = mask }) .. frame(true, 9, "ping", { mask = mask })
      .. frame(true, 0, euro:rep(30), { mask = mask }) .. frame(true, 2, ("\xff\0"):rep(150), { mask = mask })
    for step = 1, 40 do
      test.equal(events(data, step, 1000, true), "ping:ping text:Hello, " .. euro:rep(30) .. " binary:" .. ("\xff\0"):rep(150))
    end
  end
  test.equal(events(frame(true, 1, "x"), nil, 10, true), "error:a frame is not masked:1002")
  test.equal(events(frame(true, 1, ""), nil, 10, true), "error:a frame is not masked:1002")
end

tests["a reader says nothing more after an error or a close"] = function()
  local reader = frames.reader(false, 10)
  test.equal(reader:next(frame(true, 3, "")), "error")
  test.equal(reader:next(frame(true, 1, "x")), "error")
  reader = frames.reader(false, 10)
  test.equal(reader:next(frame(true, 8, "")), "close")
  test.equal(reader:next(frame(true, 1, "x")), "error")
end

tests["what was not read is read with what comes next"] = function()
  local reader = frames.reader(false, 10)
  test.equal(select(2, reader:next(frame(true, 1, "a") .. frame(true, 1, "b"):sub(1, 1))), "a")
  test.equal(select(2, reader:next(frame(true, 1, "b"):sub(2) .. frame(true, 1, "c"))), "b")
  test.equal(select(2, reader:next()), "c")
  test.equal(reader:next(), nil)
  test.equal(reader:next "", nil)
end

tests["a frame that is encoded is read back"] = function()
  for _, size in ipairs { 0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 70000 } do
    local data = ("0123456789abcdef"):rep(size // 16 + 1):sub(1, size)
    for _, is_masked in ipairs { false, true } do
      local reader = frames.reader(is_masked, 1 << 20)
      local encoded = frames.encode("binary", data, is_masked)
      test.equal(#encoded, size + (size > 65535 and 10 or size > 125 and 4 or 2) + (is_masked and 4 or 0))
      local kind, payload = reader:next(encoded)
      test.equal(kind, "binary")
      assert(payload == data)
    end
  end
  test.equal(frames.encode("text", "hi"), "\x81\x02hi")
  test.equal(frames.encode("continue", "", false, false), "\x00\x00")
  assert(frames.encode("text", ("a"):rep(64), true) ~= frames.encode("text", ("a"):rep(64), true), "one mask for two frames")
end

tests["the handshake's proof is RFC 6455's"] = function()
  test.equal(frames.accept "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  test.equal(frames.accept "x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk=")
  for _, key in ipairs { "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZQ= ",
    "dGhlIHNhbXBsZSBub25jZ\n==", "dGhlIHNhbXBsZSBub25jZ-==", ("A"):rep(24), "\0hlIHNhbXBsZSBub25jZQ==" } do
    test.equal(frames.accept(key), nil, key)
  end
  local seen = {}
  for _ = 1, 50 do
    local key = frames.key()
    assert(frames.accept(key) and not seen[key])
    seen[key] = true
  end
end

tests["what makes no frame raises"] = function()
  test.raises("at most 125", frames.encode, "ping", ("x"):rep(126))
  test.raises("invalid option", frames.encode, "txt", "x")
  test.raises("not a code", frames.close, 1005)
  test.raises("not a code", frames.close, 999)
  test.raises("not a code", frames.close, 5000)
  test.raises("not a code", frames.close, 70536)
  test.raises("not a code", frames.close, -64536)
  test.raises("at most 123", frames.close, 1000, ("x"):rep(124))
  test.raises("not UTF%-8", frames.close, 1000, "\xff")
  test.equal(frames.close(1000, "bye"), "\3\xe8bye")
  test.equal(frames.close(nil), "")
  test.raises("negative", frames.reader, true, -1)
end

tests["text is told from other bytes"] = function()
  for _, text in ipairs { "", "a", euro, ("x"):rep(17) .. "\u{10FFFF}", "\0" } do
    test.equal(frames.is_text(text), true)
  end
  for _, text in ipairs { "\xff", "\xc3", ("x"):rep(16) .. "\xe2\x82", "\xed\xbf\xbf", "\xc1\xbf" } do
    test.equal(frames.is_text(text), false)
  end
end

tests["a long message takes little more memory than came"] = function()
  local sys = require "lunik.sys"
  local reader = frames.reader(false, 64 << 20)
  local before = sys.memory().heap
  reader:next(frame(true, 2, "x", { claim = 60 << 20 }))
  assert(sys.memory().heap - before < 1 << 16, "room was made for what was only claimed")
end

return tests
