/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The advert clock. BPF cannot make a packet, so one seed frame circulates in a
 * private veth pair. On each lap this program, at the ingress of one end, clones
 * it to the wire with the bytes of each advert that is due, and sends it out of
 * the other end again, where a tbf holds it back until the next one is due.
 *
 * A lap that comes early finds nothing to do and goes round again. The queue of
 * tbf holds one frame, and a second pushes out the first: however many seeds are
 * sent there is one, with the sleep of whoever came last.
 *
 * There are two loops, one in each direction, so that skb->protocol is right for
 * IPv4 and for IPv6. Each looks after the other's adverts too: when one is
 * overdue, the other's seed is lost, and it sends it anew.
 */
#ifndef VRRPX_CLOCK_H
#define VRRPX_CLOCK_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"
#include "maps.h"
#include "deadline.h"

#define PRIO_CONTROL 7          /* TC_PRIO_CONTROL: first in line on the wire */
#define LAP_LEAST_NS 50000      /* a hundredth of a 5 ms interval; 20,000 laps/s would take 5 % of a core */
#define LAP_ADVERTS  64         /* that one lap sends at most: softirqs are not to be held for long */
#define OVERDUE_NS   2000000    /* an advert that late has no seed any more */
#define EARLY_LAPS   64         /* in a row: more than the tokens of a burst are good for */
#define BURST_NS     300000000ULL /* of the tbf */
#define SEED_HEADER  (ETH_HLEN + 20)
#define ID_AT        (ETH_HLEN + 4)
#define SUM_AT       (ETH_HLEN + 10)

struct lap {
	struct __sk_buff *skb;
	__u64 now;
	__u64 next;       /* when the next advert of the loop is due */
	__u64 other_next; /* likewise of the other */
	__u32 family;
	__u32 left;       /* adverts that may still be sent */
	__u32 used;       /* 1: the seed has an advert's bytes */
	__u32 raised;     /* see slot.sending */
};

/* A slot whose turn it is. */
struct turn {
	struct __sk_buff *skb;
	struct slot *slot;
	__u32 number;
	__u32 ifindex;
	__u32 id;
	__u32 sent, failed;
};

static __always_inline __u64 sooner(__u64 a, __u64 b)
{
	return after(a, b) ? b : a;
}

static __always_inline __u64 later(__u64 a, __u64 b)
{
	return after(a, b) ? a : b;
}

/* The length of a seed that sleeps so long, or a little less: see SEED_MIN. */
static __always_inline __u32 seed_length(__u64 ns)
{
	__u64 units = ns >> SLEEP_UNIT;
	__u32 octave = 0;

	if (units >= 511 << 7)
		return SEED_MIN + SLEEP_STEPS - 1;
	if (units >> 13) { units >>= 5; octave += 5; } /* leaves 256 or more */
	if (units >> 11) { units >>= 3; octave += 3; }
	if (units >> 10) { units >>= 2; octave += 2; }
	if (units >> 9) { units >>= 1; octave += 1; }
	return SEED_MIN + (octave << SLEEP_FINE) + units;
}

/*
 * The same for one that may have come from another CPU. A qdisc's timer that is set
 * again for the very same time is left where it was set before (the kernel's
 * qdisc_watchdog_schedule_range_ns), and the seed would go back there when it
 * wakes. So it sleeps a step less, once.
 */
static __always_inline __u32 seed_length_here(__u64 ns, bool moved)
{
	__u32 length = seed_length(ns);

	return moved && length > SEED_MIN ? length - 1 : length;
}

/* What a seed of that length has slept. */
static __always_inline __u64 sleep_of(__u32 length)
{
	__u64 n = length - SEED_MIN;
	__u32 octave = n >> SLEEP_FINE;

	if (length < SEED_MIN || length >= SEED_MIN + SLEEP_STEPS)
		return 0;
	if (octave < 2)
		return n << SLEEP_UNIT;
	return (256 + (n & 255)) << (octave - 1) << SLEEP_UNIT;
}

/* Mends the checksum of the IPv4 header for a new identification (RFC 1624). */
static __always_inline void count_ipv4(struct turn *t, const struct advert_frame *f)
{
	__u16 was = *(const __u16 *)(f->bytes + ID_AT), id, sum;
	__u32 s;

	id = bpf_htons((__u16)++t->id);
	s = (__u16)~*(const __u16 *)(f->bytes + SUM_AT) + (__u16)~was + id;
	s = (s & 0xffff) + (s >> 16);
	sum = ~((s & 0xffff) + (s >> 16));
	bpf_skb_store_bytes(t->skb, ID_AT, &id, sizeof(id), 0);
	bpf_skb_store_bytes(t->skb, SUM_AT, &sum, sizeof(sum), 0);
}

/* Sends frame number n of a slot. */
static long send_frame(__u32 n, struct turn *t)
{
	struct advert_key key = {.slot = t->number, .n = n};
	struct advert_frame *f = bpf_map_lookup_elem(&adverts, &key);
	__u32 length;
	long err;

	if (!f)
		return 0; /* just being replaced by fewer */
	if (bpf_skb_change_tail(t->skb, f->length, 0)) {
		t->failed++;
		return 0;
	}
	length = f->length;
	if (length < ETH_HLEN + 20 || length > FRAME_MAX ||
	    bpf_skb_store_bytes(t->skb, 0, f->bytes, length, 0)) {
		t->failed++;
		return 0;
	}
	if (*(__u16 *)(f->bytes + 12) == bpf_htons(ETH_P_IP))
		count_ipv4(t, f);
	err = bpf_clone_redirect(t->skb, t->ifindex, 0);
	if (err)
		t->failed++;
	else
		t->sent++;
	return 0;
}

/* Shuts a gate that was found in a state, and tells why. */
static __always_inline void latch(struct slot *s, __u32 number, __u64 word, enum gate gate,
				  enum event_kind kind, __u64 due, __u64 gap, __u64 now)
{
	__u64 next = ((word >> GATE_BITS) + 1) << GATE_BITS | gate;
	struct event *e;

	if (__sync_val_compare_and_swap(&s->gate, word, next) != word)
		return;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return; /* the gate tells it too */
	__builtin_memset(e, 0, sizeof(*e));
	e->at_ns = due;
	e->now_ns = now;
	e->gap_ns = gap;
	e->gate = next;
	e->slot = number + 1;
	e->key = s->key;
	e->kind = kind;
	bpf_ringbuf_submit(e, 0);
}

/* Whether a slot may send now what was due; if not its gate is shut. */
static __always_inline bool fit(struct slot *s, __u32 number, __u64 word, __u64 due, __u64 boot,
				__u64 now)
{
	__u32 zero = 0;
	struct lease *l = bpf_map_lookup_elem(&lease, &zero);
	__u64 gap;

	if (!l)
		return false;
	gap = boot - l->renewed_boot_ns;
	if (s->lease_ns && (__s64)gap > (__s64)s->lease_ns) {
		latch(s, number, word, GATE_LAPSED, EVENT_LAPSED, due, gap, now);
		return false;
	}
	gap = boot - s->sent_boot_ns;
	if (s->down_ns && (__s64)gap >= (__s64)s->down_ns) {
		latch(s, number, word, GATE_FROZEN, EVENT_FROZEN, due, gap, now);
		return false;
	}
	return true;
}

/* The frames of a slot whose due_ns this lap has moved on. */
static __always_inline void send(struct slot *s, __u32 number, struct lap *lap)
{
	struct turn t = {.skb = lap->skb, .slot = s, .number = number, .ifindex = s->ifindex, .id = s->id};

	bpf_loop(s->frames, send_frame, &t, 0);
	s->id = t.id;
	s->sent += t.sent;
	s->failed += t.failed;
	lap->used = 1;
	lap->left--;
}

/* Sends the adverts of an open slot if they are due. */
static __always_inline void serve(struct slot *s, __u32 number, __u64 word, struct lap *lap)
{
	__u64 now = bpf_ktime_get_ns(), boot = bpf_ktime_get_boot_ns();
	__u64 due = s->due_ns, interval = s->interval_ns, skipped = 0, next;

	if (!interval || after(due - s->early_ns, now)) {
		lap->next = sooner(lap->next, due);
		return;
	}
	if (!lap->left) {
		lap->next = now;
		return;
	}
	if (!fit(s, number, word, due, boot, now))
		return;
	if (after(now, due))
		skipped = (now - due) / interval;
	next = due + (skipped + 1) * interval;
	if (__sync_val_compare_and_swap(&s->due_ns, due, next) != due)
		return; /* another has, or user space has set it */
	lap->next = sooner(lap->next, next);
	s->missed += skipped;
	if (after(now, due)) {
		if (now - due > LATE_NS)
			s->late++;
		if (now - due > s->max_late_ns)
			s->max_late_ns = now - due;
	}
	s->sent_ns = now;
	s->sent_boot_ns = boot;
	send(s, number, lap);
}

/* The lap that finds a gate opened by its deadline is to come just then (gate.h). */
static __always_inline void await_gate(const struct slot *s, struct lap *lap)
{
	__u64 due = *(volatile __u64 *)&s->due_ns;
	bool soon = due && after(due + OVERDUE_NS, lap->now);

	if (s->key.family != lap->family) {
		if (soon)
			lap->other_next = sooner(lap->other_next, due);
	} else if (soon) {
		lap->next = sooner(lap->next, due);
	} else if (s->watch_ns) {
		lap->next = sooner(lap->next, lap->now + s->watch_ns);
	}
}

/* One slot of a lap. */
static long visit(__u32 number, struct lap *lap)
{
	struct slot *s = bpf_map_lookup_elem(&slots, &number);
	__u64 word;

	if (!s)
		return 1;
	word = *(volatile __u64 *)&s->gate;
	if ((word & GATE_MASK) == GATE_ARMED || (word & GATE_MASK) == GATE_TAKING) {
		await_gate(s, lap);
		return 0;
	}
	if ((word & GATE_MASK) != GATE_OPEN)
		return 0;
	if (s->key.family != lap->family) {
		lap->other_next = sooner(lap->other_next, s->due_ns);
		return 0;
	}
	if (after(s->due_ns - s->early_ns, lap->now)) {
		lap->next = sooner(lap->next, s->due_ns);
		return 0;
	}
	/*
	 * From here on user space that shuts the gate waits. The result is used, or
	 * this would be no barrier.
	 */
	lap->raised = __sync_fetch_and_add(&s->sending, 1);
	word = *(volatile __u64 *)&s->gate;
	if ((word & GATE_MASK) == GATE_OPEN)
		serve(s, number, word, lap);
	lap->raised = __sync_fetch_and_add(&s->sending, -1);
	return 0;
}

/* Makes the frame a seed of a loop, which sleeps for no time. */
static __always_inline void make_seed(struct __sk_buff *skb, const struct loop *l, bool six)
{
	__u8 header[SEED_HEADER] = {};

	*(__be16 *)(header + 12) = six ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	bpf_skb_change_tail(skb, SEED_HEADER, 0);
	bpf_skb_store_bytes(skb, 0, header, sizeof(header), 0);
	skb->mark = l->mark;
}

/*
 * Whether seeds are not held back any more: somebody has removed the tbf. One
 * that goes round with no rest would take a whole CPU.
 */
static __always_inline bool races(struct loop *l, __u64 slept, __u64 now)
{
	if (!slept || !after(l->back_ns, now + LAP_LEAST_NS)) {
		if (slept)
			l->early = 0;
		return false;
	}
	if (++l->early < EARLY_LAPS)
		return false;
	l->early = 0;
	count(&l->racing);
	return true;
}

static __always_inline int lap(struct __sk_buff *skb)
{
	__u32 six = skb->protocol == bpf_htons(ETH_P_IPV6), other = !six, length;
	struct loop *l = bpf_map_lookup_elem(&loops, &six);
	struct loop *o = bpf_map_lookup_elem(&loops, &other);
	struct lap lap = {.skb = skb, .left = LAP_ADVERTS, .family = six ? 6 : 4};
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 now, back, spent, asked, slept = sleep_of(skb->len);
	bool moved;

	if (!l || !o)
		return TC_ACT_SHOT;
	if (skb->ifindex != l->entry || skb->mark != l->mark) {
		count(&l->foreign);
		return TC_ACT_SHOT;
	}
	now = bpf_ktime_get_ns();
	if (races(l, slept, now))
		return TC_ACT_SHOT;
	/* It has passed the tbf by now; what it passed sooner than it need have is left over. */
	spent = sooner(l->spent_ns + slept, now);
	l->spent_ns = spent = later(spent, now - BURST_NS);
	count(&l->laps);
	moved = l->cpu != cpu;
	l->cpu = cpu;

	skb->mark = 0; /* of the clones */
	skb->priority = PRIO_CONTROL;
	lap.now = now;
	asked = __sync_fetch_and_add(&l->asked, 0);
	lap.next = lap.other_next = now + 2 * BURST_NS;
	if (l->most_ns)
		lap.next = now + l->most_ns;
	bpf_loop(l->slots, visit, &lap, 0);
	if (!lap.left)
		count(&l->crowded);

	now = bpf_ktime_get_ns();
	back = lap.other_next + OVERDUE_NS;
	if (!after(back, now)) {
		if (after(now, o->again_ns + OVERDUE_NS)) {
			o->again_ns = now;
			count(&o->again);
			make_seed(skb, o, other);
			bpf_clone_redirect(skb, o->exit, 0);
			lap.used = 1;
		}
		back = now + OVERDUE_NS;
	}
	if (lap.used)
		make_seed(skb, l, six);
	skb->mark = l->mark;

	back = later(sooner(lap.next, back), now + LAP_LEAST_NS);
	length = seed_length_here(back - spent, moved);
	l->back_ns = later(spent + sleep_of(length), now);
	/*
	 * User space opens a gate, counts asked, and looks at back_ns. Either it finds the
	 * one just written, or we its count: this lap may have passed the slot before.
	 */
	if (__sync_fetch_and_add(&l->asked, 0) != asked) {
		back = now + LAP_LEAST_NS;
		length = seed_length_here(back - spent, moved);
		l->back_ns = later(spent + sleep_of(length), now);
	}
	bpf_skb_change_tail(skb, length, 0);
	return bpf_redirect(l->exit, 0);
}

#endif
