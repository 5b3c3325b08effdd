-- SPDX-License-Identifier: MIT
-- inspect.lua: `lunik inspect`: what is in a sealed image.

local chart = require "image.chart"
local elf = require "image.elf"
local fail = require "util.fail"
local fs = require "util.fs"
local json = require "util.json"
local text = require "util.text"
local unseal = require "image.unseal"

local command = {
  json = true,
  summary = "Show what is in an image, and whether it is whole.",
  help = [[
   lunik inspect build/shop.elf               manifest, files, sizes
   lunik inspect --symbols build/shop.elf     every function in it
   lunik inspect --html shop.html build/shop.elf]],
}

function command.define(parser)
  parser:argument("image", "A sealed image.")
  parser:option("--html", "Write a page with a treemap of the sizes."):argname "FILE"
  parser:flag("--symbols", "List the functions.")
end

-- { name, size } for each part of the file, largest first.
local function parts_of(image, total)
  local parts, sum = {}, 0
  local function add(name, size)
    if size > 0 then
      parts[#parts + 1] = { name = name, size = size }
      sum = sum + size
    end
  end
  for _, section in ipairs(image.elf.sections) do
    if section.flags & 2 ~= 0 and section.type ~= 8 and section.name ~= ".lunik.seal" then
      add(section.name, section.size)
    end
  end
  add("manifest", image.sizes.manifest)
  local in_files = 0
  for _, file in ipairs(image.files) do in_files = in_files + #file.data end
  add("files", in_files)
  add("function names", image.sizes.symbols)
  add("headers, padding", total - sum)
  table.sort(parts, function(a, b)
    if a.size ~= b.size then return a.size > b.size end
    return a.name < b.name
  end)
  return parts
end

-- Functions with sizes: up to the next function, or the text's end.
local function functions_of(image)
  local list, text_end = {}, 0
  for _, segment in ipairs(image.elf.segments) do
    if segment.type == elf.PT_LOAD and segment.flags & elf.X ~= 0 then
      text_end = math.max(text_end, segment.vaddr + segment.memsz)
    end
  end
  for i, item in ipairs(image.symbols) do
    local next_item = image.symbols[i + 1]
    list[i] = {
      name = item.name, address = item.address,
      size = math.max(0, (next_item and next_item.address or text_end) - item.address),
    }
  end
  return list
end

local function report(image, path, total)
  local m = image.manifest
  local hypervisors = #m.hypervisors > 0 and table.concat(m.hypervisors, ", ") or "any"
  local result = {
    image = path, size = total, name = m.name, version = m.version, main = m.main,
    memory = m.memory, heap = m.heap, sdk = m.sdk, hypervisors = hypervisors,
    env = m.env, modules = setmetatable(m.modules, json.array),
    libraries = setmetatable(m.libraries, json.array), files = setmetatable(m.files, json.array),
    parts = parts_of(image, total), functions = #image.symbols,
  }
  setmetatable(result.env, json.array)
  result.devices = setmetatable({}, json.array)
  for i, device in ipairs(m.devices) do
    local class, name = device:match "^([^\t]*)\t(.*)$"
    result.devices[i] = { class = class or device, name = name or "" }
  end
  local loaded = 0
  for _, segment in ipairs(image.elf.segments) do
    if segment.type == elf.PT_LOAD then loaded = math.max(loaded, segment.vaddr + segment.memsz) end
  end
  result.loaded_end = loaded
  return result
end

local function print_report(r)
  local function heading(title) print("\n" .. text.colour(io.stdout, "bold", title)) end
  local function line(key, value)
    if value then print(text.printable(("  %-12s %s"):format(key, value))) end
  end
  print(text.colour(io.stdout, "bold", text.printable(("%s %s"):format(r.name, r.version))))
  line("image", ("%s, %s bytes"):format(r.image, text.digits(r.size)))
  line("main", r.main or "(C: lunik_main)")
  line("memory", r.memory and text.digits(r.memory) .. " bytes at least")
  line("heap", r.heap and text.digits(r.heap) .. " bytes for Lua")
  line("runs on", r.hypervisors)
  line("sealed by", r.sdk and "lunik " .. r.sdk)
  for _, device in ipairs(r.devices) do
    line(device.class == "net" and "network" or device.class, device.name
      .. (device.class == "net" and ": by DHCP, or ip= at the launch; `lunik run -p` forwards ports" or ""))
  end
  for _, pair in ipairs(r.env) do line("env", pair) end
  for _, group in ipairs { { "modules", r.modules }, { "libraries", r.libraries } } do
    if #group[2] > 0 then
      heading(group[1])
      for _, item in ipairs(group[2]) do
        line(("%-20s %-10s"):format(item.name, item.version), item.licence)
      end
    end
  end
  heading(text.plural(#r.files, "file"))
  for _, file in ipairs(r.files) do
    print(("  %9s  %s  %s"):format(text.digits(file.size), file.sha256:sub(1, 12),
      text.printable(file.path)))
  end
  heading "sizes"
  io.stdout:write(chart.bars(r.parts))
end

function command.run(args)
  if not fs.is_file(args.image) then fail(fail.NO_INPUT, "there is no file %s", args.image) end
  local data = fs.read(args.image)
  local image, why = unseal.image(data)
  if not image then fail(fail.DATA, "%s is no whole image: %s", args.image, why) end
  local result = report(image, args.image, #data)
  if args.symbols then
    local functions = functions_of(image)
    if args.json then
      print(json.encode(setmetatable(functions, json.array), "  "))
      return 0
    end
    for _, item in ipairs(functions) do
      print(("%08x %6d %s"):format(item.address, item.size, text.printable(item.name)))
    end
    return 0
  end
  if args.html then
    fs.write(args.html, chart.page(result, functions_of(image), image.files))
    if not args.quiet and not args.json then print("wrote " .. args.html) end
    if not args.json then return 0 end
  end
  if args.json then
    print(json.encode(result, "  "))
  else
    print_report(result)
  end
  return 0
end

return command
