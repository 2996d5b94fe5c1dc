package flight

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Budget is the memory of all rings of a daemon, in octets, but for those of routers
// that come when it is used up: each has Least then. Most bounds one ring.
const (
	Budget = 4 << 20
	Least  = 16 << 10
	Most   = 256 << 10
)

// keyEvery is the number of records from one keyframe to the next, at most. In a
// small ring they are closer, so that one is always there.
const keyEvery = 256

// Size is the size of the ring of one of n routers that have none yet, where the
// others have used so much: Least to Most.
func Size(used, n int) int {
	return max(Least, min(Most, (Budget-used)/max(n, 1)))
}

// frameHead is what stands before a record: the length of its body and the CRC-32C
// of that, both of 32 bits, little endian.
const frameHead = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encoded is the room for one record that a ring begins with: most have less than a
// tenth. It is beside the Budget.
const encoded = 1 << 10

// Ring has the latest records of one router, as many as fit. It is for one
// goroutine, and allocates nothing but for a record longer than encoded and than any
// before it. A nil Ring records nothing.
type Ring struct {
	buf  []byte
	tail int // the oldest record
	used int // octets from there on

	seq      uint64
	keys     int  // keyframes in it
	records  int  // since the last
	octets   int  // likewise
	gap      bool // something was not recorded since
	lost     uint64
	enc      encoder
	snapshot vrrp.Snapshot

	refused Refused      // the last that was recorded, and how many since
	denied  vrrp.Instant // when
}

// NewRing returns an empty ring of so many octets, of Least if they are fewer.
func NewRing(size int) *Ring {
	size = max(size, Least)
	return &Ring{buf: make([]byte, size), enc: encoder{make([]byte, 0, encoded)}}
}

// Len is how many octets it holds, Cap how many it can hold: 0 of a nil Ring.
func (r *Ring) Len() int {
	if r == nil {
		return 0
	}
	return r.used
}

// Cap is the size of the ring; see Len.
func (r *Ring) Cap() int {
	if r == nil {
		return 0
	}
	return len(r.buf)
}

// Lost counts the records that were longer than the whole ring.
func (r *Ring) Lost() uint64 {
	if r == nil {
		return 0
	}
	return r.lost
}

// Begin writes a keyframe of m as it is now, which need not follow from what is in
// the ring: it is a fresh machine, or one that was changed by other than a step.
func (r *Ring) Begin(now vrrp.Instant, m *vrrp.Machine) {
	if r != nil {
		r.key(now, m, kindAnew)
	}
}

// Step writes that m was stepped by in, which happened at, and had these effects. It
// is called right after the step, at now.
func (r *Ring) Step(at, now vrrp.Instant, m *vrrp.Machine, in vrrp.Input, out []vrrp.Effect) {
	if r == nil {
		return
	}
	r.seq++
	r.begin()
	r.enc.head(kindStep, r.seq, at, now)
	r.enc.input(in)
	r.enc.effects(out, in)
	n, ok := r.write(false)
	r.wrote(now, m, n, ok)
}

// wrote counts a record of n octets, or none that was too long, and writes a keyframe
// where one is due.
func (r *Ring) wrote(now vrrp.Instant, m *vrrp.Machine, n int, ok bool) {
	if !ok {
		r.lost++
		r.gap = true
	}
	r.records++
	r.octets += n
	switch {
	case r.gap:
		r.key(now, m, kindAnew)
	case r.keys == 0 || r.records >= keyEvery || r.octets >= len(r.buf)/4:
		r.key(now, m, kindKey)
	}
}

func (r *Ring) key(now vrrp.Instant, m *vrrp.Machine, kind byte) {
	m.Snapshot(&r.snapshot)
	r.seq++
	r.begin()
	r.enc.head(kind, r.seq, now, now)
	r.enc.snapshot(&r.snapshot)
	if _, ok := r.write(true); !ok {
		r.lost++
		r.gap = true
		return
	}
	r.records, r.octets, r.gap = 0, 0, false
}

// begin leaves room for the head of a record.
func (r *Ring) begin() {
	r.enc.b = append(r.enc.b[:0], make([]byte, frameHead)...)
}

// write puts the record of enc into the ring, in the place of the oldest. It fails
// when it is longer than the ring.
func (r *Ring) write(key bool) (n int, ok bool) {
	b := r.enc.b
	if len(b) > len(r.buf) {
		return 0, false
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)-frameHead))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[frameHead:], castagnoli))
	for len(r.buf)-r.used < len(b) {
		r.drop()
	}
	at := (r.tail + r.used) % len(r.buf)
	copy(r.buf, b[copy(r.buf[at:], b):])
	r.used += len(b)
	if key {
		r.keys++
	}
	return len(b), true
}

// drop takes the oldest record out. What is in the ring we have written.
func (r *Ring) drop() {
	n := frameHead
	for i := range 4 {
		n += int(r.buf[(r.tail+i)%len(r.buf)]) << (8 * i)
	}
	if k := r.buf[(r.tail+frameHead)%len(r.buf)]; k == kindKey || k == kindAnew {
		r.keys--
	}
	r.tail = (r.tail + n) % len(r.buf)
	r.used -= n
}

// Copy appends what is in the ring to b, the oldest record first, and allocates
// nothing where b has room for Len more.
func (r *Ring) Copy(b []byte) []byte {
	if r == nil {
		return b
	}
	n := min(r.used, len(r.buf)-r.tail)
	b = append(b, r.buf[r.tail:r.tail+n]...)
	return append(b, r.buf[:r.used-n]...)
}

// How often refused adverts are recorded: one that is like the last, and any at all.
// The others are counted. Who sends forged adverts must not push the rest out.
const (
	refusedAgain = 10 * time.Second
	refusedAny   = 100 * time.Millisecond
)

// Refuse writes that an advert for m which came at at was not taken, at now. Of d only
// Missed is not looked at.
func (r *Ring) Refuse(at, now vrrp.Instant, m *vrrp.Machine, d Refused) {
	if r == nil {
		return
	}
	last, ago := &r.refused, now.Sub(r.denied)
	like := d.Why == last.Why && d.Src == last.Src && d.MAC == last.MAC && d.Priority == last.Priority
	if r.denied != 0 && (ago < refusedAny || like && ago < refusedAgain) {
		last.Missed++
		return
	}
	d.Missed = last.Missed
	r.seq++
	r.begin()
	r.enc.head(kindRefused, r.seq, at, now)
	r.enc.refused(&d)
	n, ok := r.write(false)
	r.refused, r.denied = d, now
	r.refused.Missed = 0
	r.wrote(now, m, n, ok)
}
