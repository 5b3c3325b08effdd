# LunikTarget.cmake: the vm platform as a build of its own, from the same
# sources, with the project's toolchain file.
include(ExternalProject)
set(LUNIK_TARGET_CC
    gcc
    CACHE STRING "Compiler for target code: gcc or clang")
ExternalProject_Add(
  target
  SOURCE_DIR "${CMAKE_SOURCE_DIR}"
  BINARY_DIR "${CMAKE_BINARY_DIR}/target"
  PREFIX "${CMAKE_BINARY_DIR}/target-steps"
  CMAKE_ARGS
    "-DCMAKE_TOOLCHAIN_FILE=${CMAKE_SOURCE_DIR}/cmake/toolchains/x86_64-lunik.cmake"
    "-DLUNIK_TARGET_CC=${LUNIK_TARGET_CC}"
    "-DLUNIK_DEPS_DIR=${LUNIK_DEPS_DIR}"
    "-DLUNIK_LUA_ASSERT=${LUNIK_LUA_ASSERT}"
    "-DCMAKE_BUILD_TYPE=MinSizeRel"
    "-DCMAKE_EXPORT_COMPILE_COMMANDS=${CMAKE_EXPORT_COMPILE_COMMANDS}"
    "-DCMAKE_INSTALL_PREFIX=${CMAKE_INSTALL_PREFIX}"
  BUILD_ALWAYS ON
  USES_TERMINAL_BUILD ON
  INSTALL_COMMAND "")
