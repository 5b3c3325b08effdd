-- SPDX-License-Identifier: MIT
-- room.lua: who is in the room, and what was said.
--
-- Messages are JSON. From a page: { type = "join", name = }, { type = "say",
-- text = , key = }. To it: "welcome" (room, you, people, said), "people" (names),
-- "said" (id, name, text, seconds, key), "error" (text). A key that came with a
-- message comes back with it, so that its page knows it as its own.
local json = require "cjson.safe"
local sys = require "lunik.sys"

local room = {}

local Room = {}
Room.__index = Room

local PEOPLE_MAX = 200
local KEPT = 50 -- messages for those who come later
local NAME_MAX, TEXT_MAX, KEY_MAX = 32, 2000, 40
local BURST, RATE = 10, 2 -- messages at once, and a second after that

function room.new()
  return setmetatable({
    people = {}, count = 0, said = {}, last = 0,
    -- By this a page knows that the room is a new one, whose messages count anew.
    id = ("%016x"):format(sys.random_integer()),
  }, Room)
end

function Room:is_full() return self.count >= PEOPLE_MAX end

-- ---- What people may say ----

-- (text) without control characters and blanks around it; nil if nothing is
-- left, or more than (max) characters.
local function clean(text, max)
  if type(text) ~= "string" then return nil end
  text = text:gsub("[%c\127]", " "):match "^%s*(.-)%s*$"
  local length = utf8.len(text)
  if not length or length == 0 or length > max then return nil end
  return text
end

-- Whether the person may send another message now; bursts are paid for later.
local function may_speak(person, now)
  person.credit = math.min(BURST, person.credit + (now - person.seen) * RATE)
  person.seen = now
  if person.credit < 1 then return false end
  person.credit = person.credit - 1
  return true
end

-- ---- Telling ----

-- A page that does not read is let go: it comes back when it can.
local function post(person, text)
  local ok, err = person.ws:post(text)
  if not ok and err == "full" then person.ws.stream:close() end
end

local function tell_all(self, message)
  local text = assert(json.encode(message))
  for person in pairs(self.people) do
    if person.name then post(person, text) end
  end
end

local function names(self)
  local list = {}
  for person in pairs(self.people) do
    if person.name then list[#list + 1] = person.name end
  end
  table.sort(list)
  return list[1] and list or json.empty_array
end

-- A name that nobody else has: "Ann", "Ann 2", …
local function free_name(self, wanted)
  local taken = {}
  for person in pairs(self.people) do
    if person.name then taken[person.name] = true end
  end
  local name, n = wanted, 1
  while taken[name] do
    n = n + 1
    name = ("%s %d"):format(wanted, n)
  end
  return name
end

-- ---- Messages from pages ----

local acts = {}

function acts.join(self, person, message)
  local name = clean(message.name, NAME_MAX)
  if not name then return "a name has 1 to 32 characters" end
  if person.name then return "you are in the room" end
  person.name = free_name(self, name)
  post(person, assert(json.encode {
    type = "welcome", room = self.id, you = person.name, people = names(self),
    said = self.said[1] and self.said or json.empty_array,
  }))
  tell_all(self, { type = "people", people = names(self) })
end

function acts.say(self, person, message)
  if not person.name then return "join first" end
  local text = clean(message.text, TEXT_MAX)
  if not text then return "a message has 1 to 2000 characters" end
  if not may_speak(person, sys.clock()) then return "not so fast" end
  self.last = self.last + 1
  local said = {
    id = self.last, name = person.name, text = text, seconds = sys.time() // 1 | 0,
    key = clean(message.key, KEY_MAX),
  }
  self.said[#self.said + 1] = said
  if #self.said > KEPT then table.remove(self.said, 1) end
  said.type = "said"
  tell_all(self, said)
end

-- Acts on one message of a page.
function Room:hear(person, data)
  local message = json.decode(data)
  local act = type(message) == "table" and acts[message.type]
  local why = "that is no message"
  if act then why = act(self, person, message) end
  if why then post(person, assert(json.encode { type = "error", text = why })) end
end

-- ---- Coming and going ----

--- Serves one page until it goes.
function Room:serve(ws)
  local person = { ws = ws, credit = BURST, seen = sys.clock() }
  self.people[person] = true
  self.count = self.count + 1
  local ok, err = pcall(function()
    for data, kind in ws:messages() do
      if kind == "text" then self:hear(person, data) end
    end
  end)
  self.people[person] = nil
  self.count = self.count - 1
  if person.name then tell_all(self, { type = "people", people = names(self) }) end
  if not ok then error(err, 0) end
end

--- Sends everybody away: the image stops.
function Room:close()
  for person in pairs(self.people) do pcall(person.ws.close, person.ws, 1001, "the server stops") end
end

return room
