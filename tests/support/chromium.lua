-- SPDX-License-Identifier: MIT
-- chromium.lua: pages in a headless Chromium, driven by the DevTools protocol
-- over a pair of pipes: no port, no driver, no other program.

local fcntl = require "posix.fcntl"
local fs = require "util.fs"
local json = require "util.json"
local process = require "util.process"
local suite = require "suite"
local unistd = require "posix.unistd"

local chromium = {}

local Browser, Page = {}, {}
Browser.__index, Page.__index = Browser, Page

local SECONDS = 60 -- a machine that emulates may be slow

-- Starts it; the test is skipped where it is not installed.
function chromium.start()
  local command = fs.find_command "chromium"
  if not command then suite.skip "Chromium is not installed (Debian's package chromium)" end
  local theirs_in, ours_out = process.pipe()
  local ours_in, theirs_out = process.pipe()
  local words = {
    command, "--headless=new", "--remote-debugging-pipe", "--user-data-dir=" .. suite.folder(),
    "--no-first-run", "--disable-gpu", "--disable-extensions", "--disable-background-networking",
    "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  }
  -- Chromium's own sandbox wants a user who is not root.
  if unistd.geteuid() == 0 then words[#words + 1] = "--no-sandbox" end
  words[#words + 1] = "about:blank"
  local nothing = fcntl.open("/dev/null", fcntl.O_RDWR)
  -- It reads from 3 and writes to 4: by way of numbers that nobody has.
  local pid = process.start(words, nil, function()
    for to, from in pairs { [63] = theirs_in, [62] = theirs_out, [61] = nothing } do unistd.dup2(from, to) end
    for to, from in pairs { [3] = 63, [4] = 62, [1] = 61, [2] = 61 } do unistd.dup2(from, to) end
    for fd = 61, 63 do unistd.close(fd) end
  end)
  unistd.close(nothing)
  unistd.close(theirs_in)
  unistd.close(theirs_out)
  local self = setmetatable({ pid = pid, input = ours_in, output = ours_out, last = 0, rest = "", answers = {} }, Browser)
  suite.at_end(function() self:close() end)
  return self
end

-- Ends it, and waits for that: its folder is removed afterwards.
function Browser:close()
  if not self.pid then return end
  pcall(self.send, self, "Browser.close")
  local deadline = process.now() + 5
  while not process.try_wait(self.pid) do
    if process.now() > deadline then
      process.kill(self.pid)
      process.wait(self.pid)
      break
    end
    process.read(self.input, 0.1)
  end
  self.pid = nil
  unistd.close(self.input)
  unistd.close(self.output)
end

function Browser:send(method, parameters, session)
  self.last = self.last + 1
  local message = { id = self.last, method = method, params = parameters, sessionId = session }
  process.write_all(self.output, json.encode(message) .. "\0")
  return self.last
end

-- Calls a method and waits for its result.
function Browser:call(method, parameters, session)
  local id, deadline = self:send(method, parameters, session), process.now() + SECONDS
  while not self.answers[id] do
    local left = deadline - process.now()
    local data = left > 0 and process.read(self.input, left)
    if not data or data == "" then error(("Chromium did not answer %s"):format(method), 2) end
    self.rest = self.rest .. data
    for text in self.rest:gmatch "([^\0]*)\0" do
      local message = json.decode(text)
      if message.id then self.answers[message.id] = message end
    end
    self.rest = self.rest:match "[^\0]*$"
  end
  local answer = self.answers[id]
  self.answers[id] = nil
  if answer.error then error(("%s: %s"):format(method, answer.error.message), 2) end
  return answer.result
end

-- Opens a page of its own.
function Browser:open(url)
  local target = self:call("Target.createTarget", { url = url })
  local session = self:call("Target.attachToTarget", { targetId = target.targetId, flatten = true })
  local page = setmetatable({ browser = self, session = session.sessionId }, Page)
  page:wait_for(("location.href === %q && document.readyState === 'complete'"):format(url))
  return page
end

function Page:call(method, parameters) return self.browser:call(method, parameters, self.session) end

-- The value of an expression in JavaScript, which may be a promise.
function Page:evaluate(expression)
  local result = self:call("Runtime.evaluate", {
    expression = expression, awaitPromise = true, returnByValue = true,
  })
  if result.exceptionDetails then
    local why = result.exceptionDetails.exception
    error(("the page raised for %s: %s"):format(expression, why and why.description or result.exceptionDetails.text), 2)
  end
  return result.result.value
end

-- Waits until an expression is true.
function Page:wait_for(expression, seconds)
  local deadline = process.now() + (seconds or SECONDS)
  repeat
    local ok, value = pcall(self.evaluate, self, expression)
    if ok and value == true then return end
    -- (The page may be a new one by now.)
    pcall(self.evaluate, self, "new Promise((done) => setTimeout(done, 50))")
  until process.now() > deadline
  error(("never true in the page: %s; it shows:\n%s"):format(expression,
    tostring(self:evaluate "document.body ? document.body.innerText : ''")), 2)
end

-- Types into what has the focus, as a keyboard does.
function Page:type(text) self:call("Input.insertText", { text = text }) end

local codes = { Enter = 13, Tab = 9, Escape = 27 }
function Page:press(key)
  local event = {
    key = key, code = key, windowsVirtualKeyCode = codes[key], text = key == "Enter" and "\r" or nil,
  }
  event.type = "keyDown"
  self:call("Input.dispatchKeyEvent", event)
  event.type = "keyUp"
  self:call("Input.dispatchKeyEvent", event)
end

-- The window's size, and "light" or "dark".
function Page:look(width, height, scheme)
  self:call("Emulation.setDeviceMetricsOverride",
    { width = width, height = height, deviceScaleFactor = 1, mobile = width < 500 })
  self:call("Emulation.setEmulatedMedia",
    { features = { { name = "prefers-color-scheme", value = scheme or "light" } } })
end

-- A picture of the page, as base64 of a PNG.
function Page:picture() return self:call("Page.captureScreenshot", { format = "png" }).data end

return chromium
