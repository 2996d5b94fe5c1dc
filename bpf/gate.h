/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Takeover in the kernel: the deadline of a BACKUP opens the gate of its slot in
 * the advert clock, and a better advert shuts it, whatever the process is doing.
 *
 * The two may meet in one instant, on two CPUs. Each writes first and then looks
 * at what the other writes, with a full barrier in between:
 *
 *	the deadline                        the advert
 *	1 gate: ARMED to TAKING             1 refreshed_ns = now
 *	2 refreshed_ns: still due?          2 gate: ARMED? kept silently
 *	3 gate: TAKING to OPEN                 TAKING or OPEN? to YIELDED, sent up
 *
 * If the advert finds ARMED, its stamp was there before the gate was TAKING, so
 * that the deadline finds it at 2 and goes back to ARMED. If it finds TAKING, 3
 * fails. So no advert is kept silently by a router whose gate is open, and no gate
 * stays open after a better advert. The record that tells of a takeover is
 * reserved on the ring before 1: user space sees it before the advert that ends it.
 *
 * The gate's word counts its changes. Who opens it has been told the word with
 * which it was armed: once user space has changed anything, a deadline that was
 * armed before opens nothing.
 */
#ifndef VRRPX_GATE_H
#define VRRPX_GATE_H

#include <bpf/bpf_endian.h>
#include "abi.h"
#include "maps.h"
#include "instant.h"
#include "parse.h"
#include "judge.h"

/* The slot of a rule or a deadline, which count from 1. */
static __always_inline struct slot *slot_of(__u32 number)
{
	__u32 n = number - 1;

	return number ? bpf_map_lookup_elem(&slots, &n) : NULL;
}

static __always_inline __u64 turned(__u64 word, enum gate gate)
{
	return ((word >> GATE_BITS) + 1) << GATE_BITS | gate;
}

/* Changes the gate from what it was known to be. */
static __always_inline bool turn(struct slot *s, __u64 word, enum gate gate)
{
	return __sync_val_compare_and_swap(&s->gate, word, turned(word, gate)) == word;
}

/* The gate as it is after all that this CPU has written: a full barrier, and a look. */
static __always_inline enum gate look_at_gate(struct slot *s)
{
	return __sync_fetch_and_or(&s->gate, 0) & GATE_MASK;
}

static __always_inline bool announces(enum gate gate)
{
	return gate == GATE_TAKING || gate == GATE_OPEN;
}

/* Whether an advert ends our being MASTER (RFC 9568 section 6.4.3). */
static __always_inline bool beats(const struct frame *f, const struct advert *a, const struct rule *r)
{
	const __u64 *own = (const __u64 *)r->own;
	__u64 high = bpf_be64_to_cpu(f->src[0]), own_high = bpf_be64_to_cpu(own[0]);

	if (a->priority != r->priority)
		return a->priority > r->priority;
	if (high != own_high)
		return high > own_high;
	return bpf_be64_to_cpu(f->src[1]) > bpf_be64_to_cpu(own[1]);
}

/* Shuts a gate for an advert. Who is quicker with it than that is user space. */
static __always_inline void yield(struct slot *s, bool open, bool armed)
{
	__u64 word;
	enum gate gate;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		word = *(volatile __u64 *)&s->gate;
		gate = word & GATE_MASK;
		if (!(open && announces(gate)) && !(armed && gate == GATE_ARMED))
			return;
		if (turn(s, word, GATE_YIELDED))
			return;
	}
}

/*
 * An advert that the rule knows, already stamped. False: it is to go up all the
 * same, since the kernel has made us MASTER meanwhile and user space has to see
 * what came after that.
 */
static __always_inline bool may_keep(const struct frame *f, const struct advert *a,
				     const struct rule *r)
{
	struct slot *s = slot_of(r->slot);

	if (!s || !announces(look_at_gate(s)))
		return true;
	if (beats(f, a, r))
		yield(s, true, false);
	return false;
}

/*
 * Any other advert that beats us ends a MASTER, if no password is left to be
 * checked in it. A BACKUP whose process is stopped does not take over from its
 * sender, of whose interval the deadline knows nothing.
 */
static __always_inline void give_way(const struct frame *f, const struct advert *a,
				     const struct rule *r)
{
	struct slot *s = slot_of(r->slot);

	if (s && beats(f, a, r))
		yield(s, r->auth == AUTH_NONE, true);
}

/*
 * An advert that does not beat us and goes up: to a BACKUP that does not preempt
 * it is that of a master too. The kernel takes nothing over before user space has
 * seen it and arms the gate again. A release speaks for nobody.
 */
static __always_inline void wait_for_user(const struct advert *a, const struct rule *r)
{
	struct slot *s = slot_of(r->slot);

	if (s && a->priority)
		yield(s, false, true);
}

/* What became of a deadline that has passed. */
enum taking {
	TAKING_NOT,   /* user space is to take over */
	TAKING_LATER, /* an advert came in this instant, or the ring is full */
	TAKING_DONE,
};

/*
 * Opens the gate of a router whose deadline has passed, and tells user space.
 * Only while the lease is fresh: a host whose process cannot install the address
 * must not silence a healthy router for longer.
 */
static __always_inline enum taking take_over(const struct router_key *key, struct deadline *d,
					     const struct router_state *st, __u64 at, __u64 heard,
					     __u64 now)
{
	struct slot *s = slot_of(d->slot);
	__u32 zero = 0;
	struct lease *l = bpf_map_lookup_elem(&lease, &zero);
	__u64 boot = bpf_ktime_get_boot_ns(), was, word = d->gate;
	struct event *e;

	if (!s || !l || !s->lease_ns || (__s64)(boot - l->renewed_boot_ns) > (__s64)s->lease_ns)
		return TAKING_NOT;
	was = *(volatile __u64 *)&s->due_ns;
	if (*(volatile __u64 *)&s->gate != word)
		return TAKING_NOT;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return TAKING_LATER;
	__sync_val_compare_and_swap(&s->due_ns, was, now);
	s->sent_ns = now; /* the clock looks at these, for a freeze */
	s->sent_boot_ns = boot;
	if (!turn(s, word, GATE_TAKING)) {
		bpf_ringbuf_discard(e, 0);
		return TAKING_NOT;
	}
	word = turned(word, GATE_TAKING);
	if (*(volatile __u64 *)&st->refreshed_ns != heard) {
		/* Back to where it was, if the advert has not shut the gate. */
		if (turn(s, word, GATE_ARMED))
			d->gate = turned(word, GATE_ARMED);
		bpf_ringbuf_discard(e, 0);
		return TAKING_LATER;
	}
	if (!turn(s, word, GATE_OPEN)) {
		bpf_ringbuf_discard(e, 0);
		return TAKING_LATER; /* and then the gate is not ARMED */
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->at_ns = at;
	e->now_ns = now;
	e->heard_ns = heard;
	e->gate = turned(word, GATE_OPEN);
	e->slot = d->slot;
	e->key = *key;
	e->kind = EVENT_TAKEN;
	bpf_ringbuf_submit(e, 0);
	return TAKING_DONE;
}

/*
 * Tells the clock of an armed slot when its seed is to be there: at the deadline,
 * when the timer's first look before it has found adverts missing. Else 0, and the
 * clock looks again after watch_ns, which is less than from that look to the
 * deadline.
 */
static __always_inline void expect(const struct deadline *d, __u64 at)
{
	struct slot *s = slot_of(d->slot);
	__u64 was;

	if (!s)
		return;
	was = *(volatile __u64 *)&s->due_ns;
	if (*(volatile __u64 *)&s->gate == d->gate)
		__sync_val_compare_and_swap(&s->due_ns, was, at);
}

#endif
