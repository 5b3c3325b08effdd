-- SPDX-License-Identifier: MIT
-- fs.lua: files and folders, with failures as sentences.

local dirent = require "posix.dirent"
local errno = require "posix.errno"
local fail = require "util.fail"
local pwd = require "posix.pwd"
local stat = require "posix.sys.stat"
local stdlib = require "posix.stdlib"
local unistd = require "posix.unistd"

local fs = {}

function fs.join(folder, path)
  if path:sub(1, 1) == "/" or folder == "" or folder == "." then return path end
  return folder:gsub("/+$", "") .. "/" .. path
end

function fs.folder_of(path) return path:match "^(.*)/[^/]*$" or "." end

-- "file", "folder", "link", "other" or nil; a link itself, not what it names.
function fs.kind(path)
  local info = stat.lstat(path)
  if not info then return nil end
  if stat.S_ISREG(info.st_mode) ~= 0 then return "file" end
  if stat.S_ISDIR(info.st_mode) ~= 0 then return "folder" end
  if stat.S_ISLNK(info.st_mode) ~= 0 then return "link" end
  return "other"
end

function fs.is_file(path)
  local info = stat.stat(path)
  return info ~= nil and stat.S_ISREG(info.st_mode) ~= 0
end

function fs.is_folder(path)
  local info = stat.stat(path)
  return info ~= nil and stat.S_ISDIR(info.st_mode) ~= 0
end

function fs.real(path) return stdlib.realpath(path) end

-- The file's bytes; or nil and the reason.
function fs.try_read(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local text, reason = file:read "a"
  file:close()
  return text, reason
end

function fs.read(path)
  local text, why = fs.try_read(path)
  if not text then fail(fail.NO_INPUT, "cannot read %s", why or path) end
  return text
end

-- Names in (path), sorted bytewise.
function fs.list(path)
  local names = {}
  local ok, each, state = pcall(dirent.files, path)
  if not ok then
    fail(fail.NO_INPUT, "cannot read the folder %s: %s", path, tostring(each):gsub("^.*: ", ""))
  end
  for name in each, state do
    if name ~= "." and name ~= ".." then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- Every file below (folder), as sorted relative paths. Links are listed, and
-- never followed. (skip)(path) leaves a folder or file out.
function fs.walk(folder, skip)
  local found = {}
  local function visit(prefix)
    local here = prefix == "" and folder or fs.join(folder, prefix)
    for _, name in ipairs(fs.list(here)) do
      local path = prefix == "" and name or prefix .. "/" .. name
      if not (skip and skip(path)) then
        if fs.kind(fs.join(folder, path)) == "folder" then
          visit(path)
        else
          found[#found + 1] = path
        end
      end
    end
  end
  visit ""
  table.sort(found)
  return found
end

function fs.make_folder(path)
  if path == "" or fs.is_folder(path) then return end
  local above = path:match "^(.+)/[^/]+/*$"
  if above then fs.make_folder(above) end
  local ok, why, code = stat.mkdir(path, 493) -- 0755
  if not ok and not (code == errno.EEXIST and fs.is_folder(path)) then
    fail(fail.CANNOT_WRITE, "cannot make folder %s", why)
  end
end

-- Writes (text) such that (path) is the old file or the whole new one. (mode)
-- is a number like 493 (0755).
function fs.write(path, text, mode)
  fs.make_folder(fs.folder_of(path))
  local temporary = ("%s.%d.part"):format(path, unistd.getpid())
  local ok, why
  local file
  file, why = io.open(temporary, "wb")
  ok = file
  if file then
    file:setvbuf "no"
    ok, why = file:write(text)
    local closed, reason = file:close()
    if ok and not closed then ok, why = nil, reason end
  end
  if ok and mode then ok, why = stat.chmod(temporary, mode) end
  if ok then ok, why = os.rename(temporary, path) end
  if not ok then
    os.remove(temporary)
    fail(fail.CANNOT_WRITE, "cannot write %s: %s; nothing was changed", path,
      tostring(why):gsub("^.-: ", ""))
  end
end

-- Writes only when that changes the bytes, so that a second build is silent.
function fs.write_if_changed(path, text, mode)
  if fs.try_read(path) == text then return false end
  fs.write(path, text, mode)
  return true
end

-- An empty folder for this run; its remover is the second result.
function fs.temporary_folder()
  local path = stdlib.mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/lunik-XXXXXX")
  if not path then fail(fail.CANNOT_WRITE, "cannot make a temporary folder") end
  local function remove()
    for _, name in ipairs(fs.walk(path)) do os.remove(path .. "/" .. name) end
    local function folders(folder)
      for _, name in ipairs(fs.list(folder)) do folders(folder .. "/" .. name) end
      unistd.rmdir(folder)
    end
    folders(path)
  end
  return path, remove
end

-- Where things that can be made again are kept. Never below /tmp, where others
-- could lay something down first: linked images come from here.
function fs.cache_folder()
  local base = os.getenv "XDG_CACHE_HOME"
  if not base or base:sub(1, 1) ~= "/" then
    local user = not os.getenv "HOME" and pwd.getpwuid(unistd.getuid())
    base = (os.getenv "HOME" or user and user.pw_dir or "") .. "/.cache"
  end
  return base .. "/lunik"
end

-- The full path of command (name), or nil.
function fs.find_command(name)
  if name:find "/" then return unistd.access(name, "x") and name or nil end
  for folder in (os.getenv "PATH" or "/usr/bin:/bin"):gmatch "[^:]+" do
    local path = folder .. "/" .. name
    if fs.is_file(path) and unistd.access(path, "x") then return path end
  end
  return nil
end

return fs
