# The IP stack, and the parsers around it.
lunik_add_fuzz(fuzz_ip_option SOURCES fuzz_ip_option.c LIBRARIES lunik::lwip)
lunik_add_fuzz(fuzz_dns SOURCES fuzz_dns.c LIBRARIES lunik::lwip)
lunik_add_fuzz(fuzz_frames SOURCES fuzz_frames.c ../support/fake_net.c LIBRARIES
               lunik::lwip)
lunik_add_fuzz(fuzz_dhcp SOURCES fuzz_dhcp.c ../support/fake_net.c LIBRARIES
               lunik::lwip)
foreach(target fuzz_frames fuzz_dhcp)
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/tests/unit")
endforeach()
