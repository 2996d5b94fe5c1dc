/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A MASTER whose process is stopped, and whose gate is latched, still has its
 * virtual addresses: the host would go on answering ARP for them beside whoever
 * has taken over. So questions for them are dropped here until user space has
 * opened the gate again or the addresses have gone. What comes to the addresses
 * by the caches of others is not: their new holder's announcement mends those.
 *
 * ARP, RFC 826, requests by their target, unless the sender's own address, which
 * is no question; neighbour solicitations, RFC 4861, by theirs.
 */
#ifndef VRRPX_ANSWER_H
#define VRRPX_ANSWER_H

#include "abi.h"
#include "maps.h"
#include "parse.h"
#include "gate.h"
#include "conflict.h"

#define ARP_REQUEST 1

static __always_inline bool same4(const __u8 *a, const __u8 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

static __always_inline bool arp_question(struct cursor *c, struct watched_key *key)
{
	struct arp_packet *arp = take(c, sizeof(*arp));

	if (!arp || arp->hardware != bpf_htons(ARP_ETHERNET) || arp->protocol != bpf_htons(ETH_P_IP) ||
	    arp->operation != bpf_htons(ARP_REQUEST) || same4(arp->sender, arp->target))
		return false;
	key->family = 4;
	__builtin_memcpy(key->address, arp->target, 4);
	return true;
}

static __always_inline bool nd_question(struct cursor *c, struct watched_key *key)
{
	struct ipv6hdr *ip = take(c, sizeof(*ip));
	__u8 *nd;

	if (!ip || ip->nexthdr != IPPROTO_ICMPV6)
		return false;
	nd = take(c, ND_TARGET);
	if (!nd || nd[0] != ND_SOLICIT)
		return false;
	key->family = 6;
	__builtin_memcpy(key->address, nd + ICMP6_HEADER, 16);
	return true;
}

/* Whether a frame is a question that this host is not to answer now. */
static __always_inline bool unanswered(struct xdp_md *ctx)
{
	struct watched_key key = {};
	struct cursor c = {
		.at = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	struct watched *w;
	struct slot *s;
	struct frame f;
	__be16 proto;
	__u64 gate;
	bool question;

	if (!watched_count)
		return false;
	proto = parse_ethernet(&c, &f);
	if (proto == bpf_htons(ETH_P_ARP))
		question = arp_question(&c, &key);
	else if (proto == bpf_htons(ETH_P_IPV6))
		question = nd_question(&c, &key);
	else
		return false;
	if (!question || f.other_vlan)
		return false;
	key.ifindex = ctx->ingress_ifindex;
	w = bpf_map_lookup_elem(&watched, &key);
	if (!w)
		return false;
	s = slot_of(w->slot);
	if (!s)
		return false;
	gate = *(volatile __u64 *)&s->gate & GATE_MASK;
	if (gate != GATE_YIELDED && gate != GATE_LAPSED && gate != GATE_FROZEN)
		return false;
	count(&w->unanswered);
	return true;
}

#endif
