# What the host platform has of its own: descriptors and Linux's sockets.
lunik_add_test(
  test_host_sockets SOURCES test_host_sockets.c
  "${CMAKE_SOURCE_DIR}/tests/contract/contract.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/entropy.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/console.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/net.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/socket.c")
lunik_add_test(test_host_listeners SOURCES test_host_listeners.c)
