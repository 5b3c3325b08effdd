# Addresses and sockets.
lunik_add_test(test_address SOURCES test_address.c)
lunik_add_test(
  test_socket SOURCES test_socket.c "${CMAKE_SOURCE_DIR}/tests/contract/contract.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/entropy.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/console.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/net.c"
  "${CMAKE_SOURCE_DIR}/tests/contract/socket.c" LIBRARIES lunik::lwip)
target_link_options(
  test_socket PRIVATE LINKER:--wrap=lunik_mem_alloc
  LINKER:--wrap=lunik_mem_alloc_sized)
lunik_add_test(test_socket_wire SOURCES test_socket_wire.c lwip_peer.c
               ../support/fake_net.c LIBRARIES lunik::lwip)
