-- SPDX-License-Identifier: MIT
return {
  name = "hello",
  version = "0.1.0",
}
