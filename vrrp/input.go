package vrrp

import (
	"net/netip"
	"time"
)

// Input is something that happened to a router: Startup, Shutdown, Heard,
// Timer, SetPriority, SetConfig, Fault, HeldUp, Paused, Lapsed, WaitAnew, Withdraw,
// Permit, Yield, or what a Group has its members do.
type Input interface{ input() }

// Startup begins the election (RFC 9568 section 6.4.1). With Resume there is none:
// another machine was MASTER for this router until now, and it goes on as MASTER
// unless a fault holds.
type Startup struct{ Resume bool }

// Shutdown leaves it; a MASTER says so with priority 0 (section 6.4.3).
type Shutdown struct{}

// Timer tells that the deadline has been reached. Before its time it does
// nothing, so a stale timer is harmless.
type Timer struct{}

// Heard is an advert that passed every check of section 7.1 and, for the
// router's version, its authentication.
type Heard struct{ Advert }

// SetPriority changes the effective priority, 1 to 255.
type SetPriority struct{ Priority uint8 }

// SetConfig changes the configuration of a running router. VRID, version and
// family are its identity and stay.
type SetConfig struct{ Config }

// Fault sets or clears one named cause that keeps the router out of the
// election, such as "link down". It is in FAULT while any cause is set.
type Fault struct {
	Cause  string
	Active bool
}

// HeldUp tells that a MASTER has sent nothing for so long, because its host or
// process did not run, that another may have taken over: it gives way before it
// sends anything. In other states it does nothing.
type HeldUp struct{ Silence time.Duration }

// Withdraw takes the router out of the election for good, as when an operator
// removes it from a running host. It says nothing: other than at a Shutdown, the
// same router may begin anew here at once, and no backup is to be hurried.
type Withdraw struct{ Cause string }

// Advert is a packet and where it came from.
type Advert struct {
	Packet
	Src netip.Addr
	MAC [6]byte
}

func (Startup) input()     {}
func (Shutdown) input()    {}
func (Timer) input()       {}
func (Heard) input()       {}
func (SetPriority) input() {}
func (SetConfig) input()   {}
func (Fault) input()       {}
func (HeldUp) input()      {}
func (Withdraw) input()    {}
