/* SPDX-License-Identifier: MIT */
/*
 * lwipopts.h: how lwIP is configured.
 *
 * What depends on the machine's memory is a variable, set at the start: see
 * memory.c. Memory comes from there, too: lwIP's own pools are left out.
 */
#ifndef LUNIK_LWIPOPTS_H
#define LUNIK_LWIPOPTS_H

/* ---- No threads: everything runs in the loop or in a fiber ---- */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_NETIF_API 0
#define LWIP_STATS 0
#define LWIP_TIMERS 1
#define LWIP_TIMERS_CUSTOM 1 /* timers.c: nothing periodic without need */

/* ---- Memory: see memory.c ---- */
#define MEM_ALIGNMENT 8
#define MEM_CUSTOM_ALLOCATOR 1
#define MEMP_MEM_MALLOC 1
#define MEMP_NUM_REASSDATA 16
#define MEMP_NUM_FRAG_PBUF 64
#define MEMP_NUM_ARP_QUEUE 64
#define MEMP_NUM_ND6_QUEUE 64
#define MEMP_NUM_IGMP_GROUP 32
#define MEMP_NUM_MLD6_GROUP 64
#define PBUF_POOL_BUFSIZE 1600
#define LWIP_SUPPORT_CUSTOM_PBUF 1

/* ---- Link ---- */
#define LWIP_ETHERNET 1
#define LWIP_ARP 1
#define ETH_PAD_SIZE 0
#define ARP_TABLE_SIZE 64
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 4
#define LWIP_NETIF_HWADDRHINT 1
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_LINK_CALLBACK 0
#define LWIP_NETIF_HOSTNAME 1
#define LWIP_HAVE_LOOPIF 1
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_LOOPBACK_MAX_PBUFS 2048
#define LWIP_NUM_NETIF_CLIENT_DATA 1
#define LWIP_SINGLE_NETIF 0

/* ---- IPv4 ---- */
#define LWIP_IPV4 1
#define IP_FORWARD 0
#define IP_OPTIONS_ALLOWED 0 /* no source routing, no record route */
#define IP_REASSEMBLY 1
#define IP_FRAG 1
#define IP_REASS_MAX_PBUFS 128
#define IP_SOF_BROADCAST 1
#define LWIP_ICMP 1
#define LWIP_MULTICAST_PING 0
#define LWIP_BROADCAST_PING 0
#define LWIP_RAW 0
#define LWIP_IGMP 1
#define LWIP_DHCP 1
#define LWIP_ACD 1
#define LWIP_DHCP_DOES_ACD_CHECK 1
#define LWIP_AUTOIP 0
#define LWIP_INLINE_IP_CHKSUM 1

/* ---- IPv6 ---- */
#define LWIP_IPV6 1
#define LWIP_IPV6_NUM_ADDRESSES 6
#define LWIP_IPV6_FORWARD 0
#define LWIP_IPV6_AUTOCONFIG 1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 1
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 1
#define LWIP_IPV6_ADDRESS_LIFETIMES 1
#define LWIP_IPV6_REASS 1
#define LWIP_IPV6_FRAG 1
#define IPV6_FRAG_COPYHEADER 1
#define MEMP_NUM_IP6_REASSDATA 16
#define IP_REASS_MAXAGE 15
#define IPV6_REASS_MAXAGE 15
#define LWIP_IPV6_DHCP6 0
#define LWIP_IPV6_MLD 1
#define LWIP_ND6_NUM_NEIGHBORS 32
#define LWIP_ND6_NUM_DESTINATIONS 32
#define LWIP_ND6_NUM_PREFIXES 4
#define LWIP_ND6_NUM_ROUTERS 3
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 2
#define LWIP_ND6_QUEUEING 1
#define LWIP_ICMP6_CHECKSUM_HDR 1

/* ---- UDP ---- */
#define LWIP_UDP 1
#define LWIP_UDPLITE 0
#define LWIP_NETBUF_RECVINFO 0
#define LWIP_MULTICAST_TX_OPTIONS 1

/* ---- DNS: resolve.c. lwIP's modules tell it of servers as if it were their
 * own. ---- */
#define LWIP_DNS 1
#define DNS_MAX_SERVERS 4
#define LWIP_DHCP_MAX_DNS_SERVERS 2
#define LWIP_DNS_SECURE 0

/* ---- TCP ---- */
#define LWIP_TCP 1
#define TCP_MSS 1460
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 4
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
#define TCP_WND lunik_lwip_window
#define TCP_SND_BUF lunik_lwip_send_buffer
#define TCP_SND_QUEUELEN lunik_lwip_send_queue
#define TCP_SNDLOWAT (lunik_lwip_send_buffer / 4)
#define TCP_SNDQUEUELOWAT (lunik_lwip_send_queue / 4)
/* A peer that does not scale has 64 KiB at most, and must hear of a quarter. */
#define TCP_WND_UPDATE_THRESHOLD LWIP_MIN(lunik_lwip_window / 4, 16384)
#define TCP_OVERSIZE 640
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_BYTES lunik_lwip_window
#define TCP_OOSEQ_MAX_PBUFS 384
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_MAX_SACK_NUM 4
#define LWIP_TCP_TIMESTAMPS 0
#define TCP_LISTEN_BACKLOG 0 /* bounded in tcp_table.c, and by each socket */
#define LWIP_TCP_RTO_TIME 1000
#define TCP_MSL 15000UL
#define TCP_MAXRTX 8 /* some six minutes without an answer */
#define LWIP_TCP_KEEPALIVE 1
#define SO_REUSE 1
#define SO_REUSE_RXTOALL 1
#define TCP_DEFAULT_LISTEN_BACKLOG 255

/* ---- Checksums: in software only where a device does not ---- */
#define LWIP_CHECKSUM_ON_COPY 0
#define LWIP_CHKSUM lunik_lwip_checksum

#define LWIP_HOOK_FILENAME "lunik_hooks.h"

#endif
