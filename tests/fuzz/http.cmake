# HTTP messages, requests and responses.
set(_http "${CMAKE_SOURCE_DIR}/bindings/http")
lunik_add_fuzz(
  fuzz_http_message
  SOURCES fuzz_http_message.c "${_http}/message.c" "${_http}/text.c"
  LIBRARIES lunik_upstream_llhttp)
target_include_directories(fuzz_http_message PRIVATE "${_http}")
