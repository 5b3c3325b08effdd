-- SPDX-License-Identifier: MIT
-- seal.lua: the sealer and the reader of seals, back and forth and damaged.

local elf = require "image.elf"
local seal = require "image.seal"
local suite = require "suite"
local unseal = require "image.unseal"

local manifest = {
  name = "shop", version = "1.2", main = "main.lua", memory = 16 << 20, heap = 1 << 20,
  env = { B = "2", A = "1" }, hypervisors = { "kvm" }, path = { "?.lua" }, sdk = "0.1.0",
  modules = { { name = "lunik.task", version = "0.1.0", licence = "MIT" } },
  libraries = { { name = "lua", version = "5.4.9", licence = "MIT" } },
}
local files = { ["main.lua"] = "print(1)\n", ["a/b"] = "", ["a.txt"] = "12345678", z = "\0\0" }
local functions = {
  { address = 0x100000, name = "first" }, { address = 0x100005, name = "second" },
  { address = 0x100305, name = "third" }, { address = 0x999999, name = "outside" },
}

local function build()
  return (seal.build(seal.manifest(manifest, files), seal.archive(files),
    seal.symbols(functions, 0x100000, 0x101000)))
end

-- A linked program as the sealer wants it: one section, three symbols.
local function linked()
  local names = "\0.text\0.symtab\0.strtab\0.shstrtab\0"
  local strings = "\0lunik_seal\0lunik_text_start\0lunik_text_end\0"
  local code, symbols = ("\x90"):rep(16), ("\0"):rep(24)
  for _, item in ipairs { { 1, 0x102000 }, { 12, 0x100000 }, { 29, 0x101000 } } do
    symbols = symbols .. ("<I4BBI2I8I8"):pack(item[1], 0x10, 0, 1, item[2], 0)
  end
  local at = 64 + 56
  local offsets = { at, at + #code, at + #code + #symbols }
  offsets[4] = offsets[3] + #strings
  local body = code .. symbols .. strings .. names
  local function section(name, kind, flags, addr, i, size, link)
    return ("<I4I4I8I8I8I8I4I4I8I8"):pack(name, kind, flags, addr, i and offsets[i] or 0, size,
      link, 0, 1, 0)
  end
  local table_bytes = section(0, 0, 0, 0, nil, 0, 0) .. section(1, 1, 6, 0x100000, 1, #code, 0)
    .. section(7, 2, 0, 0, 2, #symbols, 3) .. section(15, 3, 0, 0, 3, #strings, 0)
    .. section(23, 3, 0, 0, 4, #names, 0)
  local head = ("<c4BBBBc8I2I2I4I8I8I8I4I2I2I2I2I2I2"):pack("\127ELF", 2, 1, 1, 0, "", 2, 62, 1,
    0x100000, 64, at + #body, 0, 64, 56, 1, 64, 5, 4)
  local segment = ("<I4I4I8I8I8I8I8I8"):pack(1, 5, at, 0x100000, 0x100000, #code, #code, 4096)
  return head .. segment .. body .. table_bytes
end

return {
  ["what was sealed is read back"] = function()
    local read = assert(unseal.seal(build()))
    local m = read.manifest
    suite.equal(m.name, "shop")
    suite.equal(m.version, "1.2")
    suite.equal(m.main, "main.lua")
    suite.equal(m.memory, 16 << 20)
    suite.equal(m.heap, 1 << 20)
    suite.equal(table.concat(m.env, " "), "A=1 B=2")
    suite.equal(m.hypervisors[1], "kvm")
    suite.equal(m.modules[1].name, "lunik.task")
    suite.equal(m.libraries[1].version, "5.4.9")
    local paths = {}
    for i, file in ipairs(read.files) do
      paths[i] = file.path
      suite.equal(file.data, files[file.path], file.path)
    end
    suite.equal(table.concat(paths, " "), "a.txt a/b main.lua z")
  end,
  ["only functions of the text are kept, at their addresses"] = function()
    local read = assert(unseal.seal(build()))
    suite.equal(#read.symbols, 3)
    suite.equal(read.symbols[1].address, 0x100000)
    suite.equal(read.symbols[3].name, "third")
    suite.equal(read.symbols[3].address, 0x100305)
  end,
  ["the order in which files were added changes nothing"] = function()
    local other = {}
    for _, path in ipairs { "z", "main.lua", "a/b", "a.txt" } do other[path] = files[path] end
    suite.equal(seal.archive(other), seal.archive(files))
  end,
  ["an empty archive and one without symbols are whole"] = function()
    local none = { name = "x", version = "0", env = {}, hypervisors = {}, path = {}, sdk = "0",
      modules = {}, libraries = {} }
    local bytes = seal.build(seal.manifest(none, {}), seal.archive {}, seal.symbols({}, 0, 0))
    suite.equal(#assert(unseal.seal(bytes)).files, 0)
  end,
  ["what follows the manifest's note is never taken for a note"] = function()
    -- As QEMU walks: one header past the end of the note is still looked at.
    for count = 1, 20 do
      for length = 1, 3 do
        local many = {}
        for i = 1, count do many[("%c"):format(96 + i):rep(length)] = "" end
        local bytes, at, size = seal.build(seal.manifest(manifest, many), seal.archive(many),
          seal.symbols({}, 0, 0))
        local name_size, _, kind = ("<I4I4I4"):unpack(bytes, at + size + 1)
        assert(name_size > size and kind ~= 18, ("%d files of %d bytes"):format(count, length))
      end
    end
  end,
  ["a seal cut off at any length is refused with a reason"] = function()
    local whole = build()
    for length = 0, #whole - 1 do
      local read, why = unseal.seal(whole:sub(1, length))
      assert(not read and type(why) == "string", "accepted at " .. length)
    end
  end,
  ["a seal with any bit flipped is refused with a reason"] = function()
    local whole = build()
    for at = 1, #whole do
      local bit = 1 << (at * 5 % 8)
      local flipped = whole:sub(1, at - 1) .. string.char(whole:byte(at) ~ bit) .. whole:sub(at + 1)
      local read, why = unseal.seal(flipped)
      -- Padding before the symbols is the one thing that no sum covers.
      assert(not read or whole:byte(at) == 0, "accepted with byte " .. at .. " flipped")
      assert(read or type(why) == "string")
    end
  end,
  ["a linked program becomes an image with the same code"] = function()
    local image = assert(seal.image(linked(), manifest, files))
    local read = assert(unseal.image(image))
    suite.equal(read.manifest.name, "shop")
    suite.equal(read.segment.vaddr, 0x102000)
    suite.equal(read.segment.flags, elf.R)
    local text = read.elf.segments[1]
    suite.equal(image:sub(text.offset + 1, text.offset + text.filesz), ("\x90"):rep(16))
    for _, section in ipairs(read.elf.sections) do assert(section.name ~= ".symtab") end
    suite.equal(seal.image(linked(), manifest, files), image)
  end,
  ["what is no linked program is refused with a reason"] = function()
    for _, wrong in ipairs { "", "text", "\127ELF", linked():sub(1, 100), linked():sub(1, -70) } do
      local image, why = seal.image(wrong, manifest, files)
      assert(not image and #why > 0)
    end
  end,
  ["an image cut off at any length is refused, and never an error in Lua"] = function()
    local image = assert(seal.image(linked(), manifest, files))
    for length = 0, #image - 1, 7 do
      local read, why = unseal.image(image:sub(1, length))
      assert(not read and type(why) == "string", "accepted at " .. length)
    end
  end,
}
