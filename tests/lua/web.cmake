# The Lua modules above lunik.http, on the host platform with its sanitizers.
set(_web_files accesslog.lua events.lua fake.lua frames.lua metrics.lua
               router.lua run.lua static.lua websocket.lua)
file(
  GLOB_RECURSE _web_site
  RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}/web"
  CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/web/site/*")
set(_bindings_dir "${CMAKE_SOURCE_DIR}/bindings")
set(_web_pairs
    "lunik/test.lua=${CMAKE_SOURCE_DIR}/runtime/lua/test.lua"
    "lunik/http/accesslog.lua=${_bindings_dir}/accesslog/accesslog.lua"
    "lunik/http/events.lua=${_bindings_dir}/events/events.lua"
    "lunik/http/router.lua=${_bindings_dir}/router/router.lua"
    "lunik/http/static.lua=${_bindings_dir}/static/static.lua"
    "lunik/http/websocket.lua=${_bindings_dir}/websocket/websocket.lua"
    "lunik/metrics.lua=${_bindings_dir}/metrics/metrics.lua")
# A file that is sent in several pieces.
string(REPEAT "0123456789 and so on, and so on\n" 2500 _text)
file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/big.txt" CONTENT "${_text}"
     @ONLY)
list(APPEND _web_pairs "web/big.txt=${CMAKE_CURRENT_BINARY_DIR}/big.txt")
foreach(_file IN LISTS _web_files _web_site)
  list(APPEND _web_pairs "web/${_file}=${CMAKE_CURRENT_SOURCE_DIR}/web/${_file}")
endforeach()
set(_web_inputs ${_web_pairs})
list(TRANSFORM _web_inputs REPLACE "^[^=]*=" "")
set(_web_seal "${CMAKE_CURRENT_BINARY_DIR}/web.seal")
add_custom_command(
  OUTPUT "${_web_seal}"
  COMMAND make_seal "${_web_seal}" web/run.lua ${_web_pairs}
  DEPENDS make_seal ${_web_inputs}
  VERBATIM)
add_custom_target(web_tests_seal ALL DEPENDS "${_web_seal}")

foreach(_name IN ITEMS accesslog events frames metrics router static websocket)
  add_test(NAME lua_web_${_name} COMMAND lunik_host --image "${_web_seal}" --
                                         web/${_name}.lua)
  set_tests_properties(lua_web_${_name} PROPERTIES LABELS lua TIMEOUT 300)
endforeach()
