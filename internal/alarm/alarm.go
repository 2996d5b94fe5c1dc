// Package alarm keeps what a person should know of a router, while it lasts. Who
// raises an alarm, and who is told of it, is for others.
package alarm

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// The kinds of alarms that are no notes of the machine, whose kinds have its names
// (vrrp.NoteKind).
const (
	AuthRefused = "auth_refused"     // adverts that fail authentication
	AuthRemark  = "auth_remark"      // and such as pass, but
	AuthKept    = "auth_not_kept"    // sequence numbers cannot be kept
	NoAccept    = "no_accept"        // packets to the addresses reach the host
	TwoMasters  = "two_masters"      // adverts of two MASTERs, and neither gives way
	Conflict    = "address_conflict" // another MAC address claims an address that we hold
	VRRPLost    = "vrrp_lost"        // the master lives, and its adverts do not come
	NotHeard    = "not_heard"        // a peer does not hear our adverts
	Yielded     = "yielded"          // we left the addresses to another
	Heartbeat   = "heartbeat_lost"   // and :NAME of the line
	Fence       = "fence_failed"     // the script of split_brain
)

// LogEvery bounds the lines of one kind: whatever the LAN sends, one in that time.
const LogEvery = 10 * time.Second

// Lasts is how long an alarm stands that nobody ends, after what raised it has
// come last.
const Lasts = time.Minute

// Alarm is something about one router that a person should know, while it lasts.
type Alarm struct {
	Kind, Text string
	Cause      string        // likely cause, a word for programs; may be empty
	Same       string        // what makes it another one, to be logged again; empty: Text
	Stands     time.Duration // after it was last raised; 0: until it is ended
	Level      slog.Level

	// These are the board's.
	Since, Last vrrp.Instant
	Times       uint64 // raised
}

func (a *Alarm) expired(at vrrp.Instant) bool { return a.Stands > 0 && at.Sub(a.Last) >= a.Stands }

// Board has the alarms of one router. It is for one goroutine. Log and Tell must be
// there before the first is raised.
type Board struct {
	Log  func(level slog.Level, text string, attrs ...any) // with the router's name
	Tell func(at vrrp.Instant, a *Alarm, begins bool)      // of a beginning or an end

	standing map[string]*Alarm
	begun    map[string]uint64 // by kind
	logs     map[string]*lines
}

// lines are those of one kind.
type lines struct {
	at       vrrp.Instant // the last
	unlogged int
}

// Raise begins an alarm or brings one that stands up to date. Each is logged, put
// into status, counted, and told of when it begins and when it ends.
func (b *Board) Raise(at vrrp.Instant, a Alarm) {
	if b.standing == nil {
		b.standing, b.begun, b.logs = map[string]*Alarm{}, map[string]uint64{}, map[string]*lines{}
	}
	if a.Same == "" {
		a.Same = a.Text
	}
	old := b.standing[a.Kind]
	if old != nil && old.expired(at) {
		b.End(old.Last.Add(old.Stands), a.Kind)
		old = nil
	}
	a.Since, a.Last, a.Times = at, at, 1
	if old != nil {
		a.Since, a.Times = old.Since, old.Times+1
	}
	b.standing[a.Kind] = &a
	if old == nil || old.Same != a.Same {
		b.log(at, &a)
	}
	if old == nil {
		b.begun[a.Kind]++
		b.Tell(at, &a, true)
	}
}

// Renew keeps an alarm that stands standing, at next to no cost; false when it
// does not stand, or says something else.
func (b *Board) Renew(at vrrp.Instant, kind, same string) bool {
	a := b.standing[kind]
	if a == nil || a.expired(at) {
		return false
	}
	a.Last = max(a.Last, at)
	a.Times++
	return a.Same == same || at.Sub(b.logs[kind].at) < LogEvery
}

// End ends those of these kinds that stand.
func (b *Board) End(at vrrp.Instant, kinds ...string) {
	for _, kind := range kinds {
		a := b.standing[kind]
		if a == nil {
			continue
		}
		delete(b.standing, kind)
		if l := b.logs[kind]; l.unlogged == 0 { // else its beginning may not be in the log
			b.Log(slog.LevelInfo, fmt.Sprintf("alarm %s has ended after %v", kind, at.Sub(a.Since).Round(time.Millisecond)), "alarm", kind)
		}
		b.Tell(at, a, false)
	}
}

// EndAll ends all that stand.
func (b *Board) EndAll(at vrrp.Instant) { b.End(at, b.Kinds()...) }

// Expire ends those whose time is over.
func (b *Board) Expire(at vrrp.Instant) {
	for kind, a := range b.standing {
		if a.expired(at) {
			b.End(at, kind)
		}
	}
}

// Standing is the alarm of a kind; nil for none. It changes while it stands.
func (b *Board) Standing(kind string) *Alarm { return b.standing[kind] }

// Stands tells whether there is one of that kind.
func (b *Board) Stands(kind string) bool { return b.standing[kind] != nil }

// Kinds are those that stand, sorted.
func (b *Board) Kinds() []string { return slices.Sorted(maps.Keys(b.standing)) }

// List is what stands, by kind, for status. Expire comes before.
func (b *Board) List() (all []stats.Alarm) {
	for _, kind := range b.Kinds() {
		a := b.standing[kind]
		all = append(all, stats.Alarm{Kind: kind, Text: a.Text, Cause: a.Cause, Since: clock.Wall(a.Since), Times: a.Times})
	}
	return all
}

// Begun is how many of each kind have begun: a copy.
func (b *Board) Begun() map[string]uint64 { return maps.Clone(b.begun) }

func (b *Board) log(at vrrp.Instant, a *Alarm) {
	l := b.logs[a.Kind]
	if l == nil {
		l = &lines{}
		b.logs[a.Kind] = l
	}
	if l.at != 0 && at.Sub(l.at) < LogEvery {
		l.unlogged++
		return
	}
	attrs := []any{"alarm", a.Kind}
	if l.unlogged > 0 {
		attrs = append(attrs, "unlogged", l.unlogged)
	}
	*l = lines{at: at}
	b.Log(a.Level, a.Text, attrs...)
}
