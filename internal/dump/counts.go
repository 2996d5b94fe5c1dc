// Package dump writes what keepalived writes on SIGUSR1, SIGUSR2 and its JSON
// signal, in the formats of keepalived 2.2.7, for what reads those: monitoring
// that scrapes /tmp/keepalived.data, .stats and .json. It reads snapshots and
// never runs on the event loop. Where it differs from keepalived is listed in
// docs/differences.md.
package dump

import (
	"bytes"
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/stats"
)

// Snapshot is what a dump is made of. Status.Routers belong to Config.Routers
// by name.
type Snapshot struct {
	Config *config.Config
	Status *stats.Status
	At     time.Time
	// User says as whom a program runs; false if that is not known.
	User func(config.Command) (uid, gid uint32, ok bool)
}

func (s *Snapshot) user(c config.Command) string {
	uid, gid, ok := s.User(c)
	if !ok {
		return "unknown"
	}
	return fmt.Sprintf("%d:%d", uid, gid)
}

// router is one virtual router with both of its sides.
type router struct {
	config.Router
	now stats.Router
}

func (s *Snapshot) routers() []router {
	byName := map[string]config.Router{}
	for _, c := range s.Config.Routers {
		byName[c.Name] = c
	}
	var all []router
	for _, r := range s.Status.Routers {
		if c, ok := byName[r.Name]; ok { // else it came or went between the two
			all = append(all, router{c, r})
		}
	}
	return all
}

// Counts are keepalived's counters of one router. A field that vrrpx counts
// finer is a sum.
type Counts struct {
	Received, Sent                       uint64
	BecameMaster, ReleasedMaster         uint64
	Length, TTL, Type, Interval, Address uint64
	AuthType, AuthMismatch, AuthFailure  uint64
	ZeroReceived, ZeroSent               uint64
}

// CountsOf takes the counters of a router out of its status.
func CountsOf(r *stats.Router) Counts {
	c := Counts{
		Received: r.Received, Sent: r.Sent, BecameMaster: r.BecameMaster, ReleasedMaster: r.ReleasedMaster,
		Length: r.Drops["length"], TTL: r.Drops["ttl"], Type: r.Drops["type"],
		Interval: r.Drops["interval"] + r.Drops["interval_zero"],
		Address:  r.AddressesDiffer + r.Drops["destination"],
		// Of an authentication type that does not fit, vrrpx does not count
		// apart those that no RFC knows.
		AuthMismatch: r.Drops["auth_type"],
		ZeroReceived: r.ZeroReceived, ZeroSent: r.ZeroSent,
	}
	for _, name := range []string{"auth_data", "auth_missing", "auth_malformed", "auth_stale", "auth_key", "auth_invalid", "auth_replay"} {
		c.AuthFailure += r.Drops[name]
	}
	return c
}

// since is what was counted after base was taken. A router that was made anew
// in between counts from 0 again.
func (c Counts) since(base Counts) Counts {
	now, then := c.fields(), base.fields()
	for i := range now {
		if *now[i] >= *then[i] {
			*now[i] -= *then[i]
		}
	}
	return c
}

func (c *Counts) fields() []*uint64 {
	return []*uint64{
		&c.Received, &c.Sent, &c.BecameMaster, &c.ReleasedMaster, &c.Length, &c.TTL, &c.Type, &c.Interval, &c.Address,
		&c.AuthType, &c.AuthMismatch, &c.AuthFailure, &c.ZeroReceived, &c.ZeroSent,
	}
}

// Base is what the counters of each router were when they were last cleared
// (SIGRTMAX-1). Clearing them concerns the dumps alone: vrrpx status and
// vrrpx counters go on, since who computes rates from them wants no steps.
type Base map[string]Counts

// BaseOf is a Base that makes the counters of now 0.
func BaseOf(s *Snapshot) Base {
	b := Base{}
	for i := range s.Status.Routers {
		b[s.Status.Routers[i].Name] = CountsOf(&s.Status.Routers[i])
	}
	return b
}

// Stats is the text of keepalived.stats.
func Stats(s *Snapshot, base Base) []byte {
	var b bytes.Buffer
	for _, r := range s.routers() {
		c := CountsOf(&r.now).since(base[r.Name])
		fmt.Fprintf(&b, "VRRP Instance: %s\n", r.Name)
		fmt.Fprintf(&b, "  Advertisements:\n    Received: %d\n    Sent: %d\n", c.Received, c.Sent)
		fmt.Fprintf(&b, "  Became master: %d\n  Released master: %d\n", c.BecameMaster, c.ReleasedMaster)
		fmt.Fprintf(&b, "  Packet Errors:\n    Length: %d\n    TTL: %d\n    Invalid Type: %d\n    Advertisement Interval: %d\n    Address List: %d\n",
			c.Length, c.TTL, c.Type, c.Interval, c.Address)
		fmt.Fprintf(&b, "  Authentication Errors:\n    Invalid Type: %d\n    Type Mismatch: %d\n    Failure: %d\n", c.AuthType, c.AuthMismatch, c.AuthFailure)
		fmt.Fprintf(&b, "  Priority Zero:\n    Received: %d\n    Sent: %d\n", c.ZeroReceived, c.ZeroSent)
	}
	return b.Bytes()
}
