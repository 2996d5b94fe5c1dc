/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The master-down deadline of a router, kept by a timer (5.15).
 *
 * The timer is lazy: an advert that matches writes only its stamp, and nothing
 * on the receive path touches a timer. When the timer runs out, the stamp says
 * whether the deadline has moved; then it sleeps for the rest.
 *
 * A host that stood still (a VM paused or starved, a suspend) heard nothing in
 * that time, and must not take its own deafness for the master's death. A
 * process that is stopped does not delay this timer, so it is late only when the
 * host is. It runs once before the deadline, an eighth of an interval after the
 * last advert but one was due: a pause that hid all adverts of a master-down
 * interval makes it late by seven eighths of an interval there or at the
 * deadline. Then the master has one interval and the skew to be heard in.
 */
#ifndef VRRPX_DEADLINE_H
#define VRRPX_DEADLINE_H

#include <linux/errno.h>
#include "abi.h"
#include "maps.h"
#include "verdict.h"
#include "gate.h"

#ifndef CLOCK_MONOTONIC
#define CLOCK_MONOTONIC 1 /* <time.h> needs a C library */
#endif

#define RETRY_NS 1000000 /* a full ring is looked at again after 1 ms */

/*
 * The deadline as it stands, with the adverts heard since it was armed, and no
 * earlier than a stall allows.
 */
static __always_inline __u64 due(const struct deadline *d, __u64 heard)
{
	__u64 at = d->at_ns;

	if (heard && after(heard, d->since_ns) && after(heard + d->down_ns, at))
		at = heard + d->down_ns;
	if (d->hold_ns && after(d->hold_ns, at))
		at = d->hold_ns;
	return at;
}

/* Tells user space. False: the ring had no room. */
static __always_inline bool tell(enum event_kind kind, const struct router_key *key, __u64 at,
				 __u64 heard, __u64 now)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return false;
	__builtin_memset(e, 0, sizeof(*e));
	e->at_ns = at;
	e->now_ns = now;
	e->heard_ns = heard;
	e->key = *key;
	e->kind = kind;
	bpf_ringbuf_submit(e, 0);
	return true;
}

/*
 * How far CLOCK_BOOTTIME is ahead: by the time spent suspended, in which the
 * other clock stands. The nanoseconds between the two readings do not matter.
 */
static __always_inline __u64 suspended(void)
{
	__u64 now = bpf_ktime_get_ns();

	return bpf_ktime_get_boot_ns() - now;
}

/* By how much the timer, or the whole host, has overslept. */
static __always_inline __u64 overslept(const struct deadline *d, __u64 now, __u64 away)
{
	return until(now, d->wake_ns) + until(away, d->away_ns);
}

/*
 * Finds that the host stood still, and gives the master until hold_ns: once in
 * a silence, whatever else happens in it.
 */
static __always_inline void look_for_stall(const struct router_key *key, struct deadline *d,
					    __u64 heard, __u64 now)
{
	__u64 away = suspended();
	__u64 gap = overslept(d, now, away);
	__u64 hold = now + d->interval_ns + d->skew_ns;

	d->away_ns = away;
	if (!d->interval_ns || gap <= d->interval_ns * 3 / 4 || !after(hold, due(d, heard)))
		return;
	if (d->stall_ns && !after(heard, d->stall_ns))
		return;
	d->stall_ns = now;
	d->hold_ns = hold;
	d->stalled++;
	/* Lost with a full ring: it is only told to people. */
	tell(EVENT_STALLED, key, now - gap, heard, now);
}

static __always_inline long sleep_until(struct deadline *d, __u64 at, __u64 now)
{
	d->wake_ns = after(at, now) ? at : now;
	/* Relative: absolute times need 6.4. */
	return bpf_timer_start(&d->timer, d->wake_ns - now, 0);
}

/* Sleeps until there is something to look at before the deadline. */
static __always_inline long sleep_before(struct deadline *d, __u64 at, __u64 now)
{
	__u64 first = at - d->skew_ns - d->interval_ns * 7 / 8;

	if (d->interval_ns && after(first, now)) {
		expect(d, 0);
		return sleep_until(d, first, now);
	}
	expect(d, at);
	return sleep_until(d, after(at - SOON_NS, now) ? at - SOON_NS : at, now);
}

static int on_timer(void *map, struct router_key *key, struct deadline *d)
{
	struct router_state *st = bpf_map_lookup_elem(&state, key);
	__u64 now = bpf_ktime_get_ns();
	__u64 at, heard;

	if (!st)
		return 0; /* the router has been removed */
	heard = *(volatile __u64 *)&st->refreshed_ns;
	if (after(heard, d->heard_ns)) {
		d->heard_ns = heard;
		d->postponed++;
	}
	look_for_stall(key, d, heard, now);
	at = due(d, heard);
	if (after(at, now)) {
		/* To be awake in time saves more than all that follows costs. */
		if (!after(at - SOON_NS, now))
			tell(EVENT_SOON, key, at, heard, now);
		sleep_before(d, at, now);
		return 0;
	}
	switch (take_over(key, d, st, at, heard, now)) {
	case TAKING_DONE:
		d->taken++;
		d->fired++;
		return 0;
	case TAKING_LATER:
		break;
	case TAKING_NOT:
		if (tell(EVENT_DOWN, key, at, heard, now)) {
			d->fired++;
			return 0;
		}
	}
	d->retried++;
	sleep_until(d, now + RETRY_NS, now);
	return 0;
}

/*
 * Starts the timer afresh. Cancelling waits for a callback that is running, so
 * that nobody reads the fields while they change. It also forgets the
 * callback: set that after.
 */
static __always_inline int arm(struct deadline_request *req)
{
	struct router_key key = req->key;
	struct deadline fresh = {};
	struct deadline *d = bpf_map_lookup_elem(&deadlines, &key);
	struct slot *s;
	__u64 now;
	int err;

	if (!d) {
		err = bpf_map_update_elem(&deadlines, &key, &fresh, BPF_NOEXIST);
		if (err)
			return err;
		d = bpf_map_lookup_elem(&deadlines, &key);
		if (!d)
			return -ENOENT;
	}
	err = bpf_timer_init(&d->timer, &deadlines, CLOCK_MONOTONIC);
	if (err && err != -EBUSY) /* busy: it has been before */
		return err;
	bpf_timer_cancel(&d->timer);
	err = bpf_timer_set_callback(&d->timer, on_timer);
	if (err)
		return err;
	d->at_ns = req->at_ns;
	d->since_ns = req->since_ns;
	d->down_ns = req->down_ns;
	d->interval_ns = req->interval_ns;
	d->skew_ns = req->skew_ns;
	d->heard_ns = req->since_ns;
	d->slot = req->slot;
	d->gate = req->gate;
	s = slot_of(d->slot);
	if (s)
		s->watch_ns = d->skew_ns + d->interval_ns * 3 / 4;
	if (after(req->since_ns, d->stall_ns))
		d->stall_ns = d->hold_ns = 0; /* another silence */
	d->armed++;
	d->away_ns = suspended();
	now = bpf_ktime_get_ns();
	return sleep_before(d, due(d, 0), now);
}

static __always_inline int cancel(struct deadline_request *req)
{
	struct router_key key = req->key;
	struct deadline *d = bpf_map_lookup_elem(&deadlines, &key);

	if (d)
		bpf_timer_cancel(&d->timer);
	return 0;
}

#endif
