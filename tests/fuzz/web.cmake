# What the modules above lunik.http read from outside.
set(_websocket "${CMAKE_SOURCE_DIR}/bindings/websocket")
lunik_add_fuzz(fuzz_websocket SOURCES fuzz_websocket.c "${_websocket}/frame.c"
                                   "${_websocket}/sha1.c" RUNS 200000)
target_include_directories(fuzz_websocket PRIVATE "${_websocket}")
