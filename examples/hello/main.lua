-- SPDX-License-Identifier: MIT
print("Hello from " .. _VERSION .. ", sealed by Lunik.")
