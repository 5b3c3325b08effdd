-- SPDX-License-Identifier: MIT
-- commands.lua: runs every command that README.md and docs/ show.
--
-- Run by `lunik lua tests/docs/commands.lua ROOT [DOCUMENT...]`. Three kinds of
-- fenced blocks:
--
--   sh       each line is a command; it must succeed
--   console  a session: lines after "$ " are commands, the others are what
--            they print. Numbers, sums and bars may differ; "…" stands for
--            anything. The last line may be "status N".
--   lua run  a whole program: as the main.lua of a project it must end with 0 on
--            the host platform, and print what its lines "--> ..." say.
--
-- A command `lunik run -p PORT:…` serves until the document's end, or the next
-- such command; the commands after it find it there.
--
-- Other blocks are not run. All commands of one document run in order, as in
-- one shell that starts at the root of a copy of the working tree (with the
-- same build folder), so that they leave nothing behind. Commands that are
-- this very run are skipped, with that reason.

local root = assert(arg[1], "usage: commands.lua ROOT")

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function documents()
  local list = {}
  if arg[2] then return table.move(arg, 2, #arg, 1, list) end
  local pipe <close> = assert(io.popen(
    ("cd %s && ls README.md docs/*.md docs/*/*.md"):format(quote(root))))
  for line in pipe:lines() do list[#list + 1] = line end
  assert(#list > 5, "the documents are not there")
  return list
end

-- The commands of one document: { line = number, text = command, and for a
-- session: shown = list of lines, status = number }.
local function commands(path)
  local list, kind, number, last = {}, nil, 0, nil
  for line in (read(path) .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    if line:match "^%s*```" then
      kind = not kind and (line:match "^%s*```(.-)%s*$" or "text") or nil
      last = nil
      if kind == "lua run" then
        last = { line = number, text = "program", program = {} }
        list[#list + 1] = last
      end
    elseif kind == "lua run" then
      table.insert(last.program, line)
    elseif kind == "sh" and line:match "%S" and not line:match "^%s*#" then
      list[#list + 1] = { line = number, text = line }
    elseif kind == "console" and line:match "^%$ " then
      last = { line = number, text = line:sub(3), shown = {} }
      list[#list + 1] = last
    elseif kind == "console" then
      assert(last, ("%s:%d: output before a command"):format(path, number))
      last.shown[#last.shown + 1] = line
    end
  end
  return list
end

local function is_this_run(text)
  return text:match "^%./lunik test%f[%s\0]" or text:match "^sh tests/run%.sh" or
    text:match "^cmake %-%-workflow" or text:match "^bash %.ci/run"
end

-- ---- Sessions ----

-- What may differ between two machines or builds is made alike: sums, numbers,
-- the bars of a chart, and how far things are apart.
local function plain(line)
  return (line:gsub("%f[%x]%x%x%x%x%x%x%x%x+%f[%X]", "0"):gsub("%d[%d,.]*", "0")
    :gsub("\u{2588}", "#"):gsub("#+$", ""):gsub("%s+", " "):gsub("%s$", ""))
end

-- Whether (output) is what the document shows; nil and a line if not.
local function shows(output, shown)
  local lines, at, may_skip = {}, 1, false
  for line in output:gmatch "([^\n]*)\n" do lines[#lines + 1] = plain(line) end
  for _, line in ipairs(shown) do
    if line:match "^%s*…$" then
      may_skip = true
    else
      local wanted = plain(line)
      while may_skip and lines[at] and lines[at] ~= wanted do at = at + 1 end
      if lines[at] ~= wanted then return nil, line end
      at, may_skip = at + 1, false
    end
  end
  if lines[at] and not may_skip then return nil, "(the end)" end
  return true
end

-- ---- Running ----

local scratch = os.tmpname()
os.remove(scratch)

local function copy_tree()
  local script = ([[
    mkdir -p %s/tree && cd %s &&
    tar --exclude=./.git --exclude=build -cf - . | tar -xpf - -C %s/tree &&
    ln -s "$(pwd)/build" %s/tree/build]]):format(quote(scratch), quote(root), quote(scratch), quote(scratch))
  assert(os.execute(script))
end

-- Runs one command where the one before it left off: answers whether it ended
-- with (status), and its output.
local function run(command, status)
  local state, out = quote(scratch .. "/state"), scratch .. "/out"
  write(scratch .. "/script", ([[
. %s
%s
result=$?
{ export -p; printf "cd '%%s'\n" "$PWD"; } > %s
exit $result
]]):format(state, command, state))
  local _, _, code = os.execute(
    ("timeout 600 sh %s > %s 2>&1 < /dev/null"):format(
      quote(scratch .. "/script"), quote(out)))
  return code == status, read(out), code
end

-- ---- Servers ----

local is_serving = false

local function stop_server()
  if not is_serving then return end
  is_serving = false
  os.execute(([[kill -TERM $(cat %s/pid) 2>/dev/null
    for i in $(seq 50); do kill -0 $(cat %s/pid) 2>/dev/null || exit 0; sleep 0.1; done
    kill -KILL $(cat %s/pid)]]):gsub("%%s", (quote(scratch):gsub("%%", "%%%%"))))
end

-- Starts (command), and waits until (port) answers: true, or false and what it
-- said; nil: somebody else has the port.
local function start_server(command, port)
  stop_server()
  local url = ("http://127.0.0.1:%d/"):format(port)
  if os.execute("curl -s -o /dev/null -m 2 " .. url) then return nil end
  write(scratch .. "/server", (". %s\nexec %s\n"):format(quote(scratch .. "/state"), command))
  os.execute(([[sh DIR/server >DIR/out 2>&1 </dev/null & echo $! >DIR/pid]]):gsub("DIR", (quote(scratch):gsub("%%", "%%%%"))))
  is_serving = true
  local ready = os.execute(([[for i in $(seq 300); do
    curl -s -o /dev/null -m 5 %s && exit 0
    kill -0 $(cat %s/pid) || exit 1
    sleep 0.2
  done; exit 1]]):format(url, quote(scratch)))
  return ready == true, read(scratch .. "/out")
end

local passed, failed, skipped = 0, 0, 0

local function say(word, name, command, why)
  print(("%s %s:%d: %s%s"):format(word, name, command.line, command.text,
    why and " (" .. why .. ")" or ""))
  io.stdout:flush()
end

-- Runs a program of a document: why it is wrong, and its output; nil: it is not.
local function run_program(program)
  local folder, wanted = scratch .. "/program", {}
  for _, line in ipairs(program) do wanted[#wanted + 1] = line:match "^%-%-> ?(.*)$" end
  assert(os.execute(("rm -rf %s && mkdir -p %s"):format(quote(folder), quote(folder))))
  write(folder .. "/main.lua", table.concat(program, "\n") .. "\n")
  write(folder .. "/lunik.lua", 'return { name = "program" }\n')
  local _, output, code = run(("%s/tree/build/sdk/prefix/bin/lunik run --host --timeout 60 %s"):format(
    quote(scratch), quote(folder)), 0)
  if code ~= 0 then return ("it ended with %d"):format(code), output end
  local shown = {}
  for line in output:gmatch "([^\n]*)\n" do shown[#shown + 1] = line end
  for i = 1, math.max(#shown, #wanted) do
    if shown[i] ~= wanted[i] then
      return ("line %d is %q, wanted %q"):format(i, shown[i] or "(the end)", wanted[i] or "(the end)"), output
    end
  end
end

local function check_server(name, command, port)
  local ready, output = start_server(command.text, port)
  if ready == nil then
    skipped = skipped + 1
    say("skipped", name, command, "somebody has the port")
  elseif ready then
    passed = passed + 1
    say("ok", name, command)
  else
    failed = failed + 1
    say("not ok", name, command, "it does not answer")
    print(output)
  end
  return ready
end

local function check(name, command)
  if command.program then
    local why, output = run_program(command.program)
    if why then
      failed = failed + 1
      say("not ok", name, command, why)
      print(output)
    else
      passed = passed + 1
      say("ok", name, command)
    end
    return
  end
  local status, shown = 0, command.shown
  if shown and shown[#shown] and shown[#shown]:match "^status %d+$" then
    status = math.tointeger(table.remove(shown):match "%d+")
  end
  local ended, output, code = run(command.text, status)
  local why = not ended and ("it ended with %d"):format(code) or nil
  if ended and shown then
    local same, line = shows(output, shown)
    why = not same and ("it did not print: %s"):format(line) or nil
  end
  if why then
    failed = failed + 1
    say("not ok", name, command, why)
    print(output)
  else
    passed = passed + 1
    say("ok", name, command)
  end
end

copy_tree()
for _, name in ipairs(documents()) do
  write(scratch .. "/state", ("cd %s/tree\n"):format(quote(scratch)))
  local has_server = true
  for _, command in ipairs(commands(root .. "/" .. name)) do
    local port = command.text:match "lunik run .*%-p (%d+):"
    if port then
      has_server = check_server(name, command, port)
    elseif command.text:match "^curl " and not has_server then
      skipped = skipped + 1
      say("skipped", name, command, "the server is not there")
    elseif is_this_run(command.text) then
      skipped = skipped + 1
      say("skipped", name, command, "it is this very run")
    else
      check(name, command)
    end
  end
  stop_server()
end

os.execute("rm -rf " .. quote(scratch))
if passed == 0 then failed = failed + 1 end
print(("%d passed, %d failed, %d skipped"):format(passed, failed, skipped))
os.exit(failed == 0 and 0 or 1)
