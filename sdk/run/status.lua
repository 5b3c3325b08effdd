-- SPDX-License-Identifier: MIT
-- status.lua: what the end of an image means: <lunik/abi/exit.h> as an exit
-- status of `lunik run` and a sentence.

local status = {}

status.PANIC, status.NO_MEMORY, status.WATCHDOG, status.NO_ENTROPY = 101, 102, 103, 104
status.BAD_LAUNCH, status.UNKNOWN, status.TIMEOUT, status.STOPPED = 105, 106, 124, 130

local by_code = {
  [0x20] = { status.PANIC, "the image panicked" },
  [0x21] = { status.NO_MEMORY, "the image ran out of memory" },
  [0x22] = { status.WATCHDOG, "the image's watchdog saw no progress" },
  [0x23] = { status.NO_ENTROPY, "the image found no source of randomness and did not start" },
  [0x24] = { status.BAD_LAUNCH, "the image refused to start: its seal or its launch is wrong" },
}

-- From the byte that the image wrote to the debug-exit device: our exit status,
-- and a sentence unless the program itself chose it.
function status.of_code(code)
  if code >= 0x10 and code <= 0x1f then return code - 0x10, nil end
  local known = by_code[code]
  if known then return known[1], known[2] end
  return status.UNKNOWN, ("the image stopped with the unknown status 0x%02x"):format(code)
end

-- From QEMU's own exit status. nil: QEMU itself failed, or was killed (above
-- 128; images never answer that).
function status.of_qemu(qemu)
  if qemu == 0 then
    return status.UNKNOWN, "the machine stopped without a status, as after a triple fault"
  end
  if qemu == 1 or qemu % 2 == 0 or qemu > 128 then return nil end
  return status.of_code(qemu >> 1)
end

return status
