# upstream.cmake: which of lwIP's files are compiled.
#
# Left out: the sequential API and applications, memory (mem.c, memp.c), timers
# and DNS, which the port has in its own way.

# What runs for every packet.
set(_lwip_hot
    core/ipv4/etharp.c
    core/ipv4/ip4.c
    core/pbuf.c
    core/tcp_in.c
    core/tcp_out.c
    netif/ethernet.c)
set(_lwip_cold
    core/def.c
    core/inet_chksum.c
    core/ip.c
    core/ipv4/acd.c
    core/ipv4/dhcp.c
    core/ipv4/icmp.c
    core/ipv4/igmp.c
    core/ipv4/ip4_addr.c
    core/ipv4/ip4_frag.c
    core/ipv6/ethip6.c
    core/ipv6/icmp6.c
    core/ipv6/inet6.c
    core/ipv6/ip6.c
    core/ipv6/ip6_addr.c
    core/ipv6/ip6_frag.c
    core/ipv6/mld6.c
    core/ipv6/nd6.c
    core/netif.c
    core/tcp.c
    core/udp.c)
list(TRANSFORM _lwip_hot PREPEND "${LUNIK_DEP_LWIP_DIR}/src/")
list(TRANSFORM _lwip_cold PREPEND "${LUNIK_DEP_LWIP_DIR}/src/")
