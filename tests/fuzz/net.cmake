# Network devices.
set(_virtio "${CMAKE_SOURCE_DIR}/libos/drivers/virtio")
lunik_add_fuzz(
  fuzz_virtio_net
  SOURCES
  fuzz_virtio_net.c
  "${_virtio}/device.c"
  "${_virtio}/net.c"
  "${_virtio}/net_receive.c"
  "${_virtio}/net_send.c"
  "${_virtio}/queue.c"
  "${CMAKE_SOURCE_DIR}/libos/core/net.c"
  RUNS
  200000)
target_include_directories(
  fuzz_virtio_net BEFORE
  PRIVATE "${CMAKE_SOURCE_DIR}/tests/support/machine" "${_virtio}"
          "${CMAKE_SOURCE_DIR}/libos/platform/vm")
