# Network devices: what is alike for all, on a cable between two fakes.
lunik_add_test(test_net SOURCES test_net.c ../support/fake_net.c)
