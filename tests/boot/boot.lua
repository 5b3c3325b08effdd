-- SPDX-License-Identifier: MIT
-- boot.lua: images on the machines they must run on, and how they end.

local elf = require "image.elf"
local fs = require "util.fs"
local machine = require "machine"
local status = require "run.status"
local suite = require "suite"
local unseal = require "image.unseal"

local HELLO = 'print("hello from " .. (arg[1] or "here"))'

local function hello() return machine.image(HELLO) end

local function boots(options)
  suite.holds(machine.expect(hello(), options).output, "hello from here\n")
end

-- Each machine's variants; true: on.
local function microvms()
  local list = {}
  for bits = 0, 15 do
    local function on(bit) return bits >> bit & 1 == 1 and "on" or "off" end
    list[#list + 1] = ("microvm,pit=%s,pic=%s,rtc=%s,acpi=%s"):format(on(0), on(1), on(2), on(3))
  end
  return list
end

return {
  ["the one image file boots on q35 and microvm"] = function()
    boots { machine = "q35" }
    boots { machine = "microvm" }
  end,
  ["it boots with any number of files, and names of any length"] = function()
    -- 18 is the Xen note's type: no number of the archive may look like it.
    for _, name in ipairs { "a/name/of/18/b.lua", "an/odd/name.lua" } do
      local files = { [name] = HELLO,
        ["lunik.lua"] = ('return { name = "x", main = "%s", include = { "*.txt" } }'):format(name) }
      files["1.txt"] = "1"
      if #name ~= 18 then
        for i = 2, 17 do files[i .. ".txt"] = "x" end
      else
        files["lunik.lua"] = ('return { name = "x", main = "%s" }'):format(name)
      end
      for version = 1, 4 do
        files["lunik.lua"] = files["lunik.lua"]:gsub("name = \"x+\"", ('name = "%s"'):format(("x"):rep(version)))
        local copy = {}
        for path, data in pairs(files) do copy[path] = data end
        suite.holds(machine.expect(machine.image(copy)).output, "hello")
      end
    end
  end,
  ["it boots on microvm with pit, pic, rtc and acpi on and off"] = function()
    local list = microvms()
    local step, count = suite.is_quick and 5 or 1, 0
    for i = 1, #list, step do
      boots { machine = list[i] }
      count = count + 1
    end
    suite.note("%d of %d combinations", count, #list)
  end,
  ["it boots on a small and a large processor, on 1 and 4 of them"] = function()
    for _, cpu in ipairs { "qemu64,+rdrand", "max" } do
      for _, smp in ipairs { 1, 4 } do boots { cpu = cpu, smp = smp } end
    end
    for _, name in ipairs { "q35", "microvm" } do
      for _, smp in ipairs { 1, 4 } do boots { cpu = "qemu64", machine = name, smp = smp } end
    end
  end,
  ["it boots with little and much memory"] = function()
    boots { memory = "3M" }
    boots { memory = "2M", machine = "microvm" }
    for _, memory in ipairs { "64M", "1G", "5G", "16G" } do boots { memory = memory, timeout = 20 } end
  end,
  ["one MiB below the least memory there is a sentence and a status"] = function()
    -- Where the image's own pages have no memory nothing can be said from
    -- inside; `lunik run` says it before.
    local folder = suite.project { ["main.lua"] = HELLO, ["lunik.lua"] = 'return { name = "x" }' }
    for _, name in ipairs { "q35", "microvm" } do
      local output, code = suite.lunik { "run", folder, "-m", "1M", "--machine", name, "--timeout", "5" }
      suite.equal(code, status.BAD_LAUNCH, output)
      suite.holds(output, "needs at least 2 MiB of memory; -m gives 1M")
    end
    local wants = machine.image { ["main.lua"] = HELLO, ["lunik.lua"] = 'return { memory = "32M" }' }
    local result = machine.run(wants, { memory = "31M" })
    suite.equal(result.code, machine.EXIT.BAD_LAUNCH)
    suite.holds(result.output, "the image needs 32 MiB of memory; the machine has 31 MiB")
    assert(not result.output:find("hello", 1, true))
    machine.expect(wants, { memory = "32M" })
    -- q35 keeps some memory for itself; still the words come out.
    local small = machine.run(hello(), { memory = "2M", timeout = 5 })
    assert(not small.is_timeout and small.code, small.output)
    suite.note("q35 -m 2M: status 0x%02x, %s", small.code, small.output:match "[^\n]*")
  end,
  ["10,000 tasks sleep side by side in 128 MiB"] = function()
    local result = machine.expect(machine.image [[
      local sys, task = require "lunik.sys", require "lunik.task"
      local woken = 0
      task.nursery(function(n)
        for _ = 1, 10000 do n:spawn(function() task.sleep(1) woken = woken + 1 end) end
        task.sleep(0.1)
        local memory = sys.memory()
        print(("%d KiB of %d KiB free, stacks %d KiB, Lua %d KiB"):format(memory.free >> 10,
          memory.total >> 10, memory.stacks >> 10, memory.lua >> 10))
      end)
      print("woken " .. woken)]], { memory = "128M", timeout = 60 })
    suite.holds(result.output, "woken 10000\n")
    suite.note("%s", result.output:match "[^\n]*")
  end,
  ["too little memory is a sentence and a status, not silence"] = function()
    local image = machine.image('local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(1000) .. i end')
    local result = machine.run(image, { memory = "4M" })
    assert(not result.is_timeout)
    suite.holds(result.output, "not enough memory")
    suite.equal(result.code, machine.EXIT.PROGRAM + 1)
  end,
  ["each program code from 0 to 15 comes out as it went in"] = function()
    local image = machine.image "os.exit(tonumber(arg[1]))"
    for code = 0, 15, suite.is_quick and 5 or 1 do
      machine.expect(image, { arguments = { tostring(code) } }, code)
    end
  end,
  ["lunik run gives the program's code, and a sentence for the rest"] = function()
    local folder = suite.project { ["main.lua"] = "os.exit(7)" }
    suite.equal(select(2, suite.lunik { "run", folder }), 7)
    local output, code = suite.lunik { "run", folder, "-o", "colour=red" }
    suite.equal(code, status.BAD_LAUNCH)
    suite.holds(output, "refused to start")
    suite.holds(output, "colour")
  end,
  ["every status has its own exit code"] = function()
    local seen = {}
    for code = 0x10, 0x24 do
      local ours = status.of_code(code)
      assert(not seen[ours], ours)
      seen[ours] = true
      suite.equal(status.of_qemu(code << 1 | 1), ours)
    end
    suite.equal(status.of_code(0x77), status.UNKNOWN)
    suite.equal(status.of_qemu(0), status.UNKNOWN)
    suite.equal(status.of_qemu(1), nil)
    suite.equal(status.of_qemu(128 + 11), nil, "QEMU crashed")
  end,
  ["an uncaught error prints file, line and traceback, and ends with 1"] = function()
    local image = machine.image { ["main.lua"] = 'require "part"', ["part.lua"] = "\nlocal function f() error 'boom' end\nf()" }
    local result = machine.expect(image, nil, 1)
    suite.holds(result.output, "part.lua:2: boom")
    suite.holds(result.output, "part.lua:3:")
    suite.holds(result.output, "main.lua:1:")
  end,
  ["an unknown boot option is refused by name, with the nearest"] = function()
    local result = machine.run(hello(), { append = "loog=debug" })
    suite.equal(result.code, machine.EXIT.BAD_LAUNCH)
    suite.holds(result.output, "loog")
    suite.holds(result.output, "log")
    assert(not result.output:find("hello", 1, true))
  end,
  ["arguments and variables come through as they were given"] = function()
    local image = machine.image 'for i = 0, #arg do print(i, arg[i]) end print(os.getenv "A", os.getenv "B")'
    local result = machine.expect(image, {
      arguments = { "one two", 'q"u\\ote', "", "--" }, environment = { "A=b c", "B=" },
    })
    suite.holds(result.output, "1\tone two\n2\tq\"u\\ote\n3\t\n4\t--\nb c\t\n")
  end,
  ["nothing is lost when the console is read late"] = function()
    local image = machine.image [[for i = 1, 20000 do print("line " .. i) end error "the end"]]
    for _, name in ipairs { "q35", "microvm" } do
      local started = machine.start(image, { machine = name })
      require "posix.time".nanosleep { tv_sec = 1, tv_nsec = 500000000 }
      local result = started:finish(20)
      suite.equal(result.code, machine.EXIT.PROGRAM + 1)
      local count = 0
      for number in result.output:gmatch "line (%d+)\n" do
        count = count + 1
        suite.equal(tonumber(number), count)
      end
      suite.equal(count, 20000, "lines")
      suite.holds(result.output, "in main chunk\n")
    end
  end,
  ["what is typed reaches the program"] = function()
    local started = machine.start(machine.image 'print "ready" print("got " .. io.read())')
    started:wait_for "ready"
    started:type "some words\n"
    local result = started:finish()
    suite.holds(result.output, "got some words")
    suite.equal(result.code, machine.EXIT.PROGRAM)
  end,
  ["the power button stops an image in order"] = function()
    local started = machine.start(machine.image [[
      local task = require "lunik.task"
      print "ready"
      task.sleep(60)]])
    started:wait_for "ready"
    started.qemu:command "system_powerdown"
    local result = started:finish(10)
    suite.equal(result.code, machine.EXIT.PROGRAM, result.output)
    assert(result.seconds < 8)
  end,
  ["Ctrl-C of lunik run stops the image in order"] = function()
    local process = require "util.process"
    local folder = suite.project { ["main.lua"] = 'local task = require "lunik.task" task.sleep(60)' }
    suite.equal(select(2, suite.lunik { "build", folder }), 0)
    local began = process.now()
    local output, code = process.run { "sh", "-c", [[
      "$1" run "$2" & pid=$!; sleep 2; kill -TERM $pid; wait $pid]], "sh",
      require "lunik.host".prefix .. "/bin/lunik", folder }
    suite.equal(code, 0, output)
    assert(process.now() - began < 12)
  end,
  ["without any source of randomness nothing is served"] = function()
    local result = machine.run(hello(), { cpu = "max,-rdrand,-rdseed", rng = false })
    suite.equal(result.code, machine.EXIT.NO_ENTROPY, result.output)
    assert(not result.output:find("hello", 1, true))
    suite.holds(result.output, "no source of randomness")
    assert(result.seconds < 2, result.seconds)
    suite.note("ended after %.2f s", result.seconds)
  end,
  ["virtio-rng alone is enough"] = function()
    boots { cpu = "max,-rdrand,-rdseed" }
    boots { cpu = "max,-rdrand,-rdseed", machine = "microvm" }
  end,
  ["every boot has another canary, another hash seed and other random numbers"] = function()
    -- The order of a table's keys shows the hash seed without saying it. The
    -- keys are long: each byte brings two more of the seed's 32 bits into play.
    local image = machine.image [[
      local keys, order = {}, {}
      for i = 1, 64 do keys[("key"):rep(10) .. i] = i end
      for _, i in pairs(keys) do order[#order + 1] = i end
      print(("random %x order %s."):format(math.random(0), table.concat(order, ",")))
      io.read()]]
    local symbols = elf.symbols(assert(elf.parse(fs.read(image.debug)))).values
    local canary_at = assert(symbols.__stack_chk_guard)
    local seen, count = {}, suite.is_quick and 10 or 200
    for _ = 1, count do
      local started = machine.start(image)
      started:wait_for "order [%d,]+%."
      local random, order = started.output:match "random (%x+) order ([%d,]+)%."
      local said = assert(started.qemu:human(("xp /1gx 0x%x"):format(canary_at)))
      local canary = assert(said:match ": 0x(%x+)", said)
      for what, value in pairs { random = random, order = order, canary = canary } do
        local key = what .. " " .. value
        assert(not seen[key], "the same twice: " .. key)
        seen[key] = true
      end
      started.qemu:kill()
      started.qemu:finish()
    end
    suite.note("%d boots, %d values of each", count, count)
  end,
  ["a damaged seal is refused, whatever bit is flipped"] = function()
    local image = fs.read(hello().image)
    local at = assert(unseal.image(image)).segment.offset + 1
    local _, checked = ("<I4I4"):unpack(image, at + 8)
    local folder = suite.folder()
    math.randomseed(20)
    for _ = 1, suite.is_quick and 10 or 50 do
      local place = at + math.random(0, checked - 1)
      local bit = 1 << math.random(0, 7)
      fs.write(folder .. "/bad.elf", image:sub(1, place - 1)
        .. string.char(image:byte(place) ~ bit) .. image:sub(place + 1))
      local result = machine.run(folder .. "/bad.elf")
      suite.equal(result.code, machine.EXIT.BAD_LAUNCH,
        ("byte %d of the seal: %s"):format(place - at, result.output))
      assert(not result.output:find("hello", 1, true))
    end
  end,
  ["an image without a seal is refused"] = function()
    local result = machine.run(hello().debug)
    suite.equal(result.code, machine.EXIT.BAD_LAUNCH, result.output)
  end,
}
