# What the host platform has of its own: descriptors and Linux's sockets.
lunik_add_test(
  test_host_sockets SOURCES test_host_sockets.c
  "${CMAKE_SOURCE_DIR}/tests/contract/contract.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/entropy.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/console.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/net.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/socket.c")
lunik_add_test(test_host_listeners SOURCES test_host_listeners.c)
# What the load generator of `lunik bench` reads.
set(_host "${CMAKE_SOURCE_DIR}/sdk/host")
lunik_add_test(test_answer SOURCES test_answer.c "${_host}/answer.c")
target_include_directories(test_answer PRIVATE "${_host}")
# The same contract on the stack of images.
lunik_add_test(
  test_contract_lwip SOURCES test_contract_lwip.c
  "${CMAKE_SOURCE_DIR}/tests/contract/contract.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/entropy.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/console.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/net.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/socket.c"
  LIBRARIES lunik::lwip)
