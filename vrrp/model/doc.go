// Package model checks the argument of docs/liveness.md: the lease, the takeover
// in the kernel and the freeze guards of two or three hosts, in every order in
// which things can happen.
//
// It is a model and not the daemon: whole ticks of time, one virtual router,
// and of each host what matters to the argument: the kernel (gate, next slot,
// lease, deadline, ring) and the process (role, addresses, announcer, and the
// loop's round step by step). The kernel does what is due in the tick in which it
// is due; the process may stop before each of its steps, for as long as it
// likes; a host may stop as a whole, between two instructions of the kernel's
// program too; adverts take from Delay.Min to Delay.Max ticks, in any order.
// Check looks at every state that can be reached from the start, breadth first,
// so what it brings is a shortest way to what must not be, as a timeline.
//
// States have ages and countdowns and no clock, with bounds beyond which they
// make no difference. So there are finitely many, and "for ever" is covered.
//
// It imports nothing of ours: what is wrong in the code must not be wrong here
// for the same reason. Fault holds the design's mistakes: each makes a property
// fail, which a test demands.
package model
