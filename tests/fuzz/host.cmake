# What servers answer to `lunik bench`.
set(_host "${CMAKE_SOURCE_DIR}/sdk/host")
lunik_add_fuzz(fuzz_answer SOURCES fuzz_answer.c "${_host}/answer.c"
               RUNS 20000)
target_include_directories(fuzz_answer PRIVATE "${_host}")
