#!/usr/bin/env lua
-- SPDX-License-Identifier: MIT
error "third line"
