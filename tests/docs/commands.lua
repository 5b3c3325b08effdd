-- SPDX-License-Identifier: MIT
-- commands.lua: runs every command that README.md and docs/ show.
--
-- Run by `lunik lua tests/docs/commands.lua ROOT`. A fenced block marked `sh`
-- is a list of commands: each line is run by sh, in order, in one shell per
-- file that starts in the repository's root, and must succeed. A block marked
-- anything else (`console` for a session with its output, `c`, `lua`) is not run.
-- `./lunik test…` and the workflow that is part of it are this very run: they
-- are counted as skipped, with that reason.

local root = assert(arg[1], "usage: commands.lua ROOT")

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function documents()
  local list = { root .. "/README.md" }
  local pipe <close> = assert(io.popen(
    ("cd %s && git ls-files 'docs/*.md'"):format(quote(root))))
  for line in pipe:lines() do list[#list + 1] = root .. "/" .. line end
  return list
end

-- The commands of one document: { line = number, text = command }.
local function commands(path)
  local list, inside, number = {}, false, 0
  for line in (read(path) .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    if line:match "^%s*```" then
      inside = not inside and line:match "^%s*```sh%s*$" ~= nil
    elseif inside and line:match "%S" and not line:match "^%s*#" then
      list[#list + 1] = { line = number, text = line }
    end
  end
  return list
end

local function is_this_run(text)
  return text:match "^%./lunik test" or text:match "^sh tests/run%.sh" or
    text:match "^cmake %-%-workflow"
end

local passed, failed, skipped = 0, 0, 0
local scratch = os.tmpname()
os.remove(scratch)
assert(os.execute("mkdir " .. quote(scratch)))

for _, path in ipairs(documents()) do
  local name = path:sub(#root + 2)
  -- One shell a document, so that `cd` and new folders carry over. Projects
  -- that a document makes are made in a scratch folder, not in the tree.
  local state = scratch .. "/state"
  os.remove(state)
  for _, command in ipairs(commands(path)) do
    if is_this_run(command.text) then
      skipped = skipped + 1
      print(("skipped %s:%d: %s (it is this very run)"):format(name,
        command.line, command.text))
    else
      local script = ([[
        cd %s
        if [ -e %s ]; then cd "$(cat %s)"; else
          ln -sfn %s/lunik . ; ln -sfn %s/examples . ; ln -sfn %s/tests . ; fi
        PATH=%s/build/sdk/prefix/bin:$PATH
        export PATH
        %s
        result=$?
        pwd > %s
        exit $result]]):format(quote(scratch), quote(state), quote(state),
        quote(root), quote(root), quote(root), quote(root), command.text,
        quote(state))
      local out = scratch .. "/out"
      local ok = os.execute(("timeout 300 sh -c %s > %s 2>&1 < /dev/null"):format(
        quote(script), quote(out)))
      if ok then
        passed = passed + 1
      else
        failed = failed + 1
        print(("failed %s:%d: %s"):format(name, command.line, command.text))
        print(read(out))
      end
    end
  end
end

os.execute("rm -rf " .. quote(scratch))
if passed == 0 then failed = failed + 1 end
print(("%d passed, %d failed, %d skipped"):format(passed, failed, skipped))
os.exit(failed == 0 and 0 or 1)
