/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The master-down deadline of a router, kept by a timer (5.15).
 *
 * The timer is lazy: an advert that matches writes only its stamp, and nothing
 * on the receive path touches a timer. When the timer runs out, the stamp says
 * whether the deadline has moved; then it sleeps for the rest.
 */
#ifndef VRRPX_DEADLINE_H
#define VRRPX_DEADLINE_H

#include <linux/errno.h>
#include "abi.h"
#include "maps.h"
#include "verdict.h"

#ifndef CLOCK_MONOTONIC
#define CLOCK_MONOTONIC 1 /* <time.h> needs a C library */
#endif

#define RETRY_NS 1000000 /* a full ring is looked at again after 1 ms */

static __always_inline __u64 until(__u64 at, __u64 now)
{
	return after(at, now) ? at - now : 0;
}

/* The deadline as it stands, with the adverts heard since it was armed. */
static __always_inline __u64 due(const struct deadline *d, __u64 heard)
{
	if (heard && after(heard, d->since_ns) && after(heard + d->down_ns, d->at_ns))
		return heard + d->down_ns;
	return d->at_ns;
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

static int on_timer(void *map, struct router_key *key, struct deadline *d)
{
	struct router_state *st = bpf_map_lookup_elem(&state, key);
	__u64 now = bpf_ktime_get_ns();
	__u64 at, heard;

	if (!st)
		return 0; /* the router has been removed */
	heard = st->refreshed_ns;
	at = due(d, heard);
	if (after(at, now + SOON_NS)) {
		d->postponed++;
		bpf_timer_start(&d->timer, at - now - SOON_NS, 0);
	} else if (after(at, now)) {
		/* To be awake in time saves more than all that follows costs. */
		tell(EVENT_SOON, key, at, heard, now);
		bpf_timer_start(&d->timer, at - now, 0);
	} else if (tell(EVENT_DOWN, key, at, heard, now)) {
		d->fired++;
	} else {
		d->retried++;
		bpf_timer_start(&d->timer, RETRY_NS, 0);
	}
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
	d->armed++;
	/* Relative: absolute times need 6.4. */
	return bpf_timer_start(&d->timer, until(req->at_ns - SOON_NS, bpf_ktime_get_ns()), 0);
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
