-- SPDX-License-Identifier: MIT
return {
  name = "libc",
  include = { "tree/**" },
  env = { LIBC_TEST = "from the manifest" },
  c = { sources = { "libc.c" } },
}
