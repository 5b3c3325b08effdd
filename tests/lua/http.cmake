# lunik.net and lunik.http, over the loopback, on the host platform with its
# sanitizers.
set(_http_files client.lua net.lua run.lua server.lua smuggling.lua support.lua
                text.lua)
set(_http_pairs
    "lunik/test.lua=${CMAKE_SOURCE_DIR}/runtime/lua/test.lua"
    "lunik/http/client.lua=${CMAKE_SOURCE_DIR}/bindings/http/client.lua")
foreach(_file IN LISTS _http_files)
  list(APPEND _http_pairs
       "http/${_file}=${CMAKE_CURRENT_SOURCE_DIR}/http/${_file}")
endforeach()
set(_http_inputs ${_http_pairs})
list(TRANSFORM _http_inputs REPLACE "^[^=]*=" "")
set(_http_seal "${CMAKE_CURRENT_BINARY_DIR}/http.seal")
add_custom_command(
  OUTPUT "${_http_seal}"
  COMMAND make_seal "${_http_seal}" http/run.lua ${_http_pairs}
  DEPENDS make_seal ${_http_inputs}
  VERBATIM)
add_custom_target(http_tests_seal ALL DEPENDS "${_http_seal}")

foreach(_name IN ITEMS net server smuggling client text)
  add_test(NAME lua_http_${_name} COMMAND lunik_host --image "${_http_seal}" --
                                          http/${_name}.lua)
  set_tests_properties(lua_http_${_name} PROPERTIES LABELS lua TIMEOUT 300)
endforeach()
