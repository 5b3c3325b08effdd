# Parts of the vm platform that need no machine.
set(_vm "${CMAKE_SOURCE_DIR}/libos/platform/vm")
lunik_add_test(test_memmap SOURCES test_memmap.c "${_vm}/memmap.c")
lunik_add_test(test_acpi SOURCES test_acpi.c "${_vm}/acpi.c")
lunik_add_test(test_clockmath SOURCES test_clockmath.c "${_vm}/clockmath.c")
foreach(test test_memmap test_acpi test_clockmath)
  target_include_directories(${test} PRIVATE "${_vm}")
endforeach()
lunik_add_test(test_stack SOURCES test_stack.c "${_vm}/stack.c")
target_include_directories(test_stack PRIVATE "${_vm}"
                                              "${CMAKE_SOURCE_DIR}/libos/arch/x86_64")
lunik_add_test(test_crc32c SOURCES test_crc32c.c)
