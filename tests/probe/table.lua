-- SPDX-License-Identifier: MIT
-- table.lua: what each probe must end with, within two seconds.
--
--   name      of the C file
--   status    of <lunik/abi/exit.h>; QEMU's is (status << 1) | 1
--   says      a Lua pattern that the output must have
--   function_ a function that the traceback must name; nil: none
--   launch    the launch line
--   cpu       QEMU's -cpu; else max
--   never     a plain text that the output must not have

local PANIC, NO_MEMORY, WATCHDOG, NO_ENTROPY = 0x20, 0x21, 0x22, 0x23

local function probe(name, says, more)
  local entry = { name = name, says = says, status = PANIC,
    function_ = "commit_fault" }
  for key, value in pairs(more or {}) do entry[key] = value end
  return entry
end

return {
  probe("write_text", "write to program text at 0x100000"),
  probe("write_rodata", "write to read%-only data at 0x%x+"),
  probe("write_ro_after_start",
    "write to data that is read%-only after the start"),
  probe("write_page_table", "write to a page table"),
  probe("execute_data", "execution of data at 0x%x+"),
  probe("execute_stack", "execution of data at 0x%x+"),
  probe("null_read", "null pointer read at 0xc"),
  probe("null_write", "null pointer write at 0xfa0"),
  probe("null_call", "null pointer call at 0x0"),
  probe("stack_overflow", "stack overflow in fiber main"),
  probe("stack_overflow_wide", "stack overflow in fiber below"),
  probe("smashed_canary", "stack smashed"),
  probe("divide_by_zero", "divide error"),
  probe("undefined_instruction", "undefined instruction"),
  probe("non_canonical", "general protection fault"),
  probe("no_memory_there", "read of memory that is not there"),
  probe("double_free", "free"),
  probe("heap_overflow", "past"),
  probe("failed_assert", "assertion failed: two %+ two == 5"),
  probe("panic_in_panic", "panic in the traceback: null pointer read"),
  probe("hang", "watchdog: no fiber waited for 1 s",
    { status = WATCHDOG, launch = "watchdog=1" }),
  probe("no_entropy", "no source of randomness", { status = NO_ENTROPY,
    cpu = "max,-rdrand,-rdseed", never = "served", function_ = false }),
  probe("out_of_memory", "out of memory under a growing stack",
    { status = NO_MEMORY }),
}
