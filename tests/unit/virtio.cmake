# Drivers of the machine, on a machine that the test plays.
set(_virtio "${CMAKE_SOURCE_DIR}/libos/drivers/virtio")
set(_vm "${CMAKE_SOURCE_DIR}/libos/platform/vm")
set(_virtio_sources "${_virtio}/device.c" "${_virtio}/mmio.c"
                    "${_virtio}/pci.c" "${_virtio}/queue.c" "${_vm}/pci.c")
lunik_add_test(test_virtio_queue SOURCES test_virtio_queue.c)
lunik_add_test(test_virtio_bus SOURCES test_virtio_bus.c ${_virtio_sources})
lunik_add_test(test_virtio_drivers SOURCES test_virtio_drivers.c
               ${_virtio_sources} "${_vm}/ioapic.c")
foreach(test test_virtio_queue test_virtio_bus test_virtio_drivers)
  target_include_directories(
    ${test} BEFORE
    PRIVATE "${CMAKE_SOURCE_DIR}/tests/support/machine" "${_virtio}" "${_vm}"
            "${CMAKE_SOURCE_DIR}/libos/arch/x86_64")
endforeach()

# What devices must do on every platform; image.c is the same for an image.
set(_contract "${CMAKE_SOURCE_DIR}/tests/contract")
lunik_add_test(test_contract SOURCES "${_contract}/host.c"
               "${_contract}/contract.c" "${_contract}/entropy.c"
               "${_contract}/console.c" "${_contract}/net.c"
               ../support/fake_net.c)
