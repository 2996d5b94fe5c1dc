package flight

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// The kinds of records.
const (
	kindStep byte = 1 + iota
	kindKey
	kindAnew
	kindRefused
)

// The inputs. Numbers are those of files: they are never used for another.
const (
	inStartup byte = 1 + iota
	inShutdown
	inTimer
	inHeard
	inSetPriority
	inSetConfig
	inFault
	inHeldUp
	inWithdraw
	inPaused
	inLapsed
	inWaitAnew
	inPermit
	inYield
	inGroupTake
	inGroupYield
	inGroupFault
	inGroupContest
	inGroupAnnounce
	inGroupLeave
)

// The effects, likewise.
const (
	exTransition byte = 1 + iota
	exSendAdvert
	exTakeVIPs
	exReleaseVIPs
	exAnnounce
	exNote
	exNoteOfInput // whose advert is the input's, as always so far
	exAskTakeover
)

// encoder appends to b, and allocates only where b has no room. Numbers are varints.
type encoder struct{ b []byte }

func (e *encoder) byte(v byte)       { e.b = append(e.b, v) }
func (e *encoder) uint(v uint64)     { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)       { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) at(t vrrp.Instant) { e.int(int64(t)) }

func (e *encoder) duration(d time.Duration) { e.int(int64(d)) }

func (e *encoder) float(f float64) {
	e.b = binary.LittleEndian.AppendUint64(e.b, math.Float64bits(f))
}

func (e *encoder) bool(v bool) {
	if v {
		e.byte(1)
		return
	}
	e.byte(0)
}

func (e *encoder) string(s string) {
	e.uint(uint64(len(s)))
	e.b = append(e.b, s...)
}

// The forms of an address.
const (
	addrNone byte = iota
	addr4
	addr6
	addr6Zone
)

func (e *encoder) addr(a netip.Addr) {
	switch {
	case !a.IsValid():
		e.byte(addrNone)
	case a.Is4():
		v := a.As4()
		e.byte(addr4)
		e.b = append(e.b, v[:]...)
	default:
		v, zone := a.As16(), a.Zone()
		if zone == "" {
			e.byte(addr6)
			e.b = append(e.b, v[:]...)
			return
		}
		e.byte(addr6Zone)
		e.b = append(e.b, v[:]...)
		e.string(zone)
	}
}

// addrs writes 0 for a list that is like the one given, else its length and 1.
func (e *encoder) addrs(all, like []netip.Addr) {
	if len(like) > 0 && slices.Equal(all, like) {
		e.uint(0)
		return
	}
	e.uint(uint64(len(all)) + 1)
	for _, a := range all {
		e.addr(a)
	}
}

// advert leaves the password out.
func (e *encoder) advert(a *vrrp.Advert, like []netip.Addr) {
	e.byte(a.Version)
	e.byte(a.VRID)
	e.byte(a.Priority)
	e.byte(byte(a.Auth))
	e.duration(a.Interval)
	e.addr(a.Src)
	e.b = append(e.b, a.MAC[:]...)
	e.addrs(a.Addrs, like)
}

func (e *encoder) reason(r *vrrp.Reason) {
	e.byte(byte(r.Code))
	e.byte(r.Priority)
	e.addr(r.Src)
	e.duration(r.Silence)
	e.duration(r.Lease)
	e.string(r.Cause)
}

func (e *encoder) config(c *vrrp.Config) {
	e.byte(c.Version)
	e.byte(byte(c.Family))
	e.byte(c.VRID)
	e.byte(c.Priority)
	e.duration(c.Interval)
	e.addr(c.Primary)
	e.addrs(c.Addrs, nil)
	e.duration(c.PreemptDelay)
	e.int(int64(c.DownAdverts))
	e.int(int64(c.MaxLearn))
	for _, v := range [...]bool{c.Preempt, c.ReplyToLower, c.ReplyToHigher, c.OwnerIgnores, c.Ask, c.CheckAddrsOnce} {
		e.bool(v)
	}
}

func (e *encoder) paused(p *vrrp.Paused) {
	e.at(p.Since)
	e.duration(p.Length)
	e.at(p.Seen)
}

func (e *encoder) input(in vrrp.Input) {
	switch in := in.(type) {
	case vrrp.Startup:
		e.byte(inStartup)
		e.bool(in.Resume)
	case vrrp.Shutdown:
		e.byte(inShutdown)
	case vrrp.Timer:
		e.byte(inTimer)
	case vrrp.Heard:
		e.byte(inHeard)
		e.advert(&in.Advert, nil)
	case vrrp.SetPriority:
		e.byte(inSetPriority)
		e.byte(in.Priority)
	case vrrp.SetConfig:
		e.byte(inSetConfig)
		e.config(&in.Config)
	case vrrp.Fault:
		e.byte(inFault)
		e.bool(in.Active)
		e.string(in.Cause)
	case vrrp.HeldUp:
		e.byte(inHeldUp)
		e.duration(in.Silence)
	case vrrp.Withdraw:
		e.byte(inWithdraw)
		e.string(in.Cause)
	case vrrp.Paused:
		e.byte(inPaused)
		e.paused(&in)
	case vrrp.Lapsed:
		e.byte(inLapsed)
		e.duration(in.Away)
		e.duration(in.Lease)
	case vrrp.WaitAnew:
		e.byte(inWaitAnew)
	case vrrp.Permit:
		e.byte(inPermit)
		e.bool(in.Granted)
	case vrrp.Yield:
		e.byte(inYield)
		e.string(in.Cause)
	case vrrp.GroupTake:
		e.byte(inGroupTake)
	case vrrp.GroupYield:
		e.byte(inGroupYield)
		e.string(in.Cause)
	case vrrp.GroupFault:
		e.byte(inGroupFault)
		e.string(in.Cause)
	case vrrp.GroupContest:
		e.byte(inGroupContest)
		e.float(in.Handicap)
	case vrrp.GroupAnnounce:
		e.byte(inGroupAnnounce)
	case vrrp.GroupLeave:
		e.byte(inGroupLeave)
	default:
		e.byte(0) // a kind that this file does not know: a test sees to it that there is none
	}
}

// effects writes those of a step with this input.
func (e *encoder) effects(all []vrrp.Effect, in vrrp.Input) {
	e.uint(uint64(len(all)))
	for _, x := range all {
		switch x := x.(type) {
		case vrrp.Transition:
			e.byte(exTransition)
			e.byte(byte(x.From))
			e.byte(byte(x.To))
			e.reason(&x.Reason)
		case vrrp.SendAdvert:
			e.byte(exSendAdvert)
			e.byte(x.Priority)
		case vrrp.TakeVIPs:
			e.byte(exTakeVIPs)
		case vrrp.ReleaseVIPs:
			e.byte(exReleaseVIPs)
		case vrrp.Announce:
			e.byte(exAnnounce)
			e.bool(x.Lower)
		case vrrp.Note:
			if h, ok := in.(vrrp.Heard); ok && alike(&h.Advert, &x.Advert) {
				e.byte(exNoteOfInput)
				e.byte(byte(x.Kind))
				continue
			}
			e.byte(exNote)
			e.byte(byte(x.Kind))
			e.advert(&x.Advert, nil)
		case vrrp.AskTakeover:
			e.byte(exAskTakeover)
			e.reason(&x.Reason)
		default:
			e.byte(0)
		}
	}
}

// alike tells whether two adverts are the same in all that is recorded.
func alike(a, b *vrrp.Advert) bool {
	return a.Version == b.Version && a.VRID == b.VRID && a.Priority == b.Priority && a.Auth == b.Auth &&
		a.Interval == b.Interval && a.Src == b.Src && a.MAC == b.MAC && slices.Equal(a.Addrs, b.Addrs)
}

func (e *encoder) snapshot(s *vrrp.Snapshot) {
	e.config(&s.Config)
	like := s.Config.Addrs
	e.byte(byte(s.State))
	e.at(s.Since)
	e.reason(&s.Reason)
	e.uint(uint64(len(s.Faults)))
	for _, f := range s.Faults {
		e.string(f)
	}
	for _, v := range [...]bool{s.Begun, s.Released, s.Asking, s.Held, s.Ready, s.Listening} {
		e.bool(v)
	}
	for _, t := range [...]vrrp.Instant{s.Base, s.Heard, s.LowerAt, s.Waiting, s.Contested, s.Next, s.Replied, s.Woke} {
		e.at(t)
	}
	e.addr(s.Releaser)
	e.advert(&s.Master, like)
	e.advert(&s.Lower, like)
	e.advert(&s.Losing, like)
	e.duration(s.Learned)
	e.reason(&s.Asked)
	e.reason(&s.Why)
	e.string(s.Pull)
	e.float(s.Handicap)
	e.paused(&s.Pause)
}

// head begins the body of a record.
func (e *encoder) head(kind byte, seq uint64, at, done vrrp.Instant) {
	e.byte(kind)
	e.uint(seq)
	e.at(at)
	e.int(int64(done - at))
}

// record is the body of a record that was read.
func (e *encoder) record(r *Record) {
	switch {
	case r.Refused != nil:
		e.head(kindRefused, r.Seq, r.At, r.Done)
		e.refused(r.Refused)
		return
	case r.Key == nil:
		e.head(kindStep, r.Seq, r.At, r.Done)
		e.input(r.Input)
		e.effects(r.Effects, r.Input)
		return
	case r.Anew:
		e.head(kindAnew, r.Seq, r.At, r.Done)
	default:
		e.head(kindKey, r.Seq, r.At, r.Done)
	}
	e.snapshot(r.Key)
}

func (e *encoder) refused(r *Refused) {
	e.byte(byte(r.Why))
	e.addr(r.Src)
	e.b = append(e.b, r.MAC[:]...)
	e.byte(r.Priority)
	e.uint(r.Missed)
}
