# sockets.cmake: <lunik/socket.h> on lwIP.
target_sources(lunik_lwip PRIVATE datagram.c socket.c stream.c)
if(LUNIK_PLATFORM STREQUAL "vm")
  set_source_files_properties(socket.c stream.c PROPERTIES COMPILE_OPTIONS -O2)
endif()
