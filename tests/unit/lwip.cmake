# The IP stack and what stands around it.
set(_lwip "${CMAKE_SOURCE_DIR}/libos/port/lwip")
lunik_add_test(test_lwip_config SOURCES test_lwip_config.c LIBRARIES lunik::lwip)
lunik_add_test(test_dns_message SOURCES test_dns_message.c LIBRARIES
               lunik::lwip)
lunik_add_test(test_lwip_tcp SOURCES test_lwip_tcp.c lwip_peer.c
               ../support/fake_net.c LIBRARIES lunik::lwip)
lunik_add_test(test_lwip SOURCES test_lwip.c lwip_peer.c ../support/fake_net.c
               LIBRARIES lunik::lwip)
lunik_add_test(test_resolve SOURCES test_resolve.c lwip_peer.c
               ../support/fake_net.c LIBRARIES lunik::lwip)
lunik_add_test(test_lwip_parts SOURCES test_lwip_parts.c LIBRARIES lunik::lwip)
