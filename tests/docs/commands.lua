-- SPDX-License-Identifier: MIT
-- commands.lua: runs every command that README.md and docs/ show.
--
-- Run by `lunik lua tests/docs/commands.lua ROOT`. Two kinds of fenced blocks:
--
--   sh       each line is a command; it must succeed
--   console  a session: lines after "$ " are commands, the others are what
--            they print. Numbers, sums and bars may differ; "…" stands for
--            anything. The last line may be "status N".
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
      kind = not kind and (line:match "^%s*```(%S*)%s*$" or "text") or nil
      last = nil
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

local passed, failed, skipped = 0, 0, 0

local function say(word, name, command, why)
  print(("%s %s:%d: %s%s"):format(word, name, command.line, command.text,
    why and " (" .. why .. ")" or ""))
  io.stdout:flush()
end

local function check(name, command)
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
  for _, command in ipairs(commands(root .. "/" .. name)) do
    if is_this_run(command.text) then
      skipped = skipped + 1
      say("skipped", name, command, "it is this very run")
    else
      check(name, command)
    end
  end
end

os.execute("rm -rf " .. quote(scratch))
if passed == 0 then failed = failed + 1 end
print(("%d passed, %d failed, %d skipped"):format(passed, failed, skipped))
os.exit(failed == 0 and 0 or 1)
