---@meta socket

--- LuaSocket 3.1.0. Calls that wait hold up their own task and nobody else.
--- See https://lunarmodules.github.io/luasocket/ for all of it.
---@class socket
---@field _VERSION string
---@field _SETSIZE integer descriptors from here on cannot be selected
---@field dns socket.dns
---@field url socket.url what `require "socket.url"` gives
local socket = {}

--- What all sockets have. A timeout of 0 does not wait, of nil or below 0 waits
--- for ever.
---@class socket.any
local Any = {}

---@return integer
function Any:close() end

---@param seconds? number
---@param mode? "b"|"t" "b": for each wait; "t": for the whole call
---@return integer
function Any:settimeout(seconds, mode) end

---@param name "broadcast"|"dontroute"|"ip-multicast-loop"|"ip-multicast-ttl"|"ip-add-membership"|"ip-drop-membership"|"ipv6-v6only"|"keepalive"|"linger"|"reuseaddr"|"reuseport"|"tcp-keepcnt"|"tcp-keepidle"|"tcp-keepintvl"|"tcp-nodelay"|"recv-buffer-size"|"send-buffer-size"
---@param value any
---@return 1?
---@return string? err
function Any:setoption(name, value) end

---@param name string as setoption's, or "error"
---@return any
---@return string? err
function Any:getoption(name) end

---@return string? address
---@return string|integer port
---@return "inet"|"inet6"|"unspec" family
function Any:getsockname() end

---@return string? address
---@return integer port
---@return "inet"|"inet6"|"unspec" family
function Any:getpeername() end

---@return integer
function Any:getfd() end
---@param fd integer
function Any:setfd(fd) end
---@return boolean
function Any:dirty() end

--- A TCP socket: a master until it connects or listens.
---@class socket.tcp: socket.any
local Tcp = {}

---@param address string "*": all of this machine's
---@param port integer|string 0: a free one
---@return 1?
---@return string? err
function Tcp:bind(address, port) end

---@param backlog? integer
---@return 1?
---@return string? err
function Tcp:listen(backlog) end

---@return socket.tcp?
---@return string? err
function Tcp:accept() end

---@param address string
---@param port integer|string
---@return 1?
---@return string? err
function Tcp:connect(address, port) end

---@param pattern? "*l"|"*a"|integer a line (the default), all to the end, or so many bytes
---@param prefix? string
---@return string? data
---@return string? err "closed", "timeout" …
---@return string? partial
function Tcp:receive(pattern, prefix) end

---@param data string
---@param from? integer
---@param to? integer
---@return integer? last the index of the last byte that was sent
---@return string? err
---@return integer? last the same after an error
function Tcp:send(data, from, to) end

---@param mode? "both"|"send"|"receive"
function Tcp:shutdown(mode) end
---@return integer received, integer sent, number age
function Tcp:getstats() end
---@param received? integer
---@param sent? integer
---@param age? number
function Tcp:setstats(received, sent, age) end

---@class socket.udp: socket.any
local Udp = {}

---@param address string
---@param port integer|string
---@return 1?
---@return string? err
function Udp:setsockname(address, port) end

---@param address string "*" takes the peer off
---@param port? integer|string
---@return 1?
---@return string? err
function Udp:setpeername(address, port) end

---@param datagram string
---@return 1?
---@return string? err
function Udp:send(datagram) end

---@param datagram string
---@param address string
---@param port integer|string
---@return 1?
---@return string? err
function Udp:sendto(datagram, address, port) end

---@param size? integer
---@return string? datagram
---@return string? err
function Udp:receive(size) end

---@param size? integer
---@return string? datagram
---@return string address or the error
---@return integer? port
function Udp:receivefrom(size) end

---@return socket.tcp?
---@return string? err
function socket.tcp() end
---@return socket.tcp?
---@return string? err
function socket.tcp4() end
---@return socket.tcp?
---@return string? err
function socket.tcp6() end
---@return socket.udp?
---@return string? err
function socket.udp() end
---@return socket.udp?
---@return string? err
function socket.udp4() end
---@return socket.udp?
---@return string? err
function socket.udp6() end

---@param address string
---@param port integer|string
---@param locaddr? string
---@param locport? integer|string
---@param family? "inet"|"inet6"
---@return socket.tcp?
---@return string? err
function socket.connect(address, port, locaddr, locport, family) end

--- A listening socket.
---@param address string
---@param port integer|string
---@param backlog? integer
---@return socket.tcp?
---@return string? err
function socket.bind(address, port, backlog) end

--- Waits until one of them is ready.
---@param readable? socket.any[]
---@param writable? socket.any[]
---@param timeout? number
---@return table readable by number, and their numbers by themselves
---@return table writable
---@return "timeout"? err
function socket.select(readable, writable, timeout) end

--- Seconds since 1970.
---@return number
function socket.gettime() end
---@param seconds number
function socket.sleep(seconds) end

---@param finalizer? function
---@return fun(...): ...
function socket.newtry(finalizer) end
---@param fn function
---@return function
function socket.protect(fn) end
---@param ... any
---@return any ...
function socket.try(...) end
---@param count integer
---@param ... any
---@return any ...
function socket.skip(count, ...) end
---@param mode "http-chunked"|"close-when-done"|"keep-open"
---@param connection socket.tcp
---@return function
function socket.sink(mode, connection) end
---@param mode "http-chunked"|"by-length"|"until-closed"
---@param connection socket.tcp
---@param length? integer
---@return function
function socket.source(mode, connection, length) end

---@class socket.dns
local dns = {}
---@param name string
---@return string? address
---@return table|string resolved
function dns.toip(name) end
--- An address's own text: nobody is asked for names of addresses.
---@param address string
---@return string? name
---@return table|string resolved
function dns.tohostname(address) end
---@param name string
---@return { addr: string, family: "inet"|"inet6" }[]?
---@return string? err
function dns.getaddrinfo(name) end
---@return string
function dns.gethostname() end

return socket
