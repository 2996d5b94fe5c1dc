// Package sim runs routers, each with the real vrrp.Machine, on a simulated
// LAN and holds the whole to the invariants of the protocol: clocks that
// differ, adverts that are lost, late, doubled and overtaken, partitions (also
// of one direction), processes that are paused, crash and come back, priorities
// that change.
//
// It is deterministic. A Scenario says everything that happens, the chances of
// the network included, so the same scenario makes the same trace, to the
// byte. Generate makes one of a seed; its text is a replay file, which Parse
// reads and tools/replay runs with the trace printed.
//
// The routers behave as internal/daemon does: adverts carry the stamp of their
// arrival, whatever the process was doing then; a wake drains all of them before
// it looks at the deadline; and where a router elides, its kernel keeps adverts
// that equal the last accepted one and moves the deadline by itself.
//
// Invariant lists what must hold; Settled is a matter of time, and there is a
// LAN that VRRPv3 itself does not settle in bounded time: intervals that differ
// manifold, routers that do not preempt or share a priority, and either adverts
// under way for longer than the shortest interval or MASTERs that do not answer
// losing ones. There the last adverts of a MASTER that has just yielded teach
// the others its short interval again, and the next takes over before the
// better one's next advert. Generate makes no such LAN.
//
// GroupScenario does the same, more simply, for hosts whose routers are in a sync
// group over two LANs.
//
// A MASTER sends by a thread of its process, or by its kernel's clock, which goes on
// for a lease while the process is paused; see vrrp.Lapsed and vrrp.Paused.
//
// LeaseScenario has what Scenario has not of that: a kernel that takes over, a
// process that stops between any two steps of its loop's round, and the bounds of
// docs/liveness.md for two that announce; it loses no adverts but those that come to a
// frozen host.
//
// Not simulated: the packet codec and the checks of section 7.1 (every frame
// that arrives is a good one), and what addresses do to the host.
package sim
