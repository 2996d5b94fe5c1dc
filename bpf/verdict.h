/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What becomes of a judged frame: counted, elided or put on the ring, passed
 * or dropped.
 */
#ifndef VRRPX_VERDICT_H
#define VRRPX_VERDICT_H

#include "abi.h"
#include "maps.h"
#include "parse.h"
#include "judge.h"
#include "instant.h"
#include "gate.h"

#define SECOND_NS 1000000000ULL

/* Bad frames a second and router that are left for tcpdump to see. */
#define BAD_RATE 10
#define BAD_BURST 10

static __always_inline void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

/* Counts field number i of n that follow one another from first. */
static __always_inline void count_field(__u64 *first, __u32 i, __u32 n)
{
	if (i < n)
		count(first + i);
}

/*
 * Takes one from a bucket that fills at rate tokens a second up to burst. The
 * lock makes the bound hold across CPUs; the bucket is one number, the time at
 * which it will be full again (GCRA).
 */
static __always_inline bool take_token(struct router_key *key, enum bucket which, __u64 now,
				       __u32 rate, __u32 burst)
{
	struct buckets *b = bpf_map_lookup_elem(&buckets, key);
	__u64 every = SECOND_NS / rate;
	__u64 most = every * burst;
	__u64 full;
	bool ok;

	if (!b)
		return false;
	bpf_spin_lock(&b->lock);
	full = b->full_ns[which];
	if (after(now, full))
		full = now;
	full += every;
	ok = full - now <= most;
	if (ok)
		b->full_ns[which] = full;
	bpf_spin_unlock(&b->lock);
	return ok;
}

static __always_inline __u32 log2_us(__u64 ns)
{
	__u64 us = ns / 1000;
	__u32 k = 0;

	if (us >> 32)
		return 31;
	if (us >> 16) { us >>= 16; k += 16; }
	if (us >> 8) { us >>= 8; k += 8; }
	if (us >> 4) { us >>= 4; k += 4; }
	if (us >> 2) { us >>= 2; k += 2; }
	return k + (us >> 1);
}

/*
 * Copies length bytes, 8 at least and room at most, to the record. A function
 * of its own, since verifiers before 6.3 forget the bounds of what is spilled,
 * and here there are registers enough.
 */
static __attribute__((noinline)) void copy_packet(__u8 *to, const __u8 *from, __u32 length,
						  const void *end, __u32 room)
{
	__u32 i, last = length - 8;

	if (last > room - 8)
		return;
	if ((void *)(from + last + 8) <= end)
		*(__u64 *)(to + last) = *(__u64 *)(from + last);
	for (i = 0; i < room / 8 && i < length / 8; i++) {
		barrier_var(from);
		if ((void *)(from + 8) > end)
			return;
		*(__u64 *)to = *(__u64 *)from;
		to += 8;
		from += 8;
	}
}

static __always_inline bool push(const struct frame *f, const struct advert *a,
				 const struct router_key *key, __u64 now, __u64 digest,
				 const __u32 room)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e) + room, 0);

	if (!e)
		return false;
	e->at_ns = now;
	e->now_ns = now;
	e->digest = digest;
	e->heard_ns = 0;
	e->key = *key;
	e->kind = EVENT_ADVERT;
	e->pseudo = a->pseudo;
	e->old = a->old;
	e->length = f->packet_length;
	e->message = f->message_offset;
	__builtin_memcpy(e->mac, f->eth->h_source, sizeof(e->mac));
	copy_packet(e->packet, f->packet, f->packet_length, f->end, room);
	bpf_ringbuf_submit(e, 0);
	return true;
}

static __always_inline bool matches(const struct frame *f, const struct advert *a,
				    const struct rule *r, __u64 digest)
{
	return r->elide && digest == r->match_digest && a->priority == r->match_priority &&
	       a->interval == r->match_interval && same_addr(f->src, r->match_src);
}

/*
 * Where every advert has to be verified, which is done above: those that look
 * like the master's must not be crowded out by those that do not.
 */
static __always_inline bool is_master(const struct frame *f, const struct advert *a,
				      const struct rule *r)
{
	const __u16 *mac = (const __u16 *)f->eth->h_source, *want = (const __u16 *)r->match_mac;

	return r->bound && a->priority == r->match_priority &&
	       same_addr(f->src, r->match_src) &&
	       mac[0] == want[0] && mac[1] == want[1] && mac[2] == want[2];
}

/* A flood of low priorities, or of releases, must not hide the advert that decides. */
static __always_inline enum bucket bucket_of(const struct frame *f, const struct advert *a,
					     const struct rule *r)
{
	if (is_master(f, a, r))
		return BUCKET_MASTER;
	if (!a->priority)
		return BUCKET_RELEASE;
	return a->priority >= r->priority ? BUCKET_SIGNIFICANT : BUCKET_OTHER;
}

/* An advert that matched holds off the deadline of the router. */
static __always_inline void refresh(const struct router_key *key, const struct rule *r,
				    struct router_state *st, __u64 now)
{
	struct router_key of = *key;

	if (r->router_ifindex) {
		of.ifindex = r->router_ifindex;
		st = bpf_map_lookup_elem(&state, &of);
	}
	/* Another CPU may have been quicker with a later advert. */
	if (st && after(now, st->refreshed_ns))
		*(volatile __u64 *)&st->refreshed_ns = now;
}

/*
 * How close the master came to being taken for dead. Two CPUs at once may lose one of
 * two gaps; adverts of one sender come on one CPU.
 */
static __always_inline void keep_gap(struct router_state *st, __u64 before, __u64 now)
{
	__u64 window = now >> GAP_SHIFT, gap = now - before;
	struct gap *g = &st->gaps[window % GAP_WINDOWS];

	if (g->window != window) {
		g->longest_ns = 0;
		g->window = window;
	}
	if (gap > g->longest_ns) {
		g->longest_ns = gap;
		g->at_ns = now;
	}
}

/*
 * A valid advert: remembered, and put on the ring when it is news. gated: with
 * takeover in the kernel, whose atomic operations take 5.12. elided: it goes no further.
 */
static __always_inline enum drop accept(struct xdp_md *ctx, const struct frame *f,
					const struct advert *a, struct router_key *key,
					const struct rule *r, struct router_state *st, __u64 now,
					const bool gated, bool *elided)
{
	__u32 offset = f->packet - (__u8 *)f->eth + f->message_offset;
	__u64 d = digest(ctx, offset, f->message_length);
	__u64 before = st->last_match_ns;
	bool pushed;

	count(&st->received);
	count(a->pseudo ? &st->checksum_pseudo : a->old ? &st->checksum_old : &st->checksum_plain);
	st->last_seen_ns = now;

	if (matches(f, a, r, d)) {
		count(&st->matched);
		if (after(now, before)) {
			/*
			 * Not across a change of rule, which may lie between two masters,
			 * or a time in which we were the master.
			 */
			if (before && after(before, r->since_ns)) {
				count_field(st->arrivals, log2_us(now - before), 32);
				keep_gap(st, before, now);
			}
			st->last_match_ns = now;
		}
		refresh(key, r, st, now);
		*elided = !gated || may_keep(f, a, r);
		if (*elided)
			return ACCEPTED;
	} else if (gated) {
		give_way(f, a, r);
	}

	if (!take_token(key, bucket_of(f, a, r), now, r->up_rate, r->up_burst))
		return DROP_OVERFLOW;
	if (gated)
		wait_for_user(a, r);
	if (f->packet_length <= PACKET_USUAL)
		pushed = push(f, a, key, now, d, PACKET_USUAL);
	else
		pushed = push(f, a, key, now, d, PACKET_MAX);
	if (!pushed)
		return DROP_RING_FULL;
	count(&st->sent_up);
	return ACCEPTED;
}

/* A frame that cannot be laid to a router of ours passes as it came. */
static __always_inline int leave(struct iface_counters *ic, enum drop d)
{
	count_field((__u64 *)&ic->drops, d - DROP_IP_HEADER, DROP_TTL - DROP_IP_HEADER);
	count(&ic->passed);
	return XDP_PASS;
}

/* The one exit of what can: a good advert passes, a bad one seldom. */
static __always_inline int verdict(struct iface_counters *ic, struct router_state *st,
				   struct router_key *key, enum drop d, __u64 now)
{
	if (d != ACCEPTED)
		count_field((__u64 *)&st->drops, d - DROP_TTL, NUM_DROPS - DROP_TTL);
	if (d == ACCEPTED || d == DROP_OVERFLOW || d == DROP_RING_FULL ||
	    take_token(key, BUCKET_BAD, now, BAD_RATE, BAD_BURST)) {
		count(&ic->passed);
		return XDP_PASS;
	}
	count(&ic->dropped);
	return XDP_DROP;
}

#endif
