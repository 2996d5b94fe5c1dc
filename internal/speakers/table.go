// Package speakers keeps who speaks VRRP or CARP on a LAN, whether or not a router
// of this host has their VRID, and shows it. It neither hears nor decides.
package speakers

import (
	"net/netip"
	"sync"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Bounds. Sources cost a forger nothing: the table takes only so many new ones, and
// the one heard longest ago makes room. Who speaks at least every few seconds
// therefore stays, or comes back, whatever else is sent.
const (
	Most     = 1024                  // speakers of all interfaces
	newEvery = 50 * time.Millisecond // a new one of an interface, on the average
	newBurst = 256                   // and so many at once
	Forget   = time.Hour             // after a speaker was last heard
	Kept     = 72                    // octets of its message: the header and 16 IPv4 or 4 IPv6 addresses
)

// Key tells speakers apart. One address may speak for many VRIDs, and one VRID in
// two versions, which is a mistake that is worth seeing.
type Key struct {
	Ifindex uint32
	VRID    uint8
	Family  vrrp.Family
	Kind    uint8 // first octet of the message: version and type
	Src     netip.Addr
}

// Sighting is what is known of a speaker: how often it was heard, and its last frame.
type Sighting struct {
	First, Last vrrp.Instant
	Frames      uint64
	MAC         [6]byte
	TTL         uint8     // or hop limit
	Drop        vrrp.Drop // what became of it; Accepted: it is an advert of a router here
	Length      int       // octets of the message
	Message     [Kept]byte
}

// Table holds the speakers that user space hears, where XDP does not. The zero value
// is empty. Any goroutine may call its methods.
type Table struct {
	mu   sync.Mutex
	all  map[Key]*Sighting
	ears map[uint32]*ear
}

// ear is an interface.
type ear struct {
	full      vrrp.Instant // when its bucket of new speakers is full again
	notListed uint64
}

// Hear notes a frame that vrrp.Judge has looked at. It costs about 0.1 us, and with a
// new speaker up to 20 us, 20 times a second; it never waits: while the table is
// being read the frame goes unnoted.
func (t *Table) Hear(at vrrp.Instant, ifindex uint32, fr *vrrp.Frame, d vrrp.Drop) {
	if len(fr.Message) < 2 || d == vrrp.DropOwn || !t.mu.TryLock() {
		return
	}
	defer t.mu.Unlock()
	k := Key{Ifindex: ifindex, VRID: fr.Message[1], Family: fr.Family, Kind: fr.Message[0], Src: fr.Src}
	s := t.all[k]
	if s == nil {
		if s = t.meet(k, at); s == nil {
			return
		}
	}
	s.Last = max(at, s.Last)
	s.Frames++
	s.MAC, s.TTL, s.Drop, s.Length = fr.MAC, fr.TTL, d, len(fr.Message)
	s.Message = [Kept]byte{}
	copy(s.Message[:], fr.Message)
}

// meet makes room for a new speaker; nil: there are too many at once.
func (t *Table) meet(k Key, at vrrp.Instant) *Sighting {
	if t.all == nil {
		t.all, t.ears = map[Key]*Sighting{}, map[uint32]*ear{}
	}
	e := t.ears[k.Ifindex]
	if e == nil {
		e = &ear{}
		t.ears[k.Ifindex] = e
	}
	full := max(e.full, at).Add(newEvery)
	if full.Sub(at) > newEvery*newBurst {
		e.notListed++
		return nil
	}
	e.full = full
	if len(t.all) >= Most {
		t.forgetOldest()
	}
	s := &Sighting{First: at, Last: at}
	t.all[k] = s
	return s
}

func (t *Table) forgetOldest() {
	var oldest Key
	var last vrrp.Instant
	found := false
	for k, s := range t.all {
		if !found || s.Last < last {
			oldest, last, found = k, s.Last, true
		}
	}
	delete(t.all, oldest)
}

// All gives f each speaker, in no order, after it has forgotten those that have been
// silent for Forget.
func (t *Table) All(now vrrp.Instant, f func(Key, Sighting)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, s := range t.all {
		if now.Sub(s.Last) >= Forget {
			delete(t.all, k)
			continue
		}
		f(k, *s)
	}
}

// NotListed is how many frames of an interface came from speakers that were too many
// at once to be noted.
func (t *Table) NotListed(ifindex uint32) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.ears[ifindex]; e != nil {
		return e.notListed
	}
	return 0
}

// Leave forgets an interface, whose index may come back as another's.
func (t *Table) Leave(ifindex uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.ears, ifindex)
	for k := range t.all {
		if k.Ifindex == ifindex {
			delete(t.all, k)
		}
	}
}
