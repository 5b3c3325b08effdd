-- SPDX-License-Identifier: MIT
return {
  name = "tasks",
  version = "0.1.0",
}
