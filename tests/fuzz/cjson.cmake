# cjson over an ordinary Lua, whose allocator the target brings itself.
set(_cjson "${CMAKE_SOURCE_DIR}/bindings/cjson")
lunik_add_fuzz(
  fuzz_cjson
  SOURCES fuzz_cjson.c "${_cjson}/cjson.c" "${_cjson}/decode.c"
          "${_cjson}/encode.c"
  LIBRARIES lunik_upstream_yyjson lunik::lua_host
  RUNS 20000)
target_include_directories(fuzz_cjson PRIVATE "${CMAKE_SOURCE_DIR}/runtime/include")
