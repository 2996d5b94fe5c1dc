/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Who speaks VRRP, or CARP, which has the same protocol number and group: noted for
 * people, whether or not a router of this host has the VRID. No decision is taken
 * from it and nobody is woken.
 *
 * An advert that is elided does not come here, so that a steady BACKUP pays nothing
 * for it; any other frame pays a look-up and some stores. Sources are forged for
 * nothing: a new one is let in as its interface's bucket says, and the map forgets
 * whoever was not heard for longest.
 */
#ifndef VRRPX_HEAR_H
#define VRRPX_HEAR_H

#include "abi.h"
#include "maps.h"
#include "parse.h"
#include "verdict.h"
#include "conflict.h"

#define SPEAKER_EVERY_NS 50000000ULL /* new ones of an interface: 20 a second, */
#define SPEAKER_BURST    256         /* and so many at once */

/* What an entry begins with. Not on the stack, which is nearly full. */
static const struct speaker nobody;

/* A function of its own, so that an advert that is elided does not pay for its registers. */
static __attribute__((noinline)) void hear(const struct frame *f, struct iface_counters *ic,
					   const struct router_key *key, enum drop d, __u64 now)
{
	struct speaker_key who = {
		.ifindex = key->ifindex,
		.vrid = key->vrid,
		.family = key->family,
		.kind = f->message[0],
	};
	__u32 length = f->message_length;
	struct speaker *s;

	__builtin_memcpy(who.src, f->src, sizeof(who.src));
	s = bpf_map_lookup_elem(&speakers, &who);
	if (!s) {
		if (!take_claim(&ic->speakers_full_ns, now, SPEAKER_EVERY_NS, SPEAKER_BURST)) {
			count(&ic->not_listed);
			return;
		}
		/* Another CPU may have been quicker: its entry will do. */
		bpf_map_update_elem(&speakers, &who, &nobody, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&speakers, &who);
		if (!s)
			return;
		s->first_ns = now;
	}
	/* A reader, or two CPUs at once, may see half of one frame and half of another. */
	s->last_ns = now;
	count(&s->frames);
	__builtin_memcpy(s->mac, f->eth->h_source, sizeof(s->mac));
	s->ttl = f->ttl;
	s->drop = d;
	s->length = length;
	if (length > SPEAKER_MESSAGE)
		length = SPEAKER_MESSAGE;
	if (length >= VRRP_HEADER)
		copy_packet(s->message, f->message, length, f->end, SPEAKER_MESSAGE);
	else
		__builtin_memset(s->message, 0, VRRP_HEADER);
}

#endif
