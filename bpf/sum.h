/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Checksum and digest of a stretch of the packet.
 *
 * The two loops are global functions: the verifier looks at each once, with
 * any arguments, rather than once for every path that leads to it.
 */
#ifndef VRRPX_SUM_H
#define VRRPX_SUM_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

/* Set by the loader to a random number, so that nobody can aim a collision. */
const volatile __u64 digest_seed = 0;

/* Brings the carries of a one's complement sum in. */
static __always_inline __u32 fold(__u64 s)
{
	s = (s >> 32) + (s & 0xffffffff);
	s = (s >> 32) + (s & 0xffffffff);
	s = (s >> 16) + (s & 0xffff);
	s = (s >> 16) + (s & 0xffff);
	return (s >> 16) + (s & 0xffff);
}

/*
 * A stretch of the frame: words of 8 bytes from start, and the bytes left over.
 * It is bounded by where its last 8 bytes begin, the one number of which both
 * the least and the most matter: so it is compared once and the verifier
 * remembers.
 */
struct stretch {
	void *start; /* NULL when it does not lie within the frame */
	void *end;   /* of the frame */
	__u32 last;  /* offset of the last 8 bytes */
};

static __always_inline struct stretch stretch(struct xdp_md *ctx, __u32 offset, __u32 length)
{
	void *start = (void *)(long)ctx->data;
	struct stretch s = {.end = (void *)(long)ctx->data_end, .last = length - 8};

	if (offset > PACKET_MAX || s.last > MESSAGE_MAX - 8)
		return s;
	start += offset;
	if (start + s.last + 8 <= s.end)
		s.start = start;
	return s;
}

/*
 * The bytes behind the last whole word, zero padded: the upper part of the
 * last 8 bytes, since behind the stretch there is nothing to read.
 */
static __always_inline __u64 left_over(const struct stretch *s)
{
	__u64 *p = s->start + s->last;
	__u32 left = s->last % 8;

	if (!left || (void *)(p + 1) > s->end)
		return 0;
	return *p >> (64 - 8 * left);
}

/*
 * One's complement sum (RFC 1071) of length bytes from offset, as the machine
 * reads 16-bit words. Less than 8 bytes, or too many, give 0: the sum of no
 * valid message.
 */
__attribute__((noinline)) __u32 sum(struct xdp_md *ctx, __u32 offset, __u32 length)
{
	struct stretch s = stretch(ctx, offset, length);
	__u64 *p = s.start, total, word;
	__u32 i;

	if (!p)
		return 0;
	word = left_over(&s);
	total = (word >> 32) + (word & 0xffffffff);
	for (i = 0; i <= MESSAGE_MAX / 8 && i <= s.last / 8; i++, p++) {
		barrier_var(p); /* or clang does arithmetic on end, which the verifier refuses */
		if ((void *)(p + 1) > s.end)
			return 0;
		word = *p;
		total += (word >> 32) + (word & 0xffffffff);
	}
	return fold(total);
}

/* One step is a bijection of h for any w, and of w for any h. */
static __always_inline __u64 mix(__u64 h, __u64 w)
{
	h = (h ^ w) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

/* A hash of length bytes from offset, to tell one advert from another. */
__attribute__((noinline)) __u64 digest(struct xdp_md *ctx, __u32 offset, __u32 length)
{
	struct stretch s = stretch(ctx, offset, length);
	__u64 *p = s.start, h;
	__u32 i;

	if (!p)
		return 0;
	h = mix(mix(digest_seed, length), left_over(&s));
	for (i = 0; i <= MESSAGE_MAX / 8 && i <= s.last / 8; i++, p++) {
		barrier_var(p);
		if ((void *)(p + 1) > s.end)
			return 0;
		h = mix(h, *p);
	}
	return h;
}

#endif
