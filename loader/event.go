package loader

import (
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Kind tells what an Event says.
type Kind uint8

// The kinds.
const (
	Advert = Kind(vrrpxEventKindEVENT_ADVERT) // a valid advert that no rule elided
	Down   = Kind(vrrpxEventKindEVENT_DOWN)   // a deadline that Arm set has passed
	// Soon comes SoonBefore a deadline whose adverts have failed to come, so
	// that its reader is awake when it passes. It may be lost.
	Soon = Kind(vrrpxEventKindEVENT_SOON)
	// Claim is a frame by which another claims a watched address. Its key has
	// no VRID; Packet is ARP or IPv6, as much of it as 160 octets.
	Claim = Kind(vrrpxEventKindEVENT_CLAIM)
	// Taken is a Down whose router the kernel has made MASTER by itself: its slot of
	// the advert clock is open.
	Taken = Kind(vrrpxEventKindEVENT_TAKEN)
	// Lapsed is an advert that the clock did not send because the lease was not
	// renewed in time, Frozen one that it did not send because the last had left a
	// master-down interval ago or more. The gate says so too, also when the event is
	// lost.
	Lapsed = Kind(vrrpxEventKindEVENT_LAPSED)
	Frozen = Kind(vrrpxEventKindEVENT_FROZEN)
	// Stalled tells that this host stood still from At to Now while a deadline ran,
	// which therefore waits (Deadline.Interval). It may be lost.
	Stalled = Kind(vrrpxEventKindEVENT_STALLED)
)

// SoonBefore is how long before its deadline a Soon is sent.
const SoonBefore = 250 * time.Microsecond // SOON_NS in bpf/abi.h

func (k Kind) String() string {
	switch k {
	case Advert:
		return "advert"
	case Down:
		return "down"
	case Soon:
		return "soon"
	case Claim:
		return "claim"
	case Taken:
		return "taken"
	case Lapsed:
		return "lapsed"
	case Frozen:
		return "frozen"
	case Stalled:
		return "stalled"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Event is what the kernel sends up. From AH on the fields are an advert's.
type Event struct {
	Kind Kind
	Key  Key
	At   vrrp.Instant // advert: when it arrived; down, soon, taken: the deadline; lapsed, frozen: when an advert was due
	Now  vrrp.Instant // when the kernel put it on the ring

	// Slot and Gate are those of a Taken, Lapsed or Frozen: the slot of the clock, and
	// the word of its gate just after (GateWord).
	Slot int
	Gate GateWord
	// Gap is the time on CLOCK_BOOTTIME, of a Lapsed, since the lease was renewed, and
	// of a Frozen since the last advert.
	Gap time.Duration

	// Heard is, of a Down, Taken, Soon or Stalled, the last advert that the kernel had elided when it
	// looked at the deadline; 0 for none.
	Heard vrrp.Instant

	AH       bool // an Authentication Header stands in front of the message
	Pseudo   bool // the checksum includes the pseudo-header
	Old      bool // it includes one whose destination is the group (vrrp.ChecksumOld)
	Digest   uint64
	Src, Dst netip.Addr
	MAC      [6]byte // sender
	TTL      uint8   // or hop limit
	Packet   []byte  // from the IP header on; valid until the next Drain
	Message  []byte  // the part of Packet from the VRRP header on
}

const (
	eventSize = int(unsafe.Offsetof(vrrpxEvent{}.Packet)) // Sizeof pads after the empty array
	ipv4Len   = 20
	ipv6Len   = 40
)

// decode reads a record of the ring, of which the packet is moved into buf. It
// fails when the record is not what bpf/ writes.
func (e *Event) decode(rec, buf []byte) ([]byte, error) {
	if len(rec) < eventSize {
		return buf, fmt.Errorf("ring record of %d bytes is no event", len(rec))
	}
	raw := (*vrrpxEvent)(unsafe.Pointer(&rec[0])) // records are aligned to 8
	*e = Event{
		Kind: Kind(raw.Kind),
		Key:  Key{raw.Key.Ifindex, raw.Key.Vrid, vrrp.Family(raw.Key.Family)},
		At:   vrrp.Instant(raw.AtNs), Now: vrrp.Instant(raw.NowNs),
	}
	switch e.Kind {
	case Taken, Lapsed, Frozen:
		e.Slot, e.Gate, e.Gap = int(raw.Slot)-1, GateWord(raw.Gate), time.Duration(raw.GapNs)
		fallthrough
	case Down, Soon, Stalled:
		e.Heard = vrrp.Instant(raw.HeardNs)
		return buf, nil
	case Claim:
		return e.decodeClaim(raw, rec, buf)
	}
	header, length, message := ipv4Len, int(raw.Length), int(raw.Message)
	if e.Key.Family == vrrp.IPv6 {
		header = ipv6Len
	}
	if e.Kind != Advert || eventSize+length > len(rec) || message < header || message > length {
		return buf, fmt.Errorf("ring record of kind %d with %d bytes, message at %d, makes no sense", raw.Kind, length, message)
	}
	start := len(buf)
	buf = append(buf, rec[eventSize:eventSize+length]...)
	p := buf[start:len(buf):len(buf)]
	e.Old = raw.Old != 0
	e.AH, e.Pseudo, e.Digest, e.MAC = message > header, raw.Pseudo != 0, raw.Digest, raw.Mac
	e.Packet, e.Message = p, p[message:]
	if e.Key.Family == vrrp.IPv6 {
		e.TTL, e.Src, e.Dst = p[7], netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[24:40]))
	} else {
		e.TTL, e.Src, e.Dst = p[8], netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20]))
	}
	return buf, nil
}

func (e *Event) decodeClaim(raw *vrrpxEvent, rec, buf []byte) ([]byte, error) {
	length := int(raw.Length)
	if eventSize+length > len(rec) {
		return buf, fmt.Errorf("ring record of a claim of %d bytes makes no sense", length)
	}
	start := len(buf)
	buf = append(buf, rec[eventSize:eventSize+length]...)
	e.MAC, e.Packet = raw.Mac, buf[start:len(buf):len(buf)]
	return buf, nil
}

// FD is readable while Drain has something to deliver (level-triggered, for
// poll and epoll). It lives as long as the Kernel; do not read from it or
// close it.
func (k *Kernel) FD() int { return k.events.FD() }

// Ready tells whether Drain has something to deliver, for a caller that has no
// time to ask the system.
func (k *Kernel) Ready() bool {
	_, ok := k.ring.peek()
	return ok
}

// Drain delivers what is on the ring to f and returns how many events that
// were. It never blocks. It stops when the ring is empty, or after an event
// that the kernel put there later than until, so that a flood cannot hold its
// caller. The event is good during the call of f, its Packet and Message until
// the next Drain. An error means that the ring cannot be understood; what it
// skips is lost. Only one goroutine may call it.
func (k *Kernel) Drain(until vrrp.Instant, f func(*Event)) (n int, err error) {
	k.packets = k.packets[:0]
	for {
		rec, ok := k.ring.peek()
		if !ok {
			return n, nil
		}
		k.packets, err = k.event.decode(rec, k.packets)
		k.ring.advance(rec)
		if err != nil {
			return n, err
		}
		n++
		f(&k.event)
		if k.event.Now > until {
			return n, nil
		}
	}
}
