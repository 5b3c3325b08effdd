-- SPDX-License-Identifier: MIT
-- examples.lua: the examples that serve: http and chat, each as an image and on
-- the host platform; the chat's page in a headless Chromium.

local chromium = require "chromium"
local fs = require "util.fs"
local host = require "lunik.host"
local json = require "util.json"
local process = require "util.process"
local qemu = require "run.qemu"
local server = require "server"
local signal = require "posix.signal"
local suite = require "suite"

-- A copy of an example, so that its build leaves nothing in the tree.
local function copy(name)
  local folder, from = suite.folder(), suite.root .. "/examples/" .. name
  for _, path in ipairs(fs.walk(from)) do
    if not path:match "^build/" then fs.write(folder .. "/" .. path, fs.read(from .. "/" .. path)) end
  end
  return folder
end

-- Runs the project in (folder) on (port) of this machine, as an image or, with
-- (is_hosted), as a process; gives it when it listens.
local function serve(folder, port, is_hosted)
  local words = { host.prefix .. "/bin/lunik", "run" }
  if is_hosted then
    table.move({ "--host", folder, "--", tostring(port) }, 1, 4, 3, words)
  else
    if not fs.find_command(qemu.COMMAND) then suite.skip "QEMU is not installed" end
    table.move({ "-p", ("127.0.0.1:%d:8080"):format(port), folder }, 1, 3, 3, words)
  end
  local started = server.start(words)
  -- A signal that it can hand on to QEMU.
  function started.stop()
    if started.ended() then return end
    process.kill(started.pid, signal.SIGTERM)
    started.how, started.status = process.wait(started.pid)
  end
  suite.at_end(started.stop)
  server.await("the server", function()
    if started.ended() then error("it ended: " .. started.said()) end
    return started.said():find "port %d+\n"
  end, 60)
  return started
end

-- One run of curl: the status, the body, and the headers by their small names.
local function curl(url, ...)
  if not fs.find_command "curl" then suite.skip "curl is not installed" end
  local output, status = process.run({ "curl", "-sS", "-i", "-m", "20", url, ... }, { timeout = 30 })
  suite.equal(status, 0, output)
  local code, head, body = output:match "^HTTP/1%.1 (%d+)[^\r]*\r\n(.-\r\n)\r\n(.*)$"
  if not code then code, head, body = output:match "^HTTP/1%.1 (%d+)[^\r]*\r\n()\r\n(.*)$" end
  assert(code, output)
  local headers = {}
  for name, value in tostring(head):gmatch "([^:\r\n]+): ([^\r]*)\r\n" do headers[name:lower()] = value end
  return tonumber(code), body, headers
end

-- ---- The example http ----

local function check_api(root)
  local status, body, headers = curl(root .. "/api/notes")
  suite.equal(status, 200)
  suite.equal(headers["content-type"], "application/json")
  suite.equal(body, '{"notes":[]}\n')
  status, body, headers = curl(root .. "/api/notes", "-d", '{"text":"milk"}')
  suite.equal(status, 201, body)
  suite.equal(headers.location, "/api/notes/1")
  suite.equal(json.decode(select(2, curl(root .. "/api/notes/1"))).text, "milk")
  suite.equal(curl(root .. "/api/notes/1", "-X", "PUT", "-d", '{"text":"bread"}'), 200)
  suite.equal(json.decode(select(2, curl(root .. "/api/notes"))).notes[1].text, "bread")
  suite.equal(curl(root .. "/api/notes", "-d", "{"), 422)
  suite.equal(curl(root .. "/api/notes", "-d", ("x"):rep(20000)), 413)
  suite.equal(curl(root .. "/api/nothing"), 404)
  suite.equal(curl(root .. "/api/notes/%2e%2e/1", "--path-as-is"), 400)
  status, _, headers = curl(root .. "/api/notes/1", "-X", "PATCH")
  suite.equal(status, 405)
  suite.equal(headers.allow, "DELETE, GET, HEAD, OPTIONS, PUT")
  suite.equal(curl(root .. "/api/notes/1", "-X", "DELETE"), 204)
end

local function check_page(root)
  local status, body, headers = curl(root .. "/")
  suite.equal(status, 200)
  suite.equal(headers["content-type"], "text/html; charset=utf-8")
  suite.holds(body, "<title>Notes</title>")
  suite.equal(curl(root .. "/", "-H", "If-None-Match: " .. headers.etag), 304)
  status, body, headers = curl(root .. "/style.css", "-r", "0-4")
  suite.equal(status, 206)
  suite.equal(#body, 5)
  suite.equal(headers["content-length"], "5")
  status, body, headers = curl(root .. "/app.js", "-I")
  suite.equal(status, 200)
  suite.equal(body, "")
  assert(tonumber(headers["content-length"]) > 500)
  for _, path in ipairs { "/../main.lua", "/..%2fmain.lua", "/%2e%2e/main.lua", "/main.lua", "//main.lua" } do
    local code = curl(root .. path, "--path-as-is")
    assert(code == 400 or code == 404, path .. " gave " .. code)
  end
end

local function check_metrics(root)
  local status, body, headers = curl(root .. "/metrics")
  suite.equal(status, 200)
  suite.equal(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
  suite.matches(body, '\nhttp_requests_total{method="POST",route="/api/notes/",status="201"} 1\n')
  suite.matches(body, '\nhttp_requests_total{method="GET",route="/api/notes/:id",status="200"} %d+\n')
  suite.matches(body, "\nlunik_http_requests_total %d+\n")
  suite.matches(body, "\nlunik_sockets [1-9]")
  suite.matches(body, '\nlunik_memory_bytes{kind="heap"} [1-9]')
end

local function check_http(is_hosted)
  local port = server.free_port()
  local running = serve(copy "http", port, is_hosted)
  local root = "http://127.0.0.1:" .. port
  check_api(root)
  check_page(root)
  check_metrics(root)
  assert(not running.ended(), running.said())
end

-- ---- The example chat ----

local function join(page, name)
  page:type(name)
  page:press "Enter"
  page:wait_for "document.getElementById('status').dataset.state === 'open'"
end

local function say(page, text)
  page:type(text)
  page:press "Enter"
end

local function shows(text)
  return ("[...document.querySelectorAll('.message:not(.pending) .bubble')].some((e) => e.textContent === %q)"):format(text)
end

local function count_of(text)
  return ("[...document.querySelectorAll('.bubble')].filter((e) => e.textContent === %q).length"):format(text)
end

-- Everything that can have the focus has a name, and nothing is too wide.
local function check_page_is_usable(page)
  for _, look in ipairs { { 1200, 800, "light" }, { 360, 640, "dark" }, { 320, 568, "light" } } do
    page:look(table.unpack(look))
    suite.equal(page:evaluate "document.documentElement.scrollWidth <= innerWidth", true,
      look[1] .. " pixels are too few")
    suite.equal(page:evaluate [[[...document.querySelectorAll('input, textarea, button, [tabindex]')]
      .filter((e) => e.checkVisibility())
      .every((e) => e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())]], true,
      "a control has no name")
  end
  suite.equal(page:evaluate "document.documentElement.lang", "en")
  page:look(360, 640, "dark")
  suite.equal(page:evaluate [[(() => {
    const rgb = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
    return rgb.every((v) => v < 80);
  })()]], true, "a dark page is light")
  page:look(1200, 800, "light")
end

local function check_chat(is_hosted)
  local browser = chromium.start()
  local port = server.free_port()
  local folder = copy "chat"
  local running = serve(folder, port, is_hosted)
  local url = ("http://127.0.0.1:%d/"):format(port)
  local ann, bob = browser:open(url), browser:open(url)
  join(ann, "Ann")
  join(bob, "Bob")
  check_page_is_usable(ann)
  say(ann, "hello from Ann <b>\u{1F44B}</b>")
  bob:wait_for(shows "hello from Ann <b>\u{1F44B}</b>")
  say(bob, "hello from Bob")
  ann:wait_for(shows "hello from Bob")
  ann:wait_for "document.getElementById('people').innerText.includes('Ann (you)')"
  suite.equal(ann:evaluate "document.getElementById('count').textContent", "2")
  suite.equal(ann:evaluate "document.activeElement.id", "text")

  -- The server goes away, and comes back.
  running.stop()
  ann:wait_for "document.getElementById('status').dataset.state === 'lost'"
  say(ann, "said while nobody was there")
  serve(folder, port, is_hosted)
  ann:wait_for "document.getElementById('status').dataset.state === 'open'"
  bob:wait_for "document.getElementById('status').dataset.state === 'open'"
  bob:wait_for(shows "said while nobody was there")
  ann:wait_for(shows "said while nobody was there")
  suite.equal(ann:evaluate(count_of "said while nobody was there"), 1)
  say(bob, "back again")
  ann:wait_for(shows "back again")
  local picture = os.getenv "LUNIK_TEST_PICTURES"
  if picture then
    fs.write(picture .. "/chat-light.base64", ann:picture())
    ann:look(360, 640, "dark")
    fs.write(picture .. "/chat-dark.base64", ann:picture())
  end
end

return {
  ["the example http answers curl, as an image"] = function() check_http(false) end,
  ["the example http answers curl, on the host platform"] = function() check_http(true) end,
  ["two pages of the example chat talk, and come back, with an image"] = function() check_chat(false) end,
  ["two pages of the example chat talk, and come back, on the host platform"] = function() check_chat(true) end,
  ["the examples' own tests pass in an image"] = function()
    for _, name in ipairs { "http", "chat" } do
      local output, status = suite.lunik({ "test", copy(name) }, { timeout = 120 })
      suite.equal(status, 0, output)
    end
  end,
}
