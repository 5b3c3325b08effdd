-- SPDX-License-Identifier: MIT
-- room.lua: the room without a network: people are lists of what they heard.
local json = require "cjson"
local room = require "room"
local test = require "lunik.test"

local function new_person(chat)
  local person = { credit = 10, seen = 0, heard = {} }
  person.ws = { stream = {} }
  function person.ws.post(_, text) person.heard[#person.heard + 1] = json.decode(text) return true end
  chat.people[person] = true
  chat.count = chat.count + 1
  return person
end

local function last(person) return person.heard[#person.heard] end

local function join(chat, name)
  local person = new_person(chat)
  chat:hear(person, json.encode { type = "join", name = name })
  return person
end

return {
  ["who joins is welcomed, and everybody hears of it"] = function()
    local chat = room.new()
    local ann = join(chat, "Ann")
    test.equal(ann.heard[1].type, "welcome")
    test.equal(ann.heard[1].you, "Ann")
    local bob = join(chat, " Bob\n ")
    test.equal(bob.heard[1].you, "Bob")
    test.equal(last(ann).type, "people")
    test.equal(table.concat(last(ann).people, ","), "Ann,Bob")
  end,

  ["no two have one name"] = function()
    local chat = room.new()
    join(chat, "Ann")
    test.equal(join(chat, "Ann").heard[1].you, "Ann 2")
    test.equal(join(chat, "Ann").heard[1].you, "Ann 3")
  end,

  ["what is said reaches all who joined, and those who come later"] = function()
    local chat = room.new()
    local ann, bob, stranger = join(chat, "Ann"), join(chat, "Bob"), new_person(chat)
    chat:hear(ann, '{"type":"say","text":"hello\\u0000","key":"k-1"}')
    test.equal(last(bob).text, "hello")
    test.equal(last(bob).name, "Ann")
    test.equal(last(ann).key, "k-1")
    test.equal(#stranger.heard, 0)
    test.equal(join(chat, "Eve").heard[1].said[1].text, "hello")
  end,

  ["only so much is kept"] = function()
    local chat = room.new()
    local ann = join(chat, "Ann")
    for i = 1, 200 do
      ann.credit = 10
      chat:hear(ann, json.encode { type = "say", text = "m" .. i })
    end
    local said = join(chat, "Bob").heard[1].said
    test.equal(#said, 50)
    test.equal(said[50].text, "m200")
  end,

  ["who is too fast is told so"] = function()
    local chat = room.new()
    local ann = join(chat, "Ann")
    for i = 1, 15 do chat:hear(ann, json.encode { type = "say", text = "m" .. i }) end
    test.equal(last(ann).type, "error")
    test.equal(last(ann).text, "not so fast")
    assert(#chat.said <= 11)
  end,

  ["what is no message is answered with an error"] = function()
    local chat = room.new()
    local ann = join(chat, "Ann")
    for _, data in ipairs { "", "x", "5", "null", "[]", "{}", '{"type":"fly"}', '{"type":5}', '{"type":"say"}',
      '{"type":"say","text":" "}', '{"type":"say","text":5}', '{"type":"join","name":"x"}',
      json.encode { type = "say", text = ("x"):rep(2001) } } do
      chat:hear(ann, data)
      test.equal(last(ann).type, "error", data)
    end
    local new = new_person(chat)
    chat:hear(new, '{"type":"say","text":"x"}')
    test.equal(last(new).text, "join first")
    for _, name in ipairs { "", " ", ("x"):rep(33) } do
      chat:hear(new, json.encode { type = "join", name = name })
      test.equal(last(new).type, "error")
    end
    test.equal(#chat.said, 0)
  end,

  ["a room has an end"] = function()
    local chat = room.new()
    for _ = 1, 200 do new_person(chat) end
    test.equal(chat:is_full(), true)
  end,
}
