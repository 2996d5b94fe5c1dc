/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Which packets a MASTER without Accept_Mode does not take (RFC 9568 section
 * 6.4.3): those addressed to a virtual address of its router. ARP is none of
 * them, and neighbour discovery is let through.
 *
 * All frames of the interface pass here before anything else looks at them, so
 * where no router asks for it the price is to read one number.
 */
#ifndef VRRPX_ACCEPT_H
#define VRRPX_ACCEPT_H

#include <linux/icmpv6.h>
#include "abi.h"
#include "maps.h"
#include "parse.h"

#define ND_SOLICIT 135 /* RFC 4861 section 4.3 */
#define ND_ADVERT 136

/* How many entries no_accept has. Written by user space alone. */
volatile __u32 no_accept_count = 0;

/*
 * Neighbour solicitation and advertisement, which must never be dropped. They
 * stand behind no extension header: what claims to is another packet.
 */
static __always_inline bool is_neighbour_discovery(struct cursor *c, __u8 next)
{
	__u8 *type = next == IPPROTO_ICMPV6 ? take(c, 1) : NULL;

	return type && (*type == ND_SOLICIT || *type == ND_ADVERT);
}

/*
 * An address is one for the whole host, which takes packets to it from any
 * interface; a link-local one is its interface's.
 */
static __always_inline bool link_local6(const struct in6_addr *a)
{
	return a->in6_u.u6_addr8[0] == 0xfe && (a->in6_u.u6_addr8[1] & 0xc0) == 0x80;
}

/* The destination of a frame that could be refused; false: there is none. */
static __always_inline bool refusable(struct xdp_md *ctx, struct no_accept_key *key)
{
	struct cursor c = {
		.at = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	struct frame f;
	__be16 proto = parse_ethernet(&c, &f);

	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = take(&c, sizeof(*ip));

		if (!ip || f.other_vlan)
			return false;
		key->family = 4;
		__builtin_memcpy(key->address, &ip->daddr, sizeof(ip->daddr));
		return true;
	}
	if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = take(&c, sizeof(*ip));

		if (!ip || f.other_vlan || is_neighbour_discovery(&c, ip->nexthdr))
			return false;
		key->family = 6;
		if (link_local6(&ip->daddr))
			key->ifindex = ctx->ingress_ifindex;
		__builtin_memcpy(key->address, &ip->daddr, sizeof(ip->daddr));
		return true;
	}
	return false;
}

/* Tells whether the frame is to be dropped, and counts it. */
static __always_inline bool refused(struct xdp_md *ctx)
{
	struct no_accept_key key = {};
	struct no_accept *a;

	if (!no_accept_count || !refusable(ctx, &key))
		return false;
	a = bpf_map_lookup_elem(&no_accept, &key);
	if (!a)
		return false;
	__sync_fetch_and_add(&a->dropped, 1);
	return true;
}

#endif
