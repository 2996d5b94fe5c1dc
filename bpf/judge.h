/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Whether a message is an advert that its router may listen to. The order is
 * that of vrrp.Judge, the same in Go; a fuzz test holds the two together.
 */
#ifndef VRRPX_JUDGE_H
#define VRRPX_JUDGE_H

#include <bpf/bpf_endian.h>
#include "abi.h"
#include "parse.h"
#include "sum.h"

#define TYPE_ADVERT 1
#define INTERVAL_MASK 0x0fff /* the other four bits of v3 are reserved */

/* What judge learns beside its verdict. */
struct advert {
	__u8 priority;
	__u16 interval; /* as on the wire */
	bool pseudo;    /* the checksum includes the pseudo-header */
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

static __always_inline __u64 pseudo_sum(const struct frame *f, __u32 length)
{
	__u64 s = bpf_htons(PROTO_VRRP) + bpf_htons(length);
	int i;

#pragma unroll
	for (i = 0; i < 2; i++) {
		s += (f->src[i] >> 32) + (f->src[i] & 0xffffffff);
		s += (f->dst[i] >> 32) + (f->dst[i] & 0xffffffff);
	}
	return s;
}

/*
 * v2 sums the message; v3 over IPv6 the whole payload and the pseudo-header. Of
 * v3 over IPv4 two readings are in use, and both are taken: the message alone
 * (RFC 9568 section 5.2.8), or the pseudo-header too (RFC 5798).
 */
static __always_inline bool checksum_right(struct xdp_md *ctx, const struct frame *f,
					   __u32 length, __u8 version, bool *pseudo)
{
	__u32 offset = f->packet - (__u8 *)f->eth + f->message_offset;
	__u32 s;

	if (f->family == 6)
		length = f->message_length;
	s = sum(ctx, offset, length);
	*pseudo = false;
	if (f->family == 4 && s == 0xffff)
		return true;
	*pseudo = true;
	return version == 3 && fold(s + pseudo_sum(f, length)) == 0xffff;
}

static __always_inline enum drop judge(struct xdp_md *ctx, const struct frame *f,
				       const struct rule *r, struct advert *a)
{
	const __u8 *m = f->message;
	__u8 version = m[0] >> 4;
	__u32 length;

	if (f->ttl != 255)
		return DROP_TTL;
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
	if (!checksum_right(ctx, f, length, version, &a->pseudo))
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
