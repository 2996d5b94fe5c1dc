/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Stamps in nanoseconds, which may run past 2^63. */
#ifndef VRRPX_INSTANT_H
#define VRRPX_INSTANT_H

#include <stdbool.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/* In the order of time. */
static __always_inline bool after(__u64 a, __u64 b)
{
	return (__s64)(a - b) > 0;
}

static __always_inline __u64 until(__u64 at, __u64 now)
{
	return after(at, now) ? at - now : 0;
}

#endif
