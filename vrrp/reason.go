package vrrp

import (
	"fmt"
	"net/netip"
	"time"
)

// Reason says why a state changed. Code is for programs, String for people.
type Reason struct {
	Code     ReasonCode
	Src      netip.Addr // the router whose advert, or silence, decided
	Priority uint8      // its priority
	Silence  time.Duration
	Lease    time.Duration // of a lapsed one
	Cause    string        // of a fault or a withdrawal, or what a group does
}

// ReasonCode names a Reason.
type ReasonCode uint8

// The reasons.
const (
	ReasonStartup      ReasonCode = iota // the daemon started
	ReasonOwner                          // priority 255: the addresses are ours
	ReasonMasterDown                     // the master fell silent
	ReasonNoMaster                       // no master was ever heard
	ReasonReleased                       // the master sent priority 0
	ReasonPreempt                        // the master's priority is below ours
	ReasonBetterMaster                   // a better advert while MASTER
	ReasonFault                          // a fault was set
	ReasonFaultCleared                   // the last fault was cleared
	ReasonShutdown                       // the daemon stops
	ReasonHeldUp                         // the router did not run for too long
	ReasonYielded                        // another that we do not hear holds the addresses
	ReasonWithdrawn                      // taken out of the election by an operator
	ReasonGroup                          // another member of the sync group decided
	ReasonResumed                        // it was MASTER, and goes on
	ReasonSucceeded                      // another took over while the router did not run
	ReasonLapsed                         // the process did not run for longer than its lease
)

var reasonNames = [...]string{
	"startup", "owner", "master_down", "no_master", "released", "preempt",
	"better_master", "fault", "fault_cleared", "shutdown", "held_up", "yielded", "withdrawn", "group", "resumed", "succeeded", "lapsed",
}

// NumReasons is how many there are.
const NumReasons = len(reasonNames)

func (c ReasonCode) String() string { return reasonNames[c] }

// String is a sentence without its full stop.
func (r Reason) String() string {
	switch r.Code {
	case ReasonOwner:
		return "priority 255 owns the addresses"
	case ReasonMasterDown:
		return fmt.Sprintf("no advert from %s (priority %d) for %s", r.Src, r.Priority, round(r.Silence))
	case ReasonNoMaster:
		return fmt.Sprintf("no master heard for %s", round(r.Silence))
	case ReasonReleased:
		return fmt.Sprintf("%s released the addresses with priority 0", r.Src)
	case ReasonPreempt:
		return fmt.Sprintf("preempting %s, whose priority %d is lower", r.Src, r.Priority)
	case ReasonBetterMaster:
		return fmt.Sprintf("better advert from %s (priority %d)", r.Src, r.Priority)
	case ReasonResumed:
		return "MASTER before, and begun anew by a reload"
	case ReasonFault, ReasonWithdrawn, ReasonGroup:
		return r.Cause
	case ReasonFaultCleared:
		return "no fault any more: " + r.Cause + " cleared"
	case ReasonHeldUp:
		return fmt.Sprintf("held up for %s since its last advert: another may have taken over", round(r.Silence))
	case ReasonSucceeded:
		who := "another"
		if r.Src.IsValid() {
			who = fmt.Sprintf("%s (priority %d)", r.Src, r.Priority)
		}
		return fmt.Sprintf("paused for %s since its last advert, and %s took over", round(r.Silence), who)
	case ReasonLapsed:
		return fmt.Sprintf("did not run for %s, longer than its lease of %s: its adverts ended then, and another may have taken over", round(r.Silence), round(r.Lease))
	case ReasonYielded:
		return "yielded: " + r.Cause
	case ReasonShutdown:
		return "shutdown"
	}
	return "startup"
}

// round keeps what a person reads: three or four digits.
func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
