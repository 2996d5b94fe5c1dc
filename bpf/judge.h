/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Whether a message is an advert that its router may listen to. The order is
 * that of vrrp.Judge, the same in Go; a fuzz test holds the two together.
 */
#ifndef VRRPX_JUDGE_H
#define VRRPX_JUDGE_H

#include <bpf/bpf_endian.h>
#include "abi.h"
#include "maps.h"
#include "parse.h"
#include "sum.h"

#define TYPE_ADVERT 1
#define INTERVAL_MASK 0x0fff /* the other four bits of v3 are reserved */

/* What judge learns beside its verdict. */
struct advert {
	__u8 priority;
	__u16 interval; /* as on the wire */
	bool pseudo;    /* the checksum includes the pseudo-header */
	bool old;       /* or one whose destination is the multicast group */
};

static __always_inline bool same_addr(const __u64 *a, const void *b)
{
	const __u64 *w = b;

	return a[0] == w[0] && a[1] == w[1];
}

/* Unspecified, loopback or multicast: no host sends from there. */
static __always_inline bool bad_source(const struct frame *f)
{
	const __u8 *b = (const __u8 *)f->src;

	if (f->family == 4)
		return !f->src[0] || b[0] == 127 || b[0] >> 4 == 14;
	return b[0] == 0xff || (!f->src[0] && (!f->src[1] || f->src[1] == bpf_cpu_to_be64(1)));
}

/*
 * Whether a router with unicast peers listens to this sender at all, before
 * anything in the message is judged: what a TTL of 255 is to multicast.
 */
static __always_inline enum drop judge_peer(const struct frame *f, const struct router_key *key,
					    const struct rule *r)
{
	struct peer_key from = {.router = *key};
	struct peer *p;

	if (!same_addr(f->dst, r->group))
		return DROP_DESTINATION;
	if (r->any_source)
		return ACCEPTED;
	__builtin_memcpy(from.src, f->src, sizeof(from.src));
	p = bpf_map_lookup_elem(&peers, &from);
	if (!p)
		return DROP_UNKNOWN_PEER;
	if (f->ttl < p->min_ttl || f->ttl > p->max_ttl)
		return DROP_TTL;
	return ACCEPTED;
}

static __always_inline __u64 pseudo_sum(const struct frame *f, const __u64 *dst, __u32 length)
{
	__u64 s = bpf_htons(PROTO_VRRP) + bpf_htons(length);
	int i;

#pragma unroll
	for (i = 0; i < 2; i++) {
		s += (f->src[i] >> 32) + (f->src[i] & 0xffffffff);
		s += (dst[i] >> 32) + (dst[i] & 0xffffffff);
	}
	return s;
}

/*
 * v2 sums the message; v3 over IPv6 the whole payload and the pseudo-header. Of
 * v3 over IPv4 two readings are in use, and both are taken: the message alone
 * (RFC 9568 section 5.2.8), or the pseudo-header too (RFC 5798). Of unicast there
 * is a third, keepalived's until 1.3.6, with the group for the destination.
 */
static __always_inline bool checksum_right(struct xdp_md *ctx, const struct frame *f,
					   const struct rule *r, __u32 length, __u8 version,
					   struct advert *a)
{
	__u32 offset = f->packet - (__u8 *)f->eth + f->message_offset;
	__u32 s;

	if (f->family == 6)
		length = f->message_length;
	s = sum(ctx, offset, length);
	if (f->family == 4 && s == 0xffff)
		return true;
	if (version != 3)
		return false;
	a->pseudo = fold(s + pseudo_sum(f, f->dst, length)) == 0xffff;
	if (!a->pseudo && r->old_form) {
		__u64 group[2];

		__builtin_memcpy(group, r->old_group, sizeof(group));
		a->old = fold(s + pseudo_sum(f, group, length)) == 0xffff;
	}
	return a->pseudo || a->old;
}

static __always_inline enum drop judge(struct xdp_md *ctx, const struct frame *f,
				       const struct router_key *key, const struct rule *r,
				       struct advert *a)
{
	const __u8 *m = f->message;
	__u8 version = m[0] >> 4;
	__u32 length;

	if (r->unicast) {
		enum drop d = judge_peer(f, key, r);

		if (d != ACCEPTED)
			return d;
	} else if (f->ttl != 255) {
		return DROP_TTL;
	}
	if ((r->auth == AUTH_AH) != f->ah)
		return DROP_AUTH_TYPE;
	if (version != r->version)
		return DROP_VERSION;
	if ((m[0] & 15) != TYPE_ADVERT)
		return DROP_TYPE;
	if (f->message_length < VRRP_HEADER || (void *)m + VRRP_HEADER > f->end)
		return DROP_LENGTH;
	length = VRRP_HEADER + m[3] * (f->family == 4 ? 4 : 16) +
		 (version == 2 ? V2_AUTH_DATA : 0);
	if (f->message_length < length || f->message_length > MESSAGE_MAX)
		return DROP_LENGTH;
	if (!checksum_right(ctx, f, r, length, version, a))
		return DROP_CHECKSUM;
	if (!same_addr(f->dst, r->group))
		return DROP_DESTINATION;
	if (bad_source(f))
		return DROP_SOURCE;
	if (same_addr(f->src, r->own))
		return DROP_OWN;

	a->priority = m[2];
	if (version == 3) {
		a->interval = (m[4] << 8 | m[5]) & INTERVAL_MASK;
		if (!a->interval)
			return DROP_INTERVAL_ZERO;
		return ACCEPTED;
	}
	a->interval = m[5];
	if (m[4] != r->auth)
		return DROP_AUTH_TYPE;
	if (r->interval && a->interval != r->interval)
		return DROP_INTERVAL;
	return ACCEPTED;
}

#endif
