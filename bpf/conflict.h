/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Who else answers for, or announces, an address that is watched: a virtual
 * address that this host holds or is about to take. It shows two holders even
 * where the adverts between them are filtered.
 *
 * Of an ARP packet, RFC 826, the sender's address is looked up, since whoever
 * sends from an address claims it: in a reply, in a gratuitous ARP and in a
 * request for another. A probe (RFC 5227 section 1.1) has the sender 0.0.0.0 and
 * claims nothing; it goes up if it bears the claim of a router like this one
 * behind it. Of neighbour discovery, RFC 4861: advertisements by their target,
 * and solicitations with such a claim as their first option.
 *
 * Where nothing is watched the price is to read one number; else one look-up
 * for each ARP packet, and for each neighbour advertisement.
 */
#ifndef VRRPX_CONFLICT_H
#define VRRPX_CONFLICT_H

#include "abi.h"
#include "maps.h"
#include "parse.h"
#include "verdict.h"
#include "accept.h"

#define ICMP6_HEADER 8     /* with the reserved word or the flags */
#define ND_TARGET    (ICMP6_HEADER + 16)
#define ND_CLAIM     253   /* RFC 4727 section 5: for experiments */

#define CLAIM_EVERY_NS 20000000ULL /* events of one address: 50 a second, */
#define CLAIM_BURST    8           /* and so many at once; */
#define CLAIMS_EVERY_NS 2000000ULL /* of an interface 500 a second, */
#define CLAIMS_BURST    200        /* so that they leave room for adverts on the ring */

/* How many entries watched has. Written by user space alone. */
volatile __u32 watched_count = 0;

#define ARP_ETHERNET 1

/* RFC 826 over Ethernet and IPv4; <linux/if_arp.h> needs a C library. */
struct arp_packet {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_length;
	__u8 protocol_length;
	__be16 operation;
	__u8 sender_mac[6];
	__u8 sender[4];
	__u8 target_mac[6];
	__u8 target[4];
} __attribute__((packed));

static __always_inline bool is_zero4(const __u8 *a)
{
	return !(a[0] | a[1] | a[2] | a[3]);
}

static __always_inline bool arp_claim(struct cursor *c, struct watched_key *key)
{
	struct arp_packet *arp = take(c, sizeof(*arp));
	__u32 *magic;

	if (!arp || arp->hardware != bpf_htons(ARP_ETHERNET) || arp->protocol != bpf_htons(ETH_P_IP) ||
	    arp->hardware_length != 6 || arp->protocol_length != 4)
		return false;
	key->family = 4;
	if (!is_zero4(arp->sender)) {
		__builtin_memcpy(key->address, arp->sender, 4);
		return true;
	}
	/* A probe: only with a claim behind it. */
	magic = take(c, sizeof(*magic));
	if (!magic || *magic != bpf_htonl(CLAIM_MAGIC))
		return false;
	__builtin_memcpy(key->address, arp->target, 4);
	return true;
}

static __always_inline bool nd_claim(struct cursor *c, struct watched_key *key)
{
	struct ipv6hdr *ip = take(c, sizeof(*ip));
	__u8 *nd, *option;

	if (!ip || ip->nexthdr != IPPROTO_ICMPV6 || ip->hop_limit != 255)
		return false;
	nd = take(c, ND_TARGET);
	if (!nd || (nd[0] != ND_SOLICIT && nd[0] != ND_ADVERT))
		return false;
	key->family = 6;
	__builtin_memcpy(key->address, nd + ICMP6_HEADER, 16);
	if (nd[0] == ND_ADVERT)
		return true;
	option = take(c, 2);
	return option && option[0] == ND_CLAIM;
}

/*
 * Takes one from a bucket. Two CPUs may take the same one: the bound is then
 * exceeded by one for each.
 */
static __always_inline bool take_claim(__u64 *bucket, __u64 now, __u64 every, __u64 burst)
{
	__u64 full = *bucket;

	if (after(now, full))
		full = now;
	full += every;
	if (full - now > every * burst)
		return false;
	*bucket = full;
	return true;
}

static __always_inline bool same_mac(const __u8 *a, const __u8 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3] && a[4] == b[4] &&
	       a[5] == b[5];
}

static __always_inline void tell_claim(const struct cursor *end, const struct frame *f,
				       const struct watched_key *key, __u8 *packet, __u64 now)
{
	__u32 length = end->end - (void *)packet;
	struct event *e;

	if (length > PACKET_USUAL)
		length = PACKET_USUAL;
	if (length < 8)
		return;
	e = bpf_ringbuf_reserve(&events, sizeof(*e) + PACKET_USUAL, 0);
	if (!e)
		return;
	__builtin_memset(e, 0, sizeof(*e));
	e->at_ns = now;
	e->now_ns = now;
	e->key.ifindex = key->ifindex;
	e->key.family = key->family;
	e->kind = EVENT_CLAIM;
	e->length = length;
	__builtin_memcpy(e->mac, f->eth->h_source, sizeof(e->mac));
	copy_packet(e->packet, packet, length, end->end, PACKET_USUAL);
	bpf_ringbuf_submit(e, 0);
}

/* Looks at a frame that may be one. The frame goes on as it came. */
static __always_inline void look_for_claim(struct xdp_md *ctx)
{
	struct watched_key key = {};
	struct cursor c = {
		.at = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	struct iface_counters *ic;
	struct watched *w;
	struct frame f;
	__be16 proto;
	__u8 *packet;
	bool claim;
	__u64 now;

	if (!watched_count)
		return;
	proto = parse_ethernet(&c, &f);
	packet = c.at;
	if (proto == bpf_htons(ETH_P_ARP))
		claim = arp_claim(&c, &key);
	else if (proto == bpf_htons(ETH_P_IPV6))
		claim = nd_claim(&c, &key);
	else
		return;
	if (!claim || f.other_vlan)
		return;
	key.ifindex = ctx->ingress_ifindex;
	w = bpf_map_lookup_elem(&watched, &key);
	if (!w || same_mac(f.eth->h_source, w->own))
		return;
	count(&w->claims);
	ic = bpf_map_lookup_elem(&interfaces, &key.ifindex);
	now = bpf_ktime_get_ns();
	if (ic && take_claim(&w->full_ns, now, CLAIM_EVERY_NS, CLAIM_BURST) &&
	    take_claim(&ic->claims_full_ns, now, CLAIMS_EVERY_NS, CLAIMS_BURST))
		tell_claim(&c, &f, &key, packet, now);
}

#endif
