-- SPDX-License-Identifier: MIT
-- elf.lua: reads and writes the few parts of ELF64 that an image has.

local elf = {}

elf.PT_LOAD, elf.PT_NOTE, elf.PT_GNU_STACK = 1, 4, 0x6474e551
elf.X, elf.W, elf.R = 1, 2, 4

local SHT_SYMTAB, SHT_NOBITS = 2, 8
local SHF_ALLOC = 2
local STT_FUNC = 2

local HEADER = "<c4 BBBB c8 I2I2I4 I8I8I8 I4 I2I2I2I2I2I2"
local PROGRAM = "<I4I4 I8I8I8 I8I8I8"
local SECTION = "<I4I4 I8I8I8I8 I4I4 I8I8"
local HEADER_SIZE, PROGRAM_SIZE, SECTION_SIZE, SYMBOL_SIZE = 64, 56, 64, 24

local function name_at(names, offset)
  local stop = names:find("\0", offset + 1, true)
  return stop and names:sub(offset + 1, stop - 1) or ""
end

-- The table of (count) entries at (offset); nil when it is not all there.
local function rows(data, offset, count, size, unpack)
  if offset < 0 or offset > #data - count * size then return nil end
  local list = {}
  for i = 0, count - 1 do list[#list + 1] = unpack(offset + i * size + 1) end
  return list
end

-- { entry, segments, sections }, or nil and what is wrong.
function elf.parse(data)
  if data:sub(1, 4) ~= "\127ELF" then return nil, "it is no ELF file" end
  if #data < HEADER_SIZE then return nil, "its ELF header is cut off" end
  local _, class, order, _, _, _, _, machine, _, entry, phoff, shoff, _, _,
    phentsize, phnum, shentsize, shnum, shstrndx = HEADER:unpack(data)
  if class ~= 2 or order ~= 1 or machine ~= 62 then
    return nil, "it is no little-endian ELF64 file for x86-64"
  end
  if (phnum > 0 and phentsize ~= PROGRAM_SIZE) or (shnum > 0 and shentsize ~= SECTION_SIZE) then
    return nil, "its ELF header is damaged"
  end
  local segments = rows(data, phoff, phnum, PROGRAM_SIZE, function(at)
    local kind, flags, offset, vaddr, paddr, filesz, memsz, align = PROGRAM:unpack(data, at)
    return {
      type = kind, flags = flags, offset = offset, vaddr = vaddr, paddr = paddr,
      filesz = filesz, memsz = memsz, align = align,
    }
  end)
  local sections = rows(data, shoff, shnum, SECTION_SIZE, function(at)
    local name, kind, flags, addr, offset, size, link, info, align, entsize =
      SECTION:unpack(data, at)
    return {
      name_offset = name, type = kind, flags = flags, addr = addr, offset = offset,
      size = size, link = link, info = info, align = align, entsize = entsize,
    }
  end)
  if not segments then return nil, "its program headers are cut off" end
  if not sections then return nil, "its section headers are cut off" end
  for i, segment in ipairs(segments) do
    if segment.offset < 0 or segment.filesz < 0 or segment.offset > #data - segment.filesz then
      return nil, ("its segment %d is cut off"):format(i - 1)
    end
  end
  local file = { entry = entry, segments = segments, sections = sections, data = data }
  local names = sections[shstrndx + 1]
  local name_data = names and data:sub(names.offset + 1, names.offset + names.size) or ""
  for _, section in ipairs(sections) do section.name = name_at(name_data, section.name_offset) end
  return file
end

-- Calls each(name, value, size, kind, section_index) for every symbol.
function elf.each_symbol(file, each)
  for _, section in ipairs(file.sections) do
    if section.type == SHT_SYMTAB then
      local strings = file.sections[section.link + 1]
      local names = file.data:sub(strings.offset + 1, strings.offset + strings.size)
      for at = section.offset + 1, section.offset + section.size - SYMBOL_SIZE + 1, SYMBOL_SIZE do
        local name, info, _, index, value, size = ("<I4BBI2I8I8"):unpack(file.data, at)
        each(name_at(names, name), value, size, info & 15, index)
      end
    end
  end
end

-- The name without what a compiler adds to a function's pieces: "f.cold",
-- "f.part.0" are parts of f to people.
local function plain_name(name)
  return (name:gsub("%.cold$", ""):gsub("%.%a+%.%d+$", ""))
end

-- { functions = { { address, name } in order }, values = { name -> address } }.
function elf.symbols(file)
  local functions, values, at_address = {}, {}, {}
  elf.each_symbol(file, function(name, value, _, kind, index)
    if name ~= "" and index ~= 0 then
      values[name] = value
      if kind == STT_FUNC and index < 0xff00 then
        name = plain_name(name)
        local known = at_address[value]
        if not known then
          known = { address = value, name = name }
          at_address[value] = known
          functions[#functions + 1] = known
        elseif #name < #known.name or (#name == #known.name and name < known.name) then
          known.name = name -- aliases: the shortest tells most
        end
      end
    end
  end)
  table.sort(functions, function(a, b) return a.address < b.address end)
  return { functions = functions, values = values }
end

local function pad(text, align)
  return text .. ("\0"):rep(-#text % align)
end

local PAGE = 4096

-- A segment as pieces without long runs of zeros at the ends of their pages:
-- a loader makes those itself, as it does for .bss.
local function pieces_of(segment)
  local pieces, last = {}, nil
  local bytes = segment.bytes
  for from = 0, #bytes - 1, PAGE do
    local page = bytes:sub(from + 1, from + PAGE)
    local used = #page:match "^(.-)%z*$"
    if not last or #last.bytes < from - last.from then
      last = { from = from, bytes = "" }
      pieces[#pieces + 1] = last
    end
    last.bytes = last.bytes .. (#page - used >= 512 and page:sub(1, used) or page)
  end
  if not last then return { segment } end
  for i, piece in ipairs(pieces) do
    local stop = pieces[i + 1] and pieces[i + 1].from or segment.memsz
    pieces[i] = {
      type = segment.type, flags = segment.flags, vaddr = segment.vaddr + piece.from,
      paddr = segment.paddr + piece.from, filesz = #piece.bytes, memsz = stop - piece.from,
      bytes = piece.bytes,
    }
  end
  return pieces
end

-- Sections that describe the loaded bytes, with their new places.
local function section_table(file, segments, data)
  local names, list = "\0", { ("\0"):rep(SECTION_SIZE) }
  local function add(name, kind, flags, addr, offset, size, align)
    list[#list + 1] = SECTION:pack(#names, kind, flags, addr, offset, size, 0, 0, align, 0)
    names = names .. name .. "\0"
  end
  for _, section in ipairs(file.sections) do
    if section.flags & SHF_ALLOC ~= 0 and section.size > 0 then
      for _, segment in ipairs(segments) do
        local offset = section.addr - segment.vaddr
        if segment.type == elf.PT_LOAD and offset >= 0 and offset < segment.memsz then
          -- Of a section whose zeros are left out, what is in the file.
          local in_file = math.max(0, segment.filesz - offset)
          local is_cut = section.type ~= SHT_NOBITS and section.size > in_file
          add(section.name, section.type, section.flags, section.addr,
            segment.offset + math.min(offset, segment.filesz),
            is_cut and in_file or section.size, section.align)
          break
        end
      end
    end
  end
  local seal = segments.seal
  add(".lunik.seal", 1, SHF_ALLOC, seal.vaddr, seal.offset, seal.filesz, 4096)
  local name_offset = #data
  local length = #names + #".shstrtab" + 1
  add(".shstrtab", 3, 0, 0, name_offset, length, 1)
  return pad(data .. names, 8), table.concat(list), #list
end

-- The stripped file: (file)'s loaded segments, the Xen note, and (seal) as a
-- last read-only segment at (address), with a note of (note_size) bytes at
-- (note_offset) in it.
function elf.write(file, seal, address, note_offset, note_size)
  local segments, notes = {}, {}
  for _, segment in ipairs(file.segments) do
    if segment.type == elf.PT_LOAD and segment.memsz > 0 then
      local whole = {
        type = segment.type, flags = segment.flags, vaddr = segment.vaddr,
        paddr = segment.paddr, filesz = segment.filesz, memsz = segment.memsz,
        bytes = file.data:sub(segment.offset + 1, segment.offset + segment.filesz),
      }
      -- Only data has such runs; text and constants stay as one segment each.
      for _, piece in ipairs(segment.flags & elf.W ~= 0 and pieces_of(whole) or { whole }) do
        segments[#segments + 1] = piece
      end
    elseif segment.type == elf.PT_NOTE then
      notes[#notes + 1] = segment
    end
  end
  table.sort(segments, function(a, b) return a.vaddr < b.vaddr end)
  segments.seal = {
    type = elf.PT_LOAD, flags = elf.R, vaddr = address, paddr = address, filesz = #seal,
    memsz = #seal, bytes = seal,
  }
  segments[#segments + 1] = segments.seal
  local loads, phnum = #segments, #segments + #notes + 2
  assert(phnum < 64)
  local data = ("\0"):rep(HEADER_SIZE + phnum * PROGRAM_SIZE)
  for _, segment in ipairs(segments) do
    data = pad(data, 16)
    segment.offset, segment.align = #data, 16
    data = data .. segment.bytes
  end
  data = pad(data, 8)
  for _, note in ipairs(notes) do
    for i = 1, loads do
      local load = segments[i]
      if note.vaddr >= load.vaddr and note.vaddr + note.memsz <= load.vaddr + load.filesz then
        segments[#segments + 1] = {
          type = elf.PT_NOTE, flags = elf.R, vaddr = note.vaddr, paddr = note.paddr,
          filesz = note.filesz, memsz = note.memsz, align = 4,
          offset = load.offset + note.vaddr - load.vaddr,
        }
      end
    end
  end
  segments[#segments + 1] = {
    type = elf.PT_NOTE, flags = elf.R, vaddr = address + note_offset,
    paddr = address + note_offset, filesz = note_size, memsz = note_size, align = 4,
    offset = segments.seal.offset + note_offset,
  }
  segments[#segments + 1] = {
    type = elf.PT_GNU_STACK, flags = elf.R | elf.W, vaddr = 0, paddr = 0, filesz = 0,
    memsz = 0, align = 16, offset = 0,
  }
  local table_bytes, shnum
  data, table_bytes, shnum = section_table(file, segments, data)
  local headers = {
    HEADER:pack("\127ELF", 2, 1, 1, 0, "", 2, 62, 1, file.entry, HEADER_SIZE, #data, 0,
      HEADER_SIZE, PROGRAM_SIZE, #segments, SECTION_SIZE, shnum, shnum - 1),
  }
  for _, segment in ipairs(segments) do
    headers[#headers + 1] = PROGRAM:pack(segment.type, segment.flags, segment.offset,
      segment.vaddr, segment.paddr, segment.filesz, segment.memsz, segment.align)
  end
  local head = table.concat(headers)
  return head .. data:sub(#head + 1) .. table_bytes
end

return elf
