-- SPDX-License-Identifier: MIT
-- unseal.lua: reads a sealed image, and says what is wrong with a bad one.

local elf = require "image.elf"
local host = require "lunik.host"
local seal = require "image.seal"

local unseal = {}

local function check(condition, format, ...)
  if not condition then error({ why = format:format(...) }, 0) end
end

-- (size) bytes at (offset) of (data), inside of which nothing may point out.
local function part(data, offset, size, what)
  check(offset <= #data and size <= #data - offset, "its %s lies outside of the seal", what)
  return data:sub(offset + 1, offset + size)
end

-- ---- Archive ----

-- A list of { path, data } in order of the paths.
local function parse_archive(data)
  check(#data >= 16, "its archive is cut off")
  local magic, count, names_size, reserved = ("<c4I4I4I4"):unpack(data)
  check(magic == "LRC1" and reserved == 0, "its archive has a wrong head")
  check(count <= (#data - 16) // 16, "its archive's list is cut off")
  local names = part(data, 16 + 16 * count, names_size, "list of paths")
  local files, before = {}, nil
  for i = 0, count - 1 do
    local path_at, path_len, at, size = ("<I4I4I4I4"):unpack(data, 17 + 16 * i)
    local path = part(names, path_at, path_len, "path in the archive")
    check(path_len >= 1 and path_len <= 255, "a path in its archive has a wrong length")
    check(before == nil or before < path, "its archive is not in order at %q", path)
    check(at % 8 == 0, "file %q is not aligned in its archive", path)
    check(at + size < #data and data:byte(at + size + 1) == 0,
      "file %q in its archive is cut off", path)
    files[#files + 1] = { path = path, data = part(data, at, size, "file " .. path) }
    before = path
  end
  return files
end

-- ---- Manifest ----

local names = {}
for name, kind in pairs(seal.record) do names[kind] = name:lower() end
local many = { env = "env", hypervisor = "hypervisors", path = "path", device = "devices" }

local function described(payload)
  local name, version, licence = payload:match "^([^\t]*)\t([^\t]*)\t([^\t]*)$"
  check(name, "a module's or library's record in its manifest is damaged")
  return { name = name, version = version, licence = licence }
end

local readers = {
  memory = function(payload)
    check(#payload == 8, "its manifest's memory is no number")
    return (("<I8"):unpack(payload))
  end,
  module = described,
  library = described,
  file = function(payload)
    check(#payload > 40, "a file's record in its manifest is cut off")
    return {
      sha256 = (payload:sub(1, 32):gsub(".", function(c) return ("%02x"):format(c:byte()) end)),
      size = ("<I8"):unpack(payload, 33), path = payload:sub(41),
    }
  end,
}
readers.heap = readers.memory
many.module, many.library, many.file = "modules", "libraries", "files"

local function parse_manifest(data)
  local result = { env = {}, hypervisors = {}, path = {}, devices = {}, modules = {},
    libraries = {}, files = {} }
  local at = 0
  while at < #data do
    check(#data - at >= 8, "its manifest is cut off")
    local kind, reserved, size = ("<I2I2I4"):unpack(data, at + 1)
    check(reserved == 0, "its manifest has a damaged record")
    local payload = part(data, at + 8, size, "manifest's record")
    local name = names[kind]
    check(name or kind & 0x8000 ~= 0, "its manifest has a record of unknown type %d", kind)
    if name then
      local value = readers[name] and readers[name](payload) or payload
      if many[name] then
        table.insert(result[many[name]], value)
      else
        check(result[name] == nil, "its manifest has two records %q", name)
        result[name] = value
      end
    end
    at = at + 8 + size + -size % 4
  end
  check(result.name and result.version, "its manifest has no name or version")
  return result
end

-- ---- Symbols ----

local function parse_symbols(data)
  check(#data >= 16, "its function names are cut off")
  local at, count, size = ("<I8I4I4"):unpack(data)
  local addresses = part(data, 16, size, "function addresses")
  local position, name_at, list = 1, 16 + size + 1, {}
  for _ = 1, count do
    local shift, value = 0, 0
    repeat
      local byte = addresses:byte(position)
      check(byte and shift <= 56, "its function addresses are damaged")
      value = value | (byte & 0x7f) << shift
      shift, position = shift + 7, position + 1
    until byte < 0x80
    at = at + value
    local stop = data:find("\0", name_at, true)
    check(stop, "its function names are cut off")
    list[#list + 1] = { address = at, name = data:sub(name_at, stop - 1) }
    name_at = stop + 1
  end
  return list
end

-- ---- The seal and the image ----

local function parse_seal(data)
  check(#data >= 56, "its seal is cut off")
  local magic, total, checked, crc, manifest_at, manifest_size, archive_at, archive_size,
    symbols_at, symbols_size, symbols_crc, reserved = ("<c8I4I4I4I4I4I4I4I4I4I4I8"):unpack(data)
  check(magic == "LNKSEAL1", "its seal has a wrong magic number")
  check(total <= #data and checked <= total and checked >= 56 and reserved == 0,
    "its seal is cut off or damaged")
  data = data:sub(1, total)
  local zeroed = data:sub(1, 16) .. "\0\0\0\0" .. data:sub(21, checked)
  check(host.crc32c(zeroed) == crc, "its seal is broken: the checksum does not match")
  local note = part(data, manifest_at, manifest_size, "manifest")
  check(#note >= 20 and note:sub(13, 20) == "Lunik\0\0\0", "its manifest's note is damaged")
  local symbols = part(data, symbols_at, symbols_size, "list of functions")
  check(host.crc32c(symbols) == symbols_crc, "its function names are damaged")
  local result = {
    manifest = parse_manifest(note:sub(21)),
    files = parse_archive(part(data, archive_at, archive_size, "archive")),
    symbols = parse_symbols(symbols),
    sizes = { header = 56, manifest = manifest_size, archive = archive_size,
      symbols = symbols_size },
  }
  check(#result.manifest.files == #result.files, "its manifest lists other files than its archive")
  local recorded = {}
  for _, file in ipairs(result.manifest.files) do recorded[file.path] = file end
  for _, file in ipairs(result.files) do
    local record = recorded[file.path]
    local sum = host.sha256(file.data):gsub(".", function(c) return ("%02x"):format(c:byte()) end)
    check(record and record.size == #file.data and record.sha256 == sum,
      "file %q does not match its record in the manifest", file.path)
  end
  return result
end

local function find_seal(file)
  for _, segment in ipairs(file.segments) do
    if segment.type == elf.PT_LOAD
      and file.data:sub(segment.offset + 1, segment.offset + 8) == "LNKSEAL1" then
      return segment
    end
  end
end

-- The seal's bytes alone: for tests.
function unseal.seal(data)
  local ok, result = pcall(parse_seal, data)
  if ok then return result end
  if type(result) ~= "table" then error(result, 0) end
  return nil, result.why
end

-- { elf, manifest, files, symbols, sizes, segment } of an image, or nil and
-- what is wrong with it.
function unseal.image(data)
  local file, why = elf.parse(data)
  if not file then return nil, why end
  local segment = find_seal(file)
  if not segment then
    return nil, "it has no seal: `lunik build` seals a linked program, and this one is not"
  end
  local result
  result, why = unseal.seal(data:sub(segment.offset + 1, segment.offset + segment.filesz))
  if not result then return nil, why end
  result.elf, result.segment = file, segment
  return result
end

return unseal
