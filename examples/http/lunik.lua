-- SPDX-License-Identifier: MIT
return {
  name = "http",
  version = "0.1.0",
  include = { "www/**" }, -- the page, which no `require` names
}
