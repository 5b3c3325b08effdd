# lua.cmake: stock Lua, without its two commands.
#
#   lunik::lua       for images, and for the same runtime on the host: libc
#                    calls that an image lacks are configured away, and the
#                    hash seed is lunik_random_u64()'s
#   lunik::lua_host  an ordinary Lua for the SDK's own command (host only)
lunik_dep(lua)
set(_lua "${LUNIK_DEP_LUA_DIR}/src")

# The interpreter's inner loop and what it calls all the time.
set(_lua_hot lapi.c ldo.c lfunc.c lgc.c lmem.c lobject.c lstring.c ltable.c
             ltm.c lvm.c)
set(_lua_cold
    lauxlib.c
    lbaselib.c
    lcode.c
    lcorolib.c
    lctype.c
    ldblib.c
    ldebug.c
    ldump.c
    linit.c
    liolib.c
    llex.c
    lmathlib.c
    loadlib.c
    lopcodes.c
    loslib.c
    lparser.c
    lstate.c
    lstrlib.c
    ltablib.c
    lundump.c
    lutf8lib.c
    lzio.c)
list(TRANSFORM _lua_hot PREPEND "${_lua}/")
list(TRANSFORM _lua_cold PREPEND "${_lua}/")

function(lunik_add_lua target)
  add_library(${target} ${ARGN})
  # As Lua's own makefile has it.
  target_compile_definitions(${target} PUBLIC LUA_COMPAT_5_3)
  target_include_directories(${target} SYSTEM
                             PUBLIC "$<BUILD_INTERFACE:${LUNIK_DEP_LUA_DIR}/src>")
  target_compile_options(
    ${target} PRIVATE -w "-ffile-prefix-map=${LUNIK_DEP_LUA_DIR}/src/=lua/")
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:lunik::options>)
  # Not in the SDK's own: luaposix uses Lua in ways that the checks refuse.
  if(LUNIK_LUA_ASSERT AND NOT target STREQUAL "lunik_lua_host")
    target_compile_definitions(${target} PRIVATE LUAI_ASSERT LUA_USE_APICHECK)
  endif()
endfunction()

# For an image, and for its runtime on the host. One file has a configuration of
# its own, so it is compiled apart.
set(_lua_sealed ${_lua_cold})
list(REMOVE_ITEM _lua_sealed "${_lua}/lmathlib.c")
lunik_add_lua(lunik_lua STATIC ${_lua_hot} ${_lua_sealed})
add_library(lunik::lua ALIAS lunik_lua)
set_target_properties(lunik_lua PROPERTIES EXPORT_NAME lua OUTPUT_NAME lua)
lunik_add_lua(lunik_lua_math OBJECT "${_lua}/lmathlib.c")
target_sources(lunik_lua PRIVATE $<TARGET_OBJECTS:lunik_lua_math>)
set(_lua_config "${CMAKE_SOURCE_DIR}/cmake/deps/lua")
target_compile_options(lunik_lua_math
                       PRIVATE -include "${_lua_config}/lmathlib_lunik.h")
foreach(target lunik_lua lunik_lua_math)
  target_compile_options(${target} PRIVATE "SHELL:-include ${_lua_config}/luaconf_lunik.h")
  target_include_directories(${target}
                             PRIVATE "${CMAKE_SOURCE_DIR}/libos/include")
endforeach()

set(_lua_headers "${_lua}/lua.h" "${_lua}/luaconf.h" "${_lua}/lualib.h"
                 "${_lua}/lauxlib.h")
if(LUNIK_PLATFORM STREQUAL "vm")
  foreach(target lunik_lua lunik_lua_math)
    target_link_libraries(${target} PRIVATE lunik::musl_headers)
    target_compile_options(${target} PRIVATE -Os)
  endforeach()
  # (Set on the sources: it follows the line above, and so it wins.)
  set_source_files_properties(${_lua_hot} PROPERTIES COMPILE_OPTIONS -O2)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # GCC would merge the jumps at the ends of the interpreter's instructions
    # into a few: longer paths, and a branch predictor that learns nothing.
    set_property(
      SOURCE "${_lua}/lvm.c"
      APPEND
      PROPERTY COMPILE_OPTIONS -fno-crossjumping)
  endif()
  install(TARGETS lunik_lua ARCHIVE DESTINATION lib/lunik/${LUNIK_ARCH})
  install(FILES ${_lua_headers} DESTINATION lib/lunik/${LUNIK_ARCH}/include)
else()
  # Lua's arithmetic: an image has it in its own C library.
  target_link_libraries(lunik_lua PUBLIC m)
  install(TARGETS lunik_lua ARCHIVE DESTINATION lib/lunik/host)
  install(FILES ${_lua_headers} DESTINATION lib/lunik/host/include)

  lunik_add_lua(lunik_lua_host STATIC ${_lua_hot} ${_lua_cold})
  add_library(lunik::lua_host ALIAS lunik_lua_host)
  target_compile_definitions(lunik_lua_host PRIVATE LUA_USE_LINUX)
  # A program that links it must give its symbols to modules in C.
  target_link_libraries(lunik_lua_host PUBLIC m ${CMAKE_DL_LIBS})
endif()

# Steps of the garbage collection go by way of the runtime, which can say how
# long they took: every file but the one that defines them calls it instead.
foreach(target lunik_lua lunik_lua_math)
  target_compile_definitions(${target}
                             PRIVATE luaC_step=lunik_lua_collect_step)
endforeach()
set_property(
  SOURCE "${_lua}/lgc.c"
  APPEND
  PROPERTY COMPILE_OPTIONS -UluaC_step)
