# Network devices: what is alike for all, on a cable between two fakes.
lunik_add_test(test_net SOURCES test_net.c ../support/fake_net.c)

# The virtio driver, on a machine that the test plays.
set(_virtio "${CMAKE_SOURCE_DIR}/libos/drivers/virtio")
set(_vm "${CMAKE_SOURCE_DIR}/libos/platform/vm")
lunik_add_test(
  test_virtio_net
  SOURCES
  test_virtio_net.c
  "${_virtio}/device.c"
  "${_virtio}/mmio.c"
  "${_virtio}/net.c"
  "${_virtio}/net_receive.c"
  "${_virtio}/net_send.c"
  "${_virtio}/pci.c"
  "${_virtio}/queue.c"
  "${_vm}/ioapic.c"
  "${_vm}/pci.c"
  "${CMAKE_SOURCE_DIR}/libos/core/net.c")
target_include_directories(
  test_virtio_net BEFORE
  PRIVATE "${CMAKE_SOURCE_DIR}/tests/support/machine" "${_virtio}" "${_vm}"
          "${CMAKE_SOURCE_DIR}/libos/arch/x86_64")

# Linux's taps as devices of a process.
lunik_add_test(test_host_net SOURCES test_host_net.c)
