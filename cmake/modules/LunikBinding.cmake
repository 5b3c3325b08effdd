# LunikBinding.cmake: Lua modules in C, as archives that an image links when its
# project needs them.
#
#   lunik_add_binding(NAME
#     MODULE lunik.task        what `require` is given; the C side announces
#                              itself with LUNIK_MODULE() of <lunik/module.h>
#     [SOURCES file.c...]      none: a module in Lua alone
#     [LUA path=file.lua...]   Lua files that come with it, by their path in
#                              the archive
#     [REQUIRES module...]     other modules it needs
#     [OPTIONAL module...]     modules that its Lua files require, but that may be
#                              missing
#     [PARTS field=module...]  fields of it that another module makes; that one
#                              is needed by programs that use them
#     [STUB file.d.lua]        LuaCATS annotations for editors
#     [VERSION v] [LICENCE l]  of the module; the project's if left out
#     [UPSTREAM name...]       libraries of lunik_add_upstream() that it rests on
#     [LIBRARIES target...])   what its sources are compiled and linked with
#
# Makes the target lunik_binding_NAME and the archive liblunik_NAME.a, and a
# description for the SDK: modules/MODULE.lua beside the archive.
#
#   lunik_add_upstream(NAME
#     SOURCES file.c...        a third party's, as they are; NAME is of the lock
#                              file, and lunik_dep(NAME) was called
#     [INCLUDE folder...]      of its headers, for those who use it
#     [OPTIONS word...]        compiler's words for its sources alone
#     [LIBRARIES target...])   what its sources are compiled with
#
# Makes the target lunik_upstream_NAME and the archive libNAME.a. Its warnings
# are its own affair.
if(LUNIK_PLATFORM STREQUAL "vm")
  set(LUNIK_LIBRARY_FOLDER "lib/lunik/${LUNIK_ARCH}")
else()
  set(LUNIK_LIBRARY_FOLDER "lib/lunik/host")
endif()

# (Below the variables, which every folder that includes this must have.)
include_guard(GLOBAL)

# Sets OUT to WORDS as the inside of a Lua list.
function(_lunik_lua_list out)
  set(text "")
  foreach(word IN LISTS ARGN)
    string(APPEND text " \"${word}\",")
  endforeach()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Sets OUT to the inside of a Lua table of the pairs path=file, whose files are
# named as they are installed.
function(_lunik_lua_files out name)
  set(text "")
  foreach(pair IN LISTS ARGN)
    if(NOT pair MATCHES "^([^=]+)=(.+)$")
      message(FATAL_ERROR "lunik_add_binding(${name}): LUA wants path=file, "
                          "not '${pair}'")
    endif()
    set(path "${CMAKE_MATCH_1}")
    cmake_path(ABSOLUTE_PATH CMAKE_MATCH_2 OUTPUT_VARIABLE file)
    cmake_path(GET path PARENT_PATH folder)
    cmake_path(GET path FILENAME base)
    string(APPEND text " [\"${path}\"] = \"share/lunik/lua/${path}\",")
    install(
      FILES "${file}"
      DESTINATION "share/lunik/lua/${folder}"
      RENAME "${base}")
  endforeach()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

function(lunik_add_upstream name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" ""
                        "SOURCES;INCLUDE;OPTIONS;LIBRARIES")
  if(NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "lunik_add_upstream(${name}): needs SOURCES; does not "
                        "know '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  string(TOUPPER "${name}" upper)
  if(NOT LUNIK_DEP_${upper}_DIR)
    message(FATAL_ERROR "lunik_add_upstream(${name}): call lunik_dep(${name}) "
                        "first")
  endif()
  set(target lunik_upstream_${name})
  add_library(${target} STATIC ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME "${name}"
                                             C_EXTENSIONS ON)
  if(arg_INCLUDE)
    target_include_directories(${target} SYSTEM PUBLIC ${arg_INCLUDE})
  endif()
  target_compile_options(
    ${target} PRIVATE -w "-ffile-prefix-map=${LUNIK_DEP_${upper}_DIR}/=${name}/"
                      ${arg_OPTIONS})
  target_link_libraries(${target} PRIVATE lunik::options ${arg_LIBRARIES})
  if(LUNIK_PLATFORM STREQUAL "vm")
    target_compile_options(${target} PRIVATE -Os)
    target_link_libraries(${target} PRIVATE lunik::musl_headers)
  endif()
  install(TARGETS ${target} ARCHIVE DESTINATION "${LUNIK_LIBRARY_FOLDER}")
endfunction()

# Makes the archive of a binding's C files, and sets OUT to what its description
# says of the link.
function(_lunik_binding_archive name module out)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "" "SOURCES;LIBRARIES;UPSTREAM")
  string(REPLACE "." "_" symbol "lunik_module_${module}")
  set(libraries "")
  foreach(library IN LISTS arg_UPSTREAM)
    if(NOT TARGET lunik_upstream_${library})
      message(FATAL_ERROR "lunik_add_binding(${name}): there is no "
                          "lunik_add_upstream(${library})")
    endif()
    list(APPEND arg_LIBRARIES lunik_upstream_${library})
    list(APPEND libraries "lib${library}.a")
  endforeach()
  _lunik_lua_list(libraries ${libraries})
  set(${out}
      "
  symbol = \"${symbol}\",
  archive = \"liblunik_${name}.a\",
  libraries = {${libraries} },"
      PARENT_SCOPE)

  add_library(lunik_binding_${name} STATIC ${arg_SOURCES})
  set_target_properties(lunik_binding_${name}
                        PROPERTIES OUTPUT_NAME "lunik_${name}")
  target_link_libraries(
    lunik_binding_${name}
    PUBLIC lunik::runtime ${arg_LIBRARIES}
    PRIVATE lunik::warnings lunik::options)
  # An archive member is only linked when something asks for it.
  target_link_options(lunik_binding_${name} INTERFACE
                      "LINKER:--undefined=${symbol}")
  if(TARGET lunik::musl_headers)
    target_link_libraries(lunik_binding_${name} PRIVATE lunik::musl_headers)
  endif()
  set_property(GLOBAL APPEND PROPERTY LUNIK_BINDINGS "lunik_binding_${name}")
  install(TARGETS lunik_binding_${name}
          ARCHIVE DESTINATION "${LUNIK_LIBRARY_FOLDER}")
endfunction()

function(lunik_add_binding name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "MODULE;STUB;VERSION;LICENCE"
                        "SOURCES;LUA;REQUIRES;OPTIONAL;PARTS;UPSTREAM;LIBRARIES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "lunik_add_binding(${name}): does not know "
                        "'${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT arg_MODULE OR NOT (arg_SOURCES OR arg_LUA))
    message(FATAL_ERROR "lunik_add_binding(${name}): needs MODULE, and SOURCES "
                        "or LUA")
  endif()
  if(NOT arg_VERSION)
    set(arg_VERSION "${PROJECT_VERSION}")
  endif()
  if(NOT arg_LICENCE)
    set(arg_LICENCE "MIT")
  endif()
  set(link "")
  if(arg_SOURCES)
    _lunik_binding_archive(
      ${name} ${arg_MODULE} link
      SOURCES ${arg_SOURCES}
      LIBRARIES ${arg_LIBRARIES}
      UPSTREAM ${arg_UPSTREAM})
  endif()

  _lunik_lua_files(files ${name} ${arg_LUA})
  _lunik_lua_list(requires ${arg_REQUIRES})
  _lunik_lua_list(optional ${arg_OPTIONAL})
  list(TRANSFORM arg_PARTS REPLACE "^(.*)=(.*)$" " [\"\\1\"] = \"\\2\","
                                   OUTPUT_VARIABLE parts)
  list(JOIN parts "" parts)
  set(description "${CMAKE_CURRENT_BINARY_DIR}/${arg_MODULE}.lua")
  file(
    CONFIGURE
    OUTPUT "${description}"
    CONTENT
      "-- Written by the build.
return {
  module = \"${arg_MODULE}\",${link}
  lua = {${files} },
  requires = {${requires} },
  optional = {${optional} },
  parts = {${parts} },
  version = \"${arg_VERSION}\",
  licence = \"${arg_LICENCE}\",
}
"
    @ONLY)
  install(FILES "${description}"
          DESTINATION "${LUNIK_LIBRARY_FOLDER}/modules")
  if(arg_STUB)
    install(
      FILES "${arg_STUB}"
      DESTINATION share/lunik/stubs
      RENAME "${arg_MODULE}.d.lua")
  endif()
endfunction()
