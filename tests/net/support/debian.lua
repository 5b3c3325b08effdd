-- SPDX-License-Identifier: MIT
-- debian.lua: a Linux VM to compare with, made of Debian's own packages: its
-- kernel, and an initial RAM disk with busybox, Lua with LuaSocket, and nginx.
--
-- The packages are fetched by apt-get at run time into build/linux-vm and stay
-- there; nothing of them is part of this project.

local fs = require "util.fs"
local process = require "util.process"
local suite = require "suite"

local debian = {}

local KERNEL = "linux-image-cloud-amd64"
local PACKAGES = {
  "busybox-static", "lua5.4", "lua-socket", "nginx", "nginx-common", "libc6", "libcrypt1",
  "libpcre2-8-0", "libssl3", "zlib1g", "libreadline8", "libtinfo6",
}
-- In the order in which they need each other.
local MODULES = {
  "virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
  "virtio-rng", "failover", "net_failover", "virtio_net",
}

-- What nginx is asked to do is what httpd.lua does.
local NGINX = [[
worker_processes 1;
daemon off;
error_log /dev/null crit;
pid /run/nginx.pid;
events { worker_connections 16384; }
http {
  access_log off;
  default_type text/plain;
  keepalive_requests 1000000000;
  keepalive_timeout 3600;
  client_body_temp_path /tmp; proxy_temp_path /tmp; fastcgi_temp_path /tmp;
  uwsgi_temp_path /tmp; scgi_temp_path /tmp;
  server {
    listen 8080 backlog=4096;
    location / { return 200 "Hello from Lua!\n"; }
  }
}
]]

local PASSWD = [[
root:x:0:0:root:/:/bin/sh
www-data:x:33:33::/:/bin/sh
nobody:x:65534:65534::/:/bin/sh
]]
local GROUP = "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n"

-- The first process. The launch line says the address and what to run.
local INIT = [[
#!/bin/busybox sh
B=/bin/busybox
$B mkdir -p /proc /sys /dev /tmp /run /var/log/nginx /var/lib/nginx
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
$B mount -t devtmpfs dev /dev 2>/dev/null
for word in $($B cat /proc/cmdline); do
    case $word in
    lunik.ip=*) address=${word#*=} ;;
    lunik.run=*) run=${word#*=} ;;
    esac
done
for m in @MODULES@; do $B insmod /modules/$m.ko; done
$B ip link set lo up
$B ip addr add $address dev eth0
$B ip link set eth0 up
ulimit -n 65536
echo 4096 >/proc/sys/net/core/somaxconn
echo 4096 >/proc/sys/net/ipv4/tcp_max_syn_backlog
case $run in
lua:*) cd /programs && /usr/bin/lua5.4 ${run#lua:} 8080 ;;
c:*) /programs/${run#c:} 8080 ;;
nginx) echo "Listening on port 8080" && /usr/sbin/nginx -c /nginx.conf ;;
esac
$B poweroff -f
]]

local function must(words, options)
  local said, status = process.run(words, options)
  if status ~= 0 then error(("%s failed: %s"):format(words[1], said), 2) end
  return said
end

local function fetch(folder)
  local versioned = must({ "apt-cache", "depends", KERNEL }):match "Depends: (linux%-image%-%S+)"
  if not versioned then suite.skip("apt knows no " .. KERNEL .. " (apt-get update)") end
  fs.make_folder(folder .. "/packages")
  local words = { "apt-get", "download", versioned, table.unpack(PACKAGES) }
  local said, status = process.run(words, { folder = folder .. "/packages", timeout = 300 })
  if status ~= 0 then suite.skip("apt-get download failed: " .. (said:match "E: [^\n]*" or said)) end
  return versioned
end

local function unpack_all(folder)
  local root, kernel = folder .. "/root", folder .. "/kernel"
  for _, name in ipairs(fs.list(folder .. "/packages")) do
    local to = name:match "^linux%-image" and kernel or root
    fs.make_folder(to)
    must { "dpkg-deb", "-x", folder .. "/packages/" .. name, to }
  end
  -- Debian's / has links for these.
  for _, name in ipairs { "sbin", "lib64", "lib" } do
    if not fs.kind(root .. "/" .. name) then fs.make_folder(root .. "/" .. name) end
  end
  return root, kernel
end

local function copy_modules(root, kernel)
  local paths = {}
  for _, path in ipairs(fs.walk(kernel)) do
    local name = path:match "([^/]*)%.ko$"
    if name then paths[name] = kernel .. "/" .. path end
  end
  for _, name in ipairs(MODULES) do
    assert(paths[name], "the kernel has no module " .. name)
    fs.write(("%s/modules/%s.ko"):format(root, name), fs.read(paths[name]))
  end
end

-- Leaves out what nobody reads, so that the disk fits a small memory.
local function strip(root)
  for _, path in ipairs(fs.walk(root)) do
    if path:match "^usr/share/" or path:match "/gconv/" or path:match "lua5%.[123]"
      or path:match "libnginx" or path:match "%.a$" then
      os.remove(root .. "/" .. path)
    end
  end
end

local function pack(root, out)
  -- busybox has the archiver that a small machine may lack.
  local script = ("cd '%s' && find . | ./bin/busybox cpio -o -H newc 2>/dev/null | gzip -1 >'%s'")
    :format(root, out)
  must { "sh", "-c", script }
end

local function find_kernel(kernel)
  for _, name in ipairs(fs.list(kernel .. "/boot")) do
    if name:match "^vmlinuz" then return kernel .. "/boot/" .. name end
  end
  error "the kernel package has no kernel"
end

-- The base, made once: folder with root/ and kernel/.
local function base()
  local folder = suite.root .. "/build/linux-vm"
  if fs.is_file(folder .. "/made") then return folder end
  if not fs.find_command "apt-get" or not fs.find_command "dpkg-deb" then
    suite.skip "needs apt-get and dpkg-deb to fetch Debian's kernel"
  end
  fs.make_folder(folder)
  local version = fetch(folder)
  local root, kernel = unpack_all(folder)
  copy_modules(root, kernel)
  strip(root)
  fs.write(folder .. "/made", version .. "\n")
  return folder
end

-- The kernel, and an initial RAM disk that also holds (programs), name ->
-- path of a file on the host. Gives both paths.
function debian.disk(programs)
  local folder = base()
  local root = folder .. "/root"
  fs.write_if_changed(root .. "/nginx.conf", NGINX)
  fs.write_if_changed(root .. "/etc/passwd", PASSWD)
  fs.write_if_changed(root .. "/etc/group", GROUP)
  fs.write_if_changed(root .. "/init", (INIT:gsub("@MODULES@", table.concat(MODULES, " "))), 493)
  for name, path in pairs(programs or {}) do
    fs.write_if_changed(root .. "/programs/" .. name, fs.read(path), 493)
  end
  local disk = folder .. "/initrd.gz"
  pack(root, disk)
  return find_kernel(folder .. "/kernel"), disk
end

-- Which kernel it is.
function debian.version() return fs.read(base() .. "/made"):match "%S+" end

return debian
