---@meta lunik.net
-- SPDX-License-Identifier: MIT
-- net.d.lua: annotations of lunik.net for editors. See docs/lua/net.md.

---TCP and UDP. Times are seconds; a timeout of nil waits for ever.
---@class lunik.net
local net = {}

---Carries bytes both ways: connections, HTTP bodies, TLS.
---@class lunik.stream
local Stream = {}

---What has come: at least one byte, at most max.
---@param max? integer
---@param timeout? number
---@return string? data
---@return string? err
function Stream:read(max, timeout) end

---@param count integer
---@param timeout? number
---@return string? data
---@return string? err
---@return string? partial
function Stream:read_exactly(count, timeout) end

---All up to the delimiter, and with it.
---@param delimiter string
---@param max integer
---@param timeout? number
---@return string? data
---@return string? err
---@return string? partial
function Stream:read_until(delimiter, max, timeout) end

---@param limit? integer
---@param timeout? number
---@return string? data
---@return string? err
---@return string? partial
function Stream:read_all(limit, timeout) end

---@param ... string|number
---@return true?
---@return string? err
---@return integer? sent
function Stream:write(...) end

---@param seconds number?
function Stream:settimeout(seconds) end
function Stream:close() end

---@class lunik.net.stream: lunik.stream
local Connection = {}

---@param which? "write"|"read"|"both"
---@return true?
---@return string? err
function Connection:shutdown(which) end
---@return string address
---@return integer port
function Connection:local_address() end
---@return string address
---@return integer port
function Connection:peer_address() end

---@alias lunik.net.option "nodelay"|"keepalive"|"keepalive_idle"|"keepalive_interval"|"keepalive_count"|"linger"|"reuse"|"broadcast"|"hops"|"multicast_hops"|"multicast_loop"

---@param option lunik.net.option
---@param value boolean|integer
---@return true?
---@return string? err
function Connection:set(option, value) end
---@param option lunik.net.option
---@return boolean|integer|nil
---@return string? err
function Connection:get(option) end

---@class lunik.net.listener
local Listener = {}
---@param timeout? number
---@return lunik.net.stream?
---@return string? err
function Listener:accept(timeout) end
---@return string address
---@return integer port
function Listener:address() end
function Listener:close() end

---@class lunik.net.udp
local Udp = {}
---@param data string
---@param host string
---@param port integer
---@return true?
---@return string? err
function Udp:sendto(data, host, port) end
---@param data string
---@return true?
---@return string? err
function Udp:send(data) end
---@param host string
---@param port integer
---@param timeout? number
---@return true?
---@return string? err
function Udp:connect(host, port, timeout) end
---@param max? integer
---@param timeout? number
---@return string? data
---@return string address_or_err
---@return integer? port
function Udp:recvfrom(max, timeout) end
---@param max? integer
---@param timeout? number
---@return string? data
---@return string? err
function Udp:recv(max, timeout) end
---@param group string
---@return true?
---@return string? err
function Udp:join(group) end
---@param group string
---@return true?
---@return string? err
function Udp:leave(group) end
---@param option lunik.net.option
---@param value boolean|integer
---@return true?
---@return string? err
function Udp:set(option, value) end
---@param option lunik.net.option
---@return boolean|integer|nil
---@return string? err
function Udp:get(option) end
---@param seconds number?
function Udp:settimeout(seconds) end
---@return string address
---@return integer port
function Udp:local_address() end
---@return string address
---@return integer port
function Udp:peer_address() end
function Udp:close() end

---@param host string
---@param port integer
---@param timeout? number
---@return lunik.net.stream?
---@return string? err
function net.connect(host, port, timeout) end

---@param host string?
---@param port integer
---@param options? { backlog?: integer, v6only?: boolean, reuse?: boolean }
---@return lunik.net.listener?
---@return string? err
function net.listen(host, port, options) end

---@param options? { host?: string, port?: integer, family?: "any"|"ip4"|"ip6" }
---@return lunik.net.udp?
---@return string? err
function net.udp(options) end

---@param name string
---@param timeout? number
---@return string[]?
---@return string? err
function net.resolve(name, timeout) end

---@class lunik.net.interface
---@field name string
---@field hardware string
---@field mtu integer
---@field link boolean
---@field broken boolean
---@field addresses { address: string, prefix: integer, source: "static"|"dhcp"|"router"|"local", tentative: boolean, duplicate: boolean }[]
---@field gateway4? string
---@field gateway6? string

---@return lunik.net.interface[]
function net.interfaces() end
---@return string[]
function net.nameservers() end
---@param timeout? number
---@return true?
---@return string? err
function net.wait(timeout) end

return net
