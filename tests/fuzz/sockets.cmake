# Addresses and sockets.
lunik_add_fuzz(fuzz_address SOURCES fuzz_address.c RUNS 300000)
lunik_add_fuzz(fuzz_sockets SOURCES fuzz_sockets.c LIBRARIES lunik::lwip RUNS
               10000)
target_include_directories(fuzz_sockets
                           PRIVATE "${CMAKE_SOURCE_DIR}/tests/unit")
