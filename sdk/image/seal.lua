-- SPDX-License-Identifier: MIT
-- seal.lua: writes the seal of an image: <lunik/abi/seal.h>, byte by byte in
-- docs/image-format.md. Bytes in, bytes out: nothing here touches a file.

local elf = require "image.elf"
local host = require "lunik.host"

local seal = {}

local HEADER_SIZE = 56
local HEADER = "<c8 I4I4I4 I4I4 I4I4 I4I4I4 I8"

seal.record = {
  NAME = 1, VERSION = 2, MAIN = 3, MEMORY = 4, HEAP = 5, ENV = 6, HYPERVISOR = 7, PATH = 8,
  SDK = 0x8001, MODULE = 0x8002, LIBRARY = 0x8003, FILE = 0x8004, DEVICE = 0x8005,
}

local function pad(text, align)
  return text .. ("\0"):rep(-#text % align)
end

local function sorted_paths(files)
  local paths = {}
  for path in pairs(files) do paths[#paths + 1] = path end
  table.sort(paths)
  return paths
end

-- The archive of (files): path -> bytes.
function seal.archive(files)
  local paths = sorted_paths(files)
  local names = table.concat(paths)
  local data_at = 16 + 16 * #paths + #names
  data_at = data_at + -data_at % 8
  local entries, parts, name_at = {}, {}, 0
  for _, path in ipairs(paths) do
    local bytes = files[path]
    entries[#entries + 1] = ("<I4I4I4I4"):pack(name_at, #path, data_at, #bytes)
    name_at = name_at + #path
    local stored = pad(bytes .. "\0", 8)
    parts[#parts + 1] = stored
    data_at = data_at + #stored
  end
  local head = ("<c4I4I4I4"):pack("LRC1", #paths, #names, 0) .. table.concat(entries) .. names
  return pad(head, 8) .. table.concat(parts)
end

local function record(kind, payload)
  return pad(("<I2I2I4"):pack(kind, 0, #payload) .. payload, 4)
end

local function described(item)
  return table.concat({ item.name, item.version or "", item.licence or "" }, "\t")
end

-- The manifest's records. (manifest): name, version, main (nil for C), memory,
-- heap, env, hypervisors, path, sdk, modules, libraries, devices; (files): path -> bytes.
function seal.manifest(manifest, files)
  local R, parts = seal.record, {}
  local function add(kind, payload) parts[#parts + 1] = record(kind, payload) end
  add(R.NAME, manifest.name)
  add(R.VERSION, manifest.version)
  if manifest.main then add(R.MAIN, manifest.main) end
  if manifest.memory then add(R.MEMORY, ("<I8"):pack(manifest.memory)) end
  if manifest.heap then add(R.HEAP, ("<I8"):pack(manifest.heap)) end
  for _, name in ipairs(sorted_paths(manifest.env)) do
    add(R.ENV, name .. "=" .. manifest.env[name])
  end
  for _, name in ipairs(manifest.hypervisors) do add(R.HYPERVISOR, name) end
  for _, template in ipairs(manifest.path) do add(R.PATH, template) end
  add(R.SDK, manifest.sdk)
  for _, module in ipairs(manifest.modules) do add(R.MODULE, described(module)) end
  for _, library in ipairs(manifest.libraries) do add(R.LIBRARY, described(library)) end
  for _, path in ipairs(sorted_paths(files)) do
    add(R.FILE, host.sha256(files[path]) .. ("<I8"):pack(#files[path]) .. path)
  end
  for _, device in ipairs(manifest.devices or {}) do
    add(R.DEVICE, device.class .. "\t" .. device.name)
  end
  return table.concat(parts)
end

local function leb128(value)
  local bytes = {}
  repeat
    local low = value & 0x7f
    value = value >> 7
    bytes[#bytes + 1] = string.char(value ~= 0 and low | 0x80 or low)
  until value == 0
  return table.concat(bytes)
end

-- The symbols: functions of { address, name } in order of address.
function seal.symbols(functions, text_start, text_end)
  local addresses, names, before = {}, {}, text_start
  for _, item in ipairs(functions) do
    if item.address >= text_start and item.address < text_end then
      addresses[#addresses + 1] = leb128(item.address - before)
      names[#names + 1] = item.name .. "\0"
      before = item.address
    end
  end
  local packed = table.concat(addresses)
  return ("<I8I4I4"):pack(text_start, #names, #packed) .. packed .. table.concat(names)
end

-- Behind the manifest's note stand bytes that are no note. QEMU (7.2, and later
-- ones) looks for the Xen note one header past the end of every PT_NOTE: with
-- the archive there, 18 files or 18 bytes of paths would be taken for it. A
-- name of 4 GiB ends the search.
local NO_NOTE = ("\xff"):rep(12)

-- The whole seal; the note's place in it are the second and third result.
function seal.build(records, archive, symbols)
  local note = ("<I4I4I4"):pack(6, #records, 1) .. "Lunik\0\0\0" .. records
  local manifest_offset = HEADER_SIZE
  local gap = NO_NOTE .. ("\xff"):rep(-(manifest_offset + #note + #NO_NOTE) % 8)
  local archive_offset = manifest_offset + #note + #gap
  local checked_size = archive_offset + #archive
  local symbols_offset = checked_size + -checked_size % 8
  local function header(crc)
    return HEADER:pack("LNKSEAL1", symbols_offset + #symbols, checked_size, crc,
      manifest_offset, #note, archive_offset, #archive, symbols_offset, #symbols,
      host.crc32c(symbols), 0)
  end
  local body = note .. gap .. archive
  local crc = host.crc32c(header(0) .. body)
  return pad(header(crc) .. body, 8) .. symbols, manifest_offset, #note
end

-- Seals the linked file (data): gives the image, or nil and what is wrong.
function seal.image(data, manifest, files)
  local file, why = elf.parse(data)
  if not file then return nil, why end
  local symbols = elf.symbols(file)
  local address = symbols.values.lunik_seal
  local text_start, text_end = symbols.values.lunik_text_start, symbols.values.lunik_text_end
  if not address or not text_start or not text_end then
    return nil, "it was not linked with image.lds: it has no symbol lunik_seal"
  end
  local bytes, note_offset, note_size = seal.build(seal.manifest(manifest, files),
    seal.archive(files), seal.symbols(symbols.functions, text_start, text_end))
  return elf.write(file, bytes, address, note_offset, note_size)
end

return seal
