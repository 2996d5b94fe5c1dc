package vip

import (
	"fmt"
	"net/netip"
	"time"
)

// Kind says what an Event tells.
type Kind uint8

const (
	// Held answers Hold: every address of Owner was tried, Errors says which
	// are not there, Took how long after the call.
	Held Kind = iota + 1
	// Released answers Release and Forget in the same way.
	Released
	// Restored: Culprit had removed Address from under Owner; it was gone for
	// Took and is back. Neighbours may need to be told again.
	Restored
	// Foreign: Address, declared by Owner, is on the host but not by us: it
	// was there before (Culprit empty) or Culprit added it. It is left alone.
	Foreign
	// Lost: the kernel removed Address, nobody's that was declared, because we
	// removed the primary address of its subnet (net.ipv4.conf.*.
	// promote_secondaries is 0). It is not put back: it is not ours.
	Lost
	// Cleaned: a process that was killed had left What; Open removed it.
	Cleaned
	// Trouble: Err happened, to Address of Owner where these are set. It is
	// tried again, for as long as it is wanted.
	Trouble
	// Missing: Device of Owner cannot be made, because of Err. It is tried again.
	// Until Made the addresses on it cannot be held.
	Missing
	// Made: Device of Owner is as declared again, after Missing, or after someone
	// removed or changed it Took ago; then neighbours may need to be told again.
	Made

	// LinkNew: the watched device Link came into being, in the state it says.
	LinkNew
	// LinkGone: the watched device went away, or lost its name.
	LinkGone
	// LinkUp: the watched device can carry traffic from now on.
	LinkUp
	// LinkDown: it no longer can.
	LinkDown
	// LinkChanged: its MAC address or MTU changed.
	LinkChanged
	// PrimaryChanged: the watched device Link has another primary IPv4 address
	// Primary, or none (the zero Prefix).
	PrimaryChanged
	// LinkLocalChanged: the watched device Link has another IPv6 link-local
	// address Primary, or none.
	LinkLocalChanged
	// SourceCame: Source, of WatchSources, is on its device from now on.
	SourceCame
	// SourceWent: it no longer is.
	SourceWent

	// RouteFailed: the kernel would not have What, a route or a rule of Owner that
	// was written at Origin, because of Err. It is tried again.
	RouteFailed
	// RouteMade: What is there, after RouteFailed.
	RouteMade
	// RouteRestored: Culprit had removed What; it was gone for Took and is back.
	RouteRestored
	// RouteForeign: What is on the host but not by us: it was there before (Culprit
	// empty) or Culprit added it. It is left alone.
	RouteForeign
)

var kindNames = [...]string{"", "held", "released", "restored", "foreign", "lost", "cleaned", "trouble", "missing", "made",
	"link new", "link gone", "link up", "link down", "link changed", "primary changed", "link-local changed", "source came", "source went",
	"route failed", "route made", "route restored", "route foreign"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Event is one thing that happened. Which fields are set depends on Kind.
type Event struct {
	Kind    Kind
	Owner   string // Host for the host
	Origin  string
	Address Address
	Device  string // name, of Missing, Made and where Trouble is with one
	What    string
	Culprit string        // what netlink knows of who did it, for people
	Took    time.Duration // see Held, Restored and Made
	Errors  []AddressError
	Link    Link
	Primary netip.Prefix
	Source  Source
	Err     error
}

// AddressError says why the kernel would not add or remove an address.
type AddressError struct {
	Address Address
	Err     error
}

func (e AddressError) Error() string { return e.Address.String() + ": " + e.Err.Error() }
func (e AddressError) Unwrap() error { return e.Err }
