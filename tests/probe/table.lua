-- SPDX-License-Identifier: MIT
-- table.lua: what each probe must end with, within two seconds.
--
--   name      of the C file; a Lua file if it begins with "lua_", which may
--             use the module of fault.c
--   status    of <lunik/abi/exit.h>; QEMU's is (status << 1) | 1
--   says      a Lua pattern that the output must have
--   function_ a function that the traceback must name; nil: none
--   launch    the launch line
--   cpu       QEMU's -cpu; else max
--   also      a list of plain texts that the output must have
--   seconds   at most; else 2
--   memory    QEMU's -m; else 64M
--   never     a plain text that the output must not have

local PROGRAM, PANIC, NO_MEMORY, WATCHDOG, NO_ENTROPY = 0x10, 0x20, 0x21, 0x22, 0x23

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
  probe("write_seal", "write to .* at 0x%x+"),
  probe("execute_heap", "execution of data at 0x%x+"),
  probe("free_wild", "heap: .*"),
  probe("first_64k", "null pointer read at 0xffff"),

  probe("lua_null_read", "null pointer read at 0xc", { also = {
    "fault_null_read", "Lua traceback of task",
    "lua_null_read.lua:4: in upvalue 'inner'",
    "lua_null_read.lua:5: in local 'outer'",
    "lua_null_read.lua:6: in main chunk" } }),
  probe("lua_broken_promise", "assertion failed: lua_gettop%(L%) == 7",
    { function_ = "fault_broken_promise", also = {
      "lua_broken_promise.lua:4: in function", "resumed by:",
      "lua_broken_promise.lua:7: in function" } }),
  probe("lua_c_overflow", "stack overflow in fiber task", { also = {
    "[C]: in field 'overflow'", "lua_c_overflow.lua:5: in function",
    "[C]: in field 'sort'" } }),
  probe("lua_hang", "watchdog: no fiber waited for 1 s", { status = WATCHDOG,
    launch = "watchdog=1", function_ = "luaV_execute", also = {
      "lua_hang.lua:3: in upvalue 'spin'",
      "lua_hang.lua:4: in local 'outer'" } }),
  probe("lua_hang_in_c", "watchdog: no fiber waited for 1 s", {
    status = WATCHDOG, launch = "watchdog=1", function_ = "str_find_aux",
    also = { "lua_hang_in_c.lua:4: in main chunk" } }),
  probe("lua_recursion", "survived 13", { status = PROGRAM, memory = "128M",
    function_ = false, never = "panic", seconds = 8 }), -- no fault, much work
  probe("lua_nested_gsub", "C stack overflow", { status = PROGRAM + 1,
    function_ = false, never = "panic",
    also = { "lua_nested_gsub.lua:3:", "traceback" } }),
  probe("lua_no_heap", "no memory for Lua: the limit is 1024 bytes", {
    status = NO_MEMORY, launch = "heap=1K", function_ = "lunik_main" }),
  probe("lua_out_of_memory", "round 3%s+true", { status = PROGRAM + 1,
    function_ = false, memory = "8M", never = "panic",
    also = { "not enough memory" } }),
}
