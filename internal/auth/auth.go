// Package auth authenticates the adverts of a virtual router by a secret that
// is not in them: AH (RFC 2338, RFC 2402) and auth_hmac. It keeps what tells an
// advert from the copy of an old one, in memory and, where that is asked for,
// in a file. It hears and sends nothing, and what comes of an advert that fails
// is not decided here.
//
// A password in the clear (PASS) proves nothing and is none of its business.
package auth

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Guard authenticates the adverts of one router. The adverts of such a router
// are never elided, since only Check can tell whether one is genuine.
//
// Check, Wrap and Sealer belong to one goroutine, the event loop.
type Guard interface {
	// Check verifies an advert that arrived at wall, before anything in it is
	// believed; what it says is for people, and about a verified advert too.
	Check(a Advert, wall WallTime) (vrrp.Drop, Remark)
	// Wrap makes room for the proof in the payload of an advert.
	Wrap(msg []byte) []byte
	// Sealer makes a function that puts a new proof into a frame, and never
	// blocks. Each goroutine that sends has its own; they share one sequence.
	// It is nil when adverts leave without a proof.
	Sealer() func(frame []byte)
	// Proto is the IP protocol behind which the proof stands.
	Proto() uint8
	// Trouble is why the numbers cannot be kept over a restart; empty while
	// they can, and where they need not be. Any goroutine may ask.
	Trouble() string
	// String is what is in force, without the secrets.
	String() string
}

// Advert is an advert that has passed the checks of vrrp.Judge.
type Advert struct {
	Family  vrrp.Family
	Source  netip.Addr // as in the packet
	Sender  netip.Addr // whose numbers it counts with, by another name on another line; zero: Source
	Packet  []byte     // from the IP header on
	Message []byte     // the part of Packet from the VRRP header on
}

func (a *Advert) sender() netip.Addr {
	if a.Sender.IsValid() {
		return a.Sender
	}
	return a.Source
}

// Remark is what an operator should know of an advert; empty for nothing.
type Remark string

// WallTime is nanoseconds since 1970: CLOCK_REALTIME.
type WallTime int64

func wallNow() WallTime { return WallTime(clock.Read(unix.CLOCK_REALTIME)) }

// WallAt is what the wall clock showed at an instant. An advert that waited
// while the process was stopped is as fresh as it was when it came.
func WallAt(at vrrp.Instant) WallTime { return wallNow() - WallTime(clock.Now().Sub(at)) }

// New is the guard that a router's configuration asks for; nil for none.
func New(cfg config.Router) Guard {
	switch {
	case cfg.HMAC != nil:
		return newHMACGuard(*cfg.HMAC, spanOf(len(cfg.Heartbeats)))
	case cfg.Version == 2 && cfg.Auth.Type == config.AuthAH:
		return newAHGuard(cfg.Auth.Pass.Reveal(), spanOf(len(cfg.Heartbeats)))
	}
	return nil
}
