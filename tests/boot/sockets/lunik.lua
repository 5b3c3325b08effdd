-- SPDX-License-Identifier: MIT
return {
  name = "sockets",
  c = { sources = { "main.c", "tcp.c", "udp.c", "polling.c", "names.c" } },
}
