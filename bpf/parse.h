/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * From the Ethernet header to the VRRP message. A frame without VRRP leaves
 * as early as it can; all frames of the interface come through here.
 */
#ifndef VRRPX_PARSE_H
#define VRRPX_PARSE_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "sum.h"

#define NOT_VRRP NUM_DROPS

#define PROTO_VRRP 112
#define VLAN_ID_MASK 0x0fff
#define IP_FRAGMENT 0x3fff /* more fragments, or an offset */

struct vlan_tag {
	__be16 tci;
	__be16 proto;
};

/* Where the parser is, and what it must not pass. */
struct cursor {
	void *at;
	void *end;
};

struct frame {
	struct ethhdr *eth;
	__u8 *packet;  /* IP header */
	__u8 *message; /* VRRP */
	void *end;
	__u32 packet_length;  /* IP header and payload */
	__u32 message_offset; /* in packet */
	__u32 message_length;
	__u64 src[2];
	__u64 dst[2];
	__u8 family; /* 4 or 6 */
	__u8 ttl;
	__u8 proto;
	bool ah;
	bool other_vlan;
};

/* Moves over n bytes and returns where they start; NULL when they are cut. */
static __always_inline void *take(struct cursor *c, __u32 n)
{
	void *p = c->at;

	if (p + n > c->end)
		return NULL;
	c->at = p + n;
	return p;
}

/*
 * A tag with VLAN ID 0 carries only a priority. Any other VLAN has a device of
 * its own, on which the frame is judged.
 */
static __always_inline __be16 parse_ethernet(struct cursor *c, struct frame *f)
{
	struct vlan_tag *tag;
	__be16 proto;
	int i;

	f->eth = take(c, sizeof(*f->eth));
	if (!f->eth)
		return 0;
	proto = f->eth->h_proto;

	f->other_vlan = false;
#pragma unroll
	for (i = 0; i < 2; i++) {
		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		tag = take(c, sizeof(*tag));
		if (!tag)
			return 0;
		if (i || tag->tci & bpf_htons(VLAN_ID_MASK))
			f->other_vlan = true;
		proto = tag->proto;
	}
	return proto;
}

static __always_inline enum drop parse_ipv4(struct xdp_md *ctx, struct cursor *c,
					    struct frame *f)
{
	struct iphdr *ip = take(c, sizeof(*ip));

	if (!ip || (ip->protocol != PROTO_VRRP && ip->protocol != IPPROTO_AH))
		return NOT_VRRP;
	f->packet_length = bpf_ntohs(ip->tot_len);
	if (ip->version != 4 || ip->ihl < 5 || f->packet_length < ip->ihl * 4 ||
	    (void *)ip + f->packet_length > c->end ||
	    sum(ctx, (void *)ip - (void *)f->eth, ip->ihl * 4) != 0xffff)
		return DROP_IP_HEADER;
	if (ip->ihl > 5)
		return DROP_IP_OPTIONS;
	if (ip->frag_off & bpf_htons(IP_FRAGMENT))
		return DROP_FRAGMENT;

	f->family = 4;
	f->packet = (__u8 *)ip;
	f->message_offset = sizeof(*ip);
	f->proto = ip->protocol;
	f->ttl = ip->ttl;
	f->src[0] = ip->saddr;
	f->src[1] = 0;
	f->dst[0] = ip->daddr;
	f->dst[1] = 0;
	return ACCEPTED;
}

static __always_inline bool is_ext_header(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
	       next == IPPROTO_FRAGMENT || next == IPPROTO_DSTOPTS;
}

/*
 * A first extension header on its way to a group that may stand before VRRP:
 * it names VRRP, AH or a second extension header, which is not looked behind.
 * MLD is what it often is instead.
 */
static __always_inline bool may_hide_vrrp(struct cursor *c)
{
	__u8 *next = take(c, 1);

	return next && (*next == PROTO_VRRP || *next == IPPROTO_AH || is_ext_header(*next));
}

static __always_inline enum drop parse_ipv6(struct cursor *c, struct frame *f)
{
	struct ipv6hdr *ip = take(c, sizeof(*ip));
	bool ext;

	if (!ip)
		return NOT_VRRP;
	ext = is_ext_header(ip->nexthdr) && ip->daddr.in6_u.u6_addr8[0] == 0xff;
	if (ext && !may_hide_vrrp(c))
		return NOT_VRRP;
	if (!ext && ip->nexthdr != PROTO_VRRP && ip->nexthdr != IPPROTO_AH)
		return NOT_VRRP;
	f->packet_length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (ip->version != 6 || (void *)ip + f->packet_length > c->end)
		return DROP_IP_HEADER;
	if (ext)
		return DROP_EXT_HEADER;

	f->family = 6;
	f->packet = (__u8 *)ip;
	f->message_offset = sizeof(*ip);
	f->proto = ip->nexthdr;
	f->ttl = ip->hop_limit;
	__builtin_memcpy(f->src, &ip->saddr, 16);
	__builtin_memcpy(f->dst, &ip->daddr, 16);
	return ACCEPTED;
}

/*
 * Takes off an Authentication Header (RFC 4302 section 2). One that names
 * another protocol is IPsec's.
 */
static __always_inline enum drop parse_ah(struct cursor *c, struct frame *f)
{
	__u32 room = f->packet_length - f->message_offset;
	__u8 *ah = take(c, 2); /* Next Header and Payload Len */
	__u32 length;

	if (!ah || room < 2 || ah[0] != PROTO_VRRP)
		return NOT_VRRP;
	length = (ah[1] + 2) * 4;
	if (length < AH_HEADER || length > room || !take(c, length - 2))
		return DROP_TRUNCATED;
	f->message_offset += length;
	f->ah = true;
	return ACCEPTED;
}

/*
 * ACCEPTED: f tells where the VRRP message is, and its VRID can be read.
 * NOT_VRRP: none of our business.
 */
static __always_inline enum drop parse(struct xdp_md *ctx, struct frame *f)
{
	struct cursor c = {
		.at = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	enum drop d = NOT_VRRP;
	__be16 proto = parse_ethernet(&c, f);

	if (proto == bpf_htons(ETH_P_IP))
		d = parse_ipv4(ctx, &c, f);
	else if (proto == bpf_htons(ETH_P_IPV6))
		d = parse_ipv6(&c, f);
	if (d != ACCEPTED)
		return d;

	f->ah = false;
	if (f->proto == IPPROTO_AH) {
		d = parse_ah(&c, f);
		if (d != ACCEPTED)
			return d;
	}
	f->end = c.end;
	f->message_length = f->packet_length - f->message_offset;
	f->message = take(&c, 2); /* the VRID is the second byte */
	if (!f->message || f->message_length < 2)
		return DROP_TRUNCATED;
	if (f->other_vlan)
		return DROP_VLAN;
	return ACCEPTED;
}

#endif
