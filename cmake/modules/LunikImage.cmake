# LunikImage.cmake: sealed images as targets of a CMake project.
#
#   lunik_add_image(NAME
#     [PROJECT folder]   the folder with lunik.lua or main.lua; this one if left
#                        out
#     [OUTPUT folder])   where NAME.elf and its launch files go; the build folder
#                        if left out
#
# Makes the target NAME, built by default. `lunik build` follows the project's
# files itself and does nothing when they are unchanged.
include_guard(GLOBAL)

function(lunik_add_image name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PROJECT;OUTPUT" "")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "lunik_add_image(${name}): does not know "
                        "'${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT LUNIK_COMMAND)
    message(FATAL_ERROR "lunik_add_image(${name}): LUNIK_COMMAND is not set; "
                        "find_package(Lunik) sets it")
  endif()
  if(NOT arg_PROJECT)
    set(arg_PROJECT "${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  if(NOT arg_OUTPUT)
    set(arg_OUTPUT "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  cmake_path(ABSOLUTE_PATH arg_PROJECT)
  if(NOT EXISTS "${arg_PROJECT}/lunik.lua" AND NOT EXISTS
                                               "${arg_PROJECT}/main.lua")
    message(FATAL_ERROR "lunik_add_image(${name}): ${arg_PROJECT} has no "
                        "lunik.lua and no main.lua")
  endif()
  add_custom_target(
    ${name} ALL
    COMMAND "${LUNIK_COMMAND}" build "${arg_PROJECT}" --out "${arg_OUTPUT}"
    COMMENT "Sealing ${name}"
    VERBATIM)
endfunction()
