/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The maps, and who writes each. All but adverts are preallocated: a program
 * that sleeps (vrrpx_arm on 5.15) may use no other hash.
 */
#ifndef VRRPX_MAPS_H
#define VRRPX_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

#define MAX_ROUTERS 4096
#define MAX_INTERFACES 4096
#define MAX_PEERS 8192
#define MAX_NO_ACCEPT 16384
#define MAX_WATCHED 16384
#define MAX_SLOTS 4096
#define MAX_ADVERTS 16384
#define MAX_SPEAKERS 4096

/*
 * Written by user space alone. An update swaps in a whole new rule; the old
 * one's memory is used again by the update after next. A program held up for
 * so long between look-up and use may judge one advert by another rule.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct router_key);
	__type(value, struct rule);
	__uint(max_entries, MAX_ROUTERS);
} routers SEC(".maps");

/* Written by user space alone, before the rule that asks for them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct peer_key);
	__type(value, struct peer);
	__uint(max_entries, MAX_PEERS);
} peers SEC(".maps");

/* Made by user space before the rule, then written here alone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct router_key);
	__type(value, struct router_state);
	__uint(max_entries, MAX_ROUTERS);
} state SEC(".maps");

/* Made by user space when it attaches, then written here alone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32); /* ifindex */
	__type(value, struct iface_counters);
	__uint(max_entries, MAX_INTERFACES);
} interfaces SEC(".maps");

/*
 * The addresses of routers that are MASTER and have no Accept_Mode. User space
 * makes and removes them, and counts them in no_accept_count.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct no_accept_key);
	__type(value, struct no_accept);
	__uint(max_entries, MAX_NO_ACCEPT);
} no_accept SEC(".maps");

/*
 * The addresses whose claims by others are told. User space makes and removes
 * them, and counts them in watched_count.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct watched_key);
	__type(value, struct watched);
	__uint(max_entries, MAX_WATCHED);
} watched SEC(".maps");

/*
 * Who speaks, for people to look at. Written here; user space reads it, and deletes
 * those long silent. When it is full the one not heard for longest goes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct speaker_key);
	__type(value, struct speaker);
	__uint(max_entries, MAX_SPEAKERS);
} speakers SEC(".maps");

enum bucket { BUCKET_SIGNIFICANT, BUCKET_OTHER, BUCKET_RELEASE, BUCKET_MASTER, BUCKET_BAD, NUM_BUCKETS };

/*
 * What bounds the adverts that go up, and the bad ones that tcpdump may see.
 * Apart from the state, because sleeping programs were refused any map with a
 * lock until 6.7. Made by user space with the state.
 */
struct buckets {
	struct bpf_spin_lock lock;
	__u32 pad;
	__u64 full_ns[NUM_BUCKETS]; /* when the bucket is full again */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct router_key);
	__type(value, struct buckets);
	__uint(max_entries, MAX_ROUTERS);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct event);
} events SEC(".maps");

/*
 * One timer a router. Never written by user space, since an update of the
 * value would cancel the timer; never pinned, since the timers must die with
 * the process.
 */
struct deadline {
	struct bpf_timer timer;
	__u64 at_ns, since_ns, down_ns, interval_ns, skew_ns; /* as in struct deadline_request */
	__u64 heard_ns;  /* the last match that the timer has seen, at least since_ns */
	__u64 wake_ns;   /* when the timer is to run out */
	__u64 away_ns;   /* how far CLOCK_BOOTTIME was ahead when it last ran */
	__u64 stall_ns;  /* when the host was found to have stood still in this silence, or 0 */
	__u64 hold_ns;   /* and until when the master may be heard again */
	__u64 gate;      /* as in struct deadline_request, or what became of it here */
	__u32 slot, pad;
	__u64 armed;     /* times armed */
	__u64 postponed; /* times an advert had moved it when the timer ran out */
	__u64 fired;     /* down and taken events */
	__u64 taken;     /* of them taken */
	__u64 stalled;   /* times the host had stood still */
	__u64 retried;   /* times the ring had no room for one */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct router_key);
	__type(value, struct deadline);
	__uint(max_entries, MAX_ROUTERS);
} deadlines SEC(".maps");

/* One for each advert schedule, from 0 without gaps if they can be had so. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct slot);
	__uint(max_entries, MAX_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct lease);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} lease SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct loop);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
} loops SEC(".maps");

/*
 * Where the clock's program is reached by way of a filter, which stays when the
 * process dies: the kernel empties the array with the last descriptor of it.
 * Never pinned.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} jump SEC(".maps");

/*
 * Written by user space alone. Not preallocated, which only the clock, that
 * never sleeps, may use: an update frees the old frame when nobody reads it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct advert_key);
	__type(value, struct advert_frame);
	__uint(max_entries, MAX_ADVERTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} adverts SEC(".maps");

#endif
