// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The kernel half of vrrpx: it judges, counts and stamps adverts where the
 * frame enters the host, and keeps the deadlines of the masters behind them.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "maps.h"
#include "parse.h"
#include "judge.h"
#include "instant.h"
#include "gate.h"
#include "verdict.h"
#include "accept.h"
#include "conflict.h"
#include "hear.h"
#include "answer.h"
#include "deadline.h"
#include "clock.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Keeps the enums in the BTF, where package loader finds them. */
const enum drop *unused_drop __attribute__((unused));
const enum gate *unused_gate __attribute__((unused));

static __always_inline int receive(struct xdp_md *ctx, const bool gated)
{
	struct router_key key = {.ifindex = ctx->ingress_ifindex};
	struct iface_counters *ic;
	struct router_state *st = NULL;
	struct advert a = {};
	struct rule *r;
	struct frame f = {}; /* clang 14 spills what is undefined */
	bool elided = false;
	enum drop d;
	__u64 now;

	if (refused(ctx))
		return XDP_DROP;
	d = parse(ctx, &f);
	if (d == NOT_VRRP) {
		look_for_claim(ctx);
		return unanswered(ctx) ? XDP_DROP : XDP_PASS;
	}
	now = bpf_ktime_get_ns();

	ic = bpf_map_lookup_elem(&interfaces, &key.ifindex);
	if (!ic)
		return XDP_PASS;
	count(&ic->frames);
	if (d != ACCEPTED)
		return leave(ic, d);

	key.vrid = f.message[1];
	key.family = f.family;
	r = bpf_map_lookup_elem(&routers, &key);
	if (r)
		st = bpf_map_lookup_elem(&state, &key);
	if (!r || !st) {
		hear(&f, ic, &key, DROP_VRID, now);
		return leave(ic, DROP_VRID);
	}

	d = judge(ctx, &f, &key, r, &a);
	if (d == ACCEPTED)
		d = accept(ctx, &f, &a, &key, r, st, now, gated, &elided);
	if (!elided && d != DROP_OWN)
		hear(&f, ic, &key, d, now);
	return verdict(ic, st, &key, d, now);
}

/* Loads on 5.10: no timer, no helper newer than the ring buffer. */
SEC("xdp.frags")
int vrrpx_rx(struct xdp_md *ctx)
{
	return receive(ctx, false);
}

/* In its place from 5.12 on. A better advert shuts the gates of the advert clock. */
SEC("xdp.frags")
int vrrpx_rx_gated(struct xdp_md *ctx)
{
	return receive(ctx, true);
}

/* Run by BPF_PROG_RUN: user space sets or stops a deadline at once. */
SEC("syscall")
int vrrpx_arm(struct deadline_request *req)
{
	switch (req->op) {
	case DEADLINE_ARM:
		return arm(req);
	case DEADLINE_CANCEL:
		return cancel(req);
	}
	return -EINVAL;
}

/* At the ingress of both ends of the clock's veth pair. It takes 5.17 (bpf_loop). */
SEC("tc")
int vrrpx_lap(struct __sk_buff *skb)
{
	return lap(skb);
}

/*
 * Attached in its place before tcx (6.6), by a filter that outlives the process.
 * Then the jump fails and the seed is no more.
 */
SEC("tc")
int vrrpx_lap_entry(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jump, 0);
	return TC_ACT_SHOT;
}
