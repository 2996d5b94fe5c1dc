package link

import (
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Datapath is all that the event loop asks of what lies below it: it brings
// the adverts of an interface's routers and, where it can, keeps their
// master-down deadlines. The kernel's (XDP) and the packet socket's look alike
// from here, and so will what comes later.
//
// No method blocks. All are called from the loop, but State and Interface,
// which any goroutine may call.
type Datapath interface {
	// FD is readable when Drain has something.
	FD() int
	// Drain hands over the events that wait, none stamped later than until
	// but the last. An event is valid during the call of f only.
	Drain(until vrrp.Instant, f func(*loader.Event)) (int, error)
	// Ready tells, at next to no cost, whether Drain has something.
	Ready() bool
	// SetRule adds a router or replaces what is expected of its adverts.
	SetRule(loader.Key, loader.Rule) error
	// Remove forgets a router and its deadline.
	Remove(loader.Key) error

	// LastMatch is when an advert last matched the rule's Elide and was
	// therefore kept; 0 for never, as with a datapath that keeps none.
	LastMatch(loader.Key) (vrrp.Instant, error)

	// Deadlines tells whether the datapath keeps deadlines. When it does not
	// the loop does, and Arm and Cancel are not called.
	Deadlines() bool
	// Arm sets a router's deadline.
	Arm(loader.Key, loader.Deadline) error
	// Cancel stops it.
	Cancel(loader.Key) error
	// State is a router's counters, Interface those of frames that could not be
	// laid to a router.
	State(loader.Key) (loader.State, error)
	Interface(ifindex int) (loader.InterfaceCounters, error)
}
