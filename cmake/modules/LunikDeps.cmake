# LunikDeps.cmake: third-party sources, fetched by the lock file.
#
# Everything in cmake/deps/deps.lock is there, checked, once this file was
# included; the configure ends with a message if something cannot be had.
#
#   lunik_dep(NAME)  extracts a tarball, and sets LUNIK_DEP_<NAME>_DIR (its top
#                    folder), _VERSION and _LICENCE in the caller's scope
#
# LUNIK_DEPS_DIR is shared by all build folders. LUNIK_DEPS_CACHE in the
# environment names a folder of tarballs to look into first.
set(LUNIK_DEPS_DIR
    "${CMAKE_SOURCE_DIR}/build/deps"
    CACHE PATH "Where third-party tarballs are kept and extracted")
option(LUNIK_OFFLINE "Fetch nothing over the net" OFF)

set(_lunik_deps_lock "${CMAKE_SOURCE_DIR}/cmake/deps/deps.lock")
set_property(
  DIRECTORY APPEND
  PROPERTY CMAKE_CONFIGURE_DEPENDS "${_lunik_deps_lock}")

set(_lunik_deps_fetch sh "${CMAKE_SOURCE_DIR}/cmake/deps/fetch.sh" --dir
                      "${LUNIK_DEPS_DIR}")
if(LUNIK_OFFLINE)
  list(APPEND _lunik_deps_fetch --offline)
endif()
execute_process(COMMAND ${_lunik_deps_fetch} RESULT_VARIABLE _lunik_deps_status)
if(NOT _lunik_deps_status EQUAL 0)
  message(FATAL_ERROR "Third-party sources are missing; see above.")
endif()

# Sets OUT to the lock file's line for NAME, as a list of its words.
function(lunik_deps_entry name out)
  file(STRINGS "${_lunik_deps_lock}" lines REGEX "^${name} ")
  if(NOT lines)
    message(FATAL_ERROR "lunik_dep: the lock file has no \"${name}\"")
  endif()
  string(REPLACE " " ";" entry "${lines}")
  set(${out} "${entry}" PARENT_SCOPE)
endfunction()

# Extracts under a name that holds the sum, so that a new pin is a new folder;
# the folder appears in one step, so that it is always whole.
function(lunik_deps_extract archive to)
  if(EXISTS "${to}")
    return()
  endif()
  file(LOCK "${LUNIK_DEPS_DIR}/src.lock" GUARD FUNCTION TIMEOUT 300)
  if(EXISTS "${to}")
    return()
  endif()
  file(REMOVE_RECURSE "${to}.part")
  file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${to}.part")
  file(GLOB top "${to}.part/*")
  list(LENGTH top count)
  if(NOT count EQUAL 1)
    message(FATAL_ERROR "${archive}: more than one top folder")
  endif()
  file(RENAME "${top}" "${to}")
  file(REMOVE_RECURSE "${to}.part")
endfunction()

function(lunik_dep name)
  lunik_deps_entry(${name} entry)
  list(GET entry 1 version)
  list(GET entry 2 file)
  list(GET entry 3 sha)
  list(GET entry 5 licence)
  string(SUBSTRING "${sha}" 0 12 short)
  set(to "${LUNIK_DEPS_DIR}/src/${name}-${version}-${short}")
  lunik_deps_extract("${LUNIK_DEPS_DIR}/${file}" "${to}")
  string(TOUPPER "${name}" upper)
  set(LUNIK_DEP_${upper}_DIR "${to}" PARENT_SCOPE)
  set(LUNIK_DEP_${upper}_VERSION "${version}" PARENT_SCOPE)
  set(LUNIK_DEP_${upper}_LICENCE "${licence}" PARENT_SCOPE)
endfunction()

# What can be inside an image, for its manifest: a Lua table of the libraries
# by the archives that the linker takes them from.
function(lunik_deps_write_libraries)
  set(text "-- Written by the build from its lock file.\nreturn {\n")
  foreach(pair IN ITEMS lua:liblua.a luasocket:libluasocket.a nghttp2:libllhttp.a
                        lwip:liblunik_lwip.a musl:liblunik_musl.a
                        yyjson:libyyjson.a)
    string(REPLACE ":" ";" pair "${pair}")
    list(GET pair 0 name)
    list(GET pair 1 archive)
    lunik_deps_entry(${name} entry)
    list(GET entry 1 version)
    list(GET entry 5 licence)
    string(APPEND text "  { name = \"${name}\", version = \"${version}\", "
           "licence = \"${licence}\", archive = \"${archive}\" },\n")
  endforeach()
  string(APPEND text "}\n")
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/libraries.lua" CONTENT "${text}"
       @ONLY)
  install(FILES "${CMAKE_BINARY_DIR}/libraries.lua"
          DESTINATION share/lunik/sdk)
endfunction()

if(LUNIK_PLATFORM STREQUAL "host")
  lunik_deps_write_libraries()
endif()

include("${CMAKE_SOURCE_DIR}/cmake/deps/lua.cmake")
