-- SPDX-License-Identifier: MIT
-- module.lua: C modules of a test's own, for images of tests.

local fs = require "util.fs"
local process = require "util.process"
local sdk = require "util.sdk"
local suite = require "suite"

local module = {}

-- As the target's toolchain file has them.
local FLAGS = {
  "-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fno-pic", "-fno-pie",
  "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-ffunction-sections",
  "-fdata-sections", "-fcf-protection=none", "-fno-asynchronous-unwind-tables",
  "-mno-red-zone", "-fstack-protector-strong", "-mstack-protector-guard=global", "-nostdinc",
}

-- Makes the C file (source) the module (name) of the SDK, for this run of the
-- tests. It announces itself by LUNIK_MODULE(NAME, "NAME", …).
function module.add(name, source)
  if sdk.modules[name] then return end
  local folder, remove = fs.temporary_folder()
  suite.at_finish(remove)
  folder = fs.real(folder)
  local words = table.move(FLAGS, 1, #FLAGS, 2, { os.getenv "LUNIK_CC" or "cc" })
  for _, word in ipairs {
    "-isystem", sdk.target .. "/include", "-isystem", sdk.prefix .. "/include",
    "-c", source, "-o", folder .. "/module.o",
  } do
    words[#words + 1] = word
  end
  local output, status = process.run(words)
  suite.equal(status, 0, output)
  local archive = folder .. "/" .. name .. ".a"
  output, status = process.run { "ar", "rcsD", archive, folder .. "/module.o" }
  suite.equal(status, 0, output)
  -- The link looks below the SDK's folder, so the way there begins with "..".
  local up = fs.real(sdk.target):gsub("/[^/]+", "../")
  sdk.modules[name] = {
    name = name, module = name, symbol = "lunik_module_" .. name, archive = up .. archive:sub(2),
    lua = {}, requires = {}, version = "0", licence = "MIT",
  }
end

return module
