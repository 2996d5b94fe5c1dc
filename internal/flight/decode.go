package flight

import (
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// ErrDamaged is a recording that cannot be read, or not from some place on.
var ErrDamaged = errors.New("damaged recording")

// decoder takes from b what encoder appended. After a fault it gives zeros.
type decoder struct {
	b   []byte
	bad bool
}

// take is the next n bytes; nil when there are fewer.
func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.b) {
		d.bad = true
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) at() vrrp.Instant        { return vrrp.Instant(d.int()) }
func (d *decoder) duration() time.Duration { return time.Duration(d.int()) }

func (d *decoder) float() float64 {
	if b := d.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) bool() bool {
	v := d.byte()
	d.bad = d.bad || v > 1
	return v == 1
}

// count is a number of things that take a byte each at least.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) string() string { return string(d.take(d.count())) }

func (d *decoder) addr() netip.Addr {
	switch d.byte() {
	case addrNone:
		return netip.Addr{}
	case addr4:
		if b := d.take(4); b != nil {
			return netip.AddrFrom4([4]byte(b))
		}
	case addr6:
		if b := d.take(16); b != nil {
			return netip.AddrFrom16([16]byte(b))
		}
	case addr6Zone:
		if b := d.take(16); b != nil {
			return netip.AddrFrom16([16]byte(b)).WithZone(d.string())
		}
	}
	d.bad = true
	return netip.Addr{}
}

func (d *decoder) addrs(like []netip.Addr) []netip.Addr {
	n := d.uint()
	switch {
	case n == 0:
		d.bad = d.bad || len(like) == 0
		return like
	case n == 1:
		return nil
	case n-1 > uint64(len(d.b)):
		d.bad = true
		return nil
	}
	all := make([]netip.Addr, n-1)
	for i := range all {
		all[i] = d.addr()
	}
	return all
}

func (d *decoder) advert(like []netip.Addr) (a vrrp.Advert) {
	a.Version, a.VRID, a.Priority, a.Auth = d.byte(), d.byte(), d.byte(), vrrp.AuthType(d.byte())
	a.Interval, a.Src = d.duration(), d.addr()
	copy(a.MAC[:], d.take(len(a.MAC)))
	a.Addrs = d.addrs(like)
	return a
}

func (d *decoder) reason() (r vrrp.Reason) {
	r.Code = vrrp.ReasonCode(d.byte())
	d.bad = d.bad || r.Code > vrrp.ReasonLapsed // the last: its String has a list
	r.Priority, r.Src, r.Silence, r.Lease, r.Cause = d.byte(), d.addr(), d.duration(), d.duration(), d.string()
	return r
}

func (d *decoder) config() (c vrrp.Config) {
	c.Version, c.Family, c.VRID, c.Priority = d.byte(), vrrp.Family(d.byte()), d.byte(), d.byte()
	c.Interval, c.Primary, c.Addrs = d.duration(), d.addr(), d.addrs(nil)
	c.PreemptDelay, c.DownAdverts, c.MaxLearn = d.duration(), int(d.int()), int(d.int())
	for _, v := range [...]*bool{&c.Preempt, &c.ReplyToLower, &c.ReplyToHigher, &c.OwnerIgnores, &c.Ask, &c.CheckAddrsOnce} {
		*v = d.bool()
	}
	return c
}

func (d *decoder) paused() vrrp.Paused {
	return vrrp.Paused{Since: d.at(), Length: d.duration(), Seen: d.at()}
}

func (d *decoder) input() vrrp.Input {
	switch d.byte() {
	case inStartup:
		return vrrp.Startup{Resume: d.bool()}
	case inShutdown:
		return vrrp.Shutdown{}
	case inTimer:
		return vrrp.Timer{}
	case inHeard:
		return vrrp.Heard{Advert: d.advert(nil)}
	case inSetPriority:
		return vrrp.SetPriority{Priority: d.byte()}
	case inSetConfig:
		return vrrp.SetConfig{Config: d.config()}
	case inFault:
		return vrrp.Fault{Active: d.bool(), Cause: d.string()}
	case inHeldUp:
		return vrrp.HeldUp{Silence: d.duration()}
	case inWithdraw:
		return vrrp.Withdraw{Cause: d.string()}
	case inPaused:
		return d.paused()
	case inLapsed:
		return vrrp.Lapsed{Away: d.duration(), Lease: d.duration()}
	case inWaitAnew:
		return vrrp.WaitAnew{}
	case inPermit:
		return vrrp.Permit{Granted: d.bool()}
	case inYield:
		return vrrp.Yield{Cause: d.string()}
	case inGroupTake:
		return vrrp.GroupTake{}
	case inGroupYield:
		return vrrp.GroupYield{Cause: d.string()}
	case inGroupFault:
		return vrrp.GroupFault{Cause: d.string()}
	case inGroupContest:
		return vrrp.GroupContest{Handicap: d.float()}
	case inGroupAnnounce:
		return vrrp.GroupAnnounce{}
	case inGroupLeave:
		return vrrp.GroupLeave{}
	}
	d.bad = true
	return nil
}

func (d *decoder) effects(in vrrp.Input) []vrrp.Effect {
	n := d.count()
	var all []vrrp.Effect
	for range n {
		if d.bad {
			break
		}
		all = append(all, d.effect(in))
	}
	return all
}

func (d *decoder) effect(in vrrp.Input) vrrp.Effect {
	switch d.byte() {
	case exTransition:
		return vrrp.Transition{From: d.state(), To: d.state(), Reason: d.reason()}
	case exSendAdvert:
		return vrrp.SendAdvert{Priority: d.byte()}
	case exTakeVIPs:
		return vrrp.TakeVIPs{}
	case exReleaseVIPs:
		return vrrp.ReleaseVIPs{}
	case exAnnounce:
		return vrrp.Announce{Lower: d.bool()}
	case exNote:
		return vrrp.Note{Kind: d.note(), Advert: d.advert(nil)}
	case exNoteOfInput:
		h, ok := in.(vrrp.Heard)
		d.bad = d.bad || !ok
		return vrrp.Note{Kind: d.note(), Advert: h.Advert}
	case exAskTakeover:
		return vrrp.AskTakeover{Reason: d.reason()}
	}
	d.bad = true
	return nil
}

func (d *decoder) state() vrrp.State {
	s := vrrp.State(d.byte())
	d.bad = d.bad || s > vrrp.Faulted
	return s
}

func (d *decoder) note() vrrp.NoteKind {
	k := vrrp.NoteKind(d.byte())
	if k > vrrp.NoteSecondMaster { // the last: its String has a list
		d.bad = true
		return 0
	}
	return k
}

func (d *decoder) snapshot() *vrrp.Snapshot {
	s := &vrrp.Snapshot{Config: d.config()}
	like := s.Config.Addrs
	s.State, s.Since, s.Reason = d.state(), d.at(), d.reason()
	for range d.count() {
		s.Faults = append(s.Faults, d.string())
	}
	for _, v := range [...]*bool{&s.Begun, &s.Released, &s.Asking, &s.Held, &s.Ready, &s.Listening} {
		*v = d.bool()
	}
	for _, t := range [...]*vrrp.Instant{&s.Base, &s.Heard, &s.LowerAt, &s.Waiting, &s.Contested, &s.Next, &s.Replied, &s.Woke} {
		*t = d.at()
	}
	s.Releaser = d.addr()
	s.Master, s.Lower, s.Losing = d.advert(like), d.advert(like), d.advert(like)
	s.Learned, s.Asked, s.Why = d.duration(), d.reason(), d.reason()
	s.Pull, s.Handicap, s.Pause = d.string(), d.float(), d.paused()
	return s
}

// record reads the body of one, which must end where b does.
func record(b []byte) (Record, error) {
	d := decoder{b: b}
	kind := d.byte()
	r := Record{Seq: d.uint(), At: d.at()}
	r.Done = r.At + vrrp.Instant(d.int())
	switch kind {
	case kindStep:
		r.Input = d.input()
		r.Effects = d.effects(r.Input)
	case kindKey, kindAnew:
		r.Key, r.Anew = d.snapshot(), kind == kindAnew
	case kindRefused:
		r.Refused = d.refused()
	default:
		d.bad = true
	}
	if d.bad || len(d.b) > 0 {
		return Record{}, ErrDamaged
	}
	return r, nil
}

func (d *decoder) refused() *Refused {
	r := &Refused{Why: vrrp.Drop(d.byte()), Src: d.addr()}
	copy(r.MAC[:], d.take(len(r.MAC)))
	r.Priority, r.Missed = d.byte(), d.uint()
	return r
}
