# x86_64-lunik.cmake: C for a Lunik image on an x86-64 virtual machine.
#
# Names the machine and the compiler, nothing of the project. The compiler is
# gcc unless LUNIK_TARGET_CC names another (clang).
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

if(NOT LUNIK_TARGET_CC)
  set(LUNIK_TARGET_CC gcc)
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LUNIK_TARGET_CC)
set(CMAKE_C_COMPILER ${LUNIK_TARGET_CC})
set(CMAKE_ASM_COMPILER ${LUNIK_TARGET_CC})

# There is nothing to run a program on while CMake looks at the compiler.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

# A frame of more than a page is touched page by page, so that it cannot step
# over the guard page below a fiber's stack.
#
# No PIC: images are linked at a fixed address. Frame pointers: panics walk
# them. The canary is a global, so that it needs no thread pointer.
set(_lunik_flags
    "-fno-pic -fno-pie -fno-omit-frame-pointer"
    "-ffunction-sections -fdata-sections -fcf-protection=none"
    "-fno-asynchronous-unwind-tables -mno-red-zone"
    "-fstack-protector-strong -mstack-protector-guard=global"
    "-fstack-clash-protection")
list(JOIN _lunik_flags " " _lunik_flags)
set(CMAKE_C_FLAGS_INIT "${_lunik_flags}")
set(CMAKE_ASM_FLAGS_INIT "-fno-pic -fno-pie")
unset(_lunik_flags)

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
