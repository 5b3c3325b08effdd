# LunikOptions.cmake: what all of our own code is compiled with.
#
#   lunik::warnings  warning flags, PRIVATE to our code, never exported
#   lunik::options   code generation that our code and upstream's share

add_library(lunik_warnings INTERFACE)
add_library(lunik::warnings ALIAS lunik_warnings)
target_compile_options(
  lunik_warnings
  INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall
    -Wextra
    -Wpedantic
    -Werror
    -Wshadow
    -Wstrict-prototypes
    -Wmissing-prototypes
    -Wold-style-definition
    -Wpointer-arith
    -Wcast-qual
    -Wwrite-strings
    -Wundef
    -Wvla
    -Wformat=2
    -Wconversion
    -Wno-sign-conversion
    -Wimplicit-fallthrough>)

add_library(lunik_options INTERFACE)
add_library(lunik::options ALIAS lunik_options)
# The same bytes in any folder.
target_compile_options(
  lunik_options INTERFACE "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/="
                          "-ffile-prefix-map=${CMAKE_BINARY_DIR}/=")
if(LUNIK_PLATFORM STREQUAL "vm" AND CMAKE_C_COMPILER_ID STREQUAL "Clang")
  # Clang's -Os and -O2 are not as small as GCC's. Hot files ask for -O2, which
  # wins over -Oz; they are to unroll no more than GCC does.
  target_compile_options(
    lunik_options
    INTERFACE $<$<COMPILE_LANGUAGE:C>:-Oz
              -fno-unroll-loops
              -fno-vectorize
              -fno-slp-vectorize>)
endif()
if(LUNIK_SANITIZE)
  target_compile_options(
    lunik_options
    INTERFACE $<$<COMPILE_LANGUAGE:C>:-fsanitize=address,undefined
              -fno-sanitize-recover=all -fno-omit-frame-pointer>)
  target_link_options(lunik_options INTERFACE -fsanitize=address,undefined)
  if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
    # What is fuzzed must tell the fuzzer which way an input took.
    target_compile_options(lunik_options
                           INTERFACE $<$<COMPILE_LANGUAGE:C>:-fsanitize=fuzzer-no-link>)
  endif()
endif()
if(LUNIK_LUA_ASSERT)
  target_compile_definitions(lunik_options INTERFACE LUNIK_LUA_ASSERT)
endif()
