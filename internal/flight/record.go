package flight

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Record is one step of a machine, a keyframe (the machine as it was then), or an
// advert that was refused.
type Record struct {
	Seq  uint64       // from 1 on, keyframes too; what is missing was not recorded
	At   vrrp.Instant // when the input happened: the stamp that the machine was given
	Done vrrp.Instant // when the loop had stepped it, on the same clock

	Input   vrrp.Input // nil of a keyframe
	Effects []vrrp.Effect

	Key *vrrp.Snapshot // of a keyframe
	// Anew is a keyframe that does not follow from the records before it: the first,
	// one after something was lost, or of a machine that another has made something of.
	Anew bool

	Refused *Refused // neither a step nor a keyframe
}

// Refused is an advert that user space did not take, and the machine never saw: the
// password or the HMAC was wrong. What the datapath drops is counted there alone.
type Refused struct {
	Why      vrrp.Drop
	Src      netip.Addr
	MAC      [6]byte
	Priority uint8
	Missed   uint64 // others that were refused since the last record of one
}

// keyframe tells whether r is one.
func (r *Record) keyframe() bool { return r.Key != nil }

// Capture is what the recorder knows of one router.
type Capture struct {
	Router    string
	Interface string // of its first link
	Records   []Record
}

// since leaves the records of the last while, and those before them from the last
// keyframe on, without which they could not be stepped again.
func since(all []Record, from vrrp.Instant) []Record {
	first := 0
	for i := range all {
		if all[i].Done > from {
			break
		}
		if all[i].keyframe() {
			first = i
		}
	}
	return all[first:]
}

// inputText is an input in a few words.
func inputText(in vrrp.Input) string {
	switch in := in.(type) {
	case vrrp.Heard:
		return fmt.Sprintf("advert of %s, priority %d, every %v, addresses %v", in.Src, in.Priority, in.Interval, in.Addrs)
	case vrrp.Startup:
		if in.Resume {
			return "startup, as the MASTER that it was"
		}
		return "startup"
	case vrrp.Shutdown:
		return "shutdown"
	case vrrp.Timer:
		return "timer"
	case vrrp.SetPriority:
		return fmt.Sprintf("priority set to %d", in.Priority)
	case vrrp.SetConfig:
		return fmt.Sprintf("configuration set: priority %d, every %v, from %s, addresses %v", in.Priority, in.Interval, in.Primary, in.Addrs)
	case vrrp.Fault:
		if in.Active {
			return "fault: " + in.Cause
		}
		return "fault cleared: " + in.Cause
	case vrrp.HeldUp:
		return fmt.Sprintf("held up for %v", in.Silence)
	case vrrp.Withdraw:
		return "withdrawn: " + in.Cause
	case vrrp.Paused:
		return fmt.Sprintf("paused for %v", in.Length)
	case vrrp.Lapsed:
		return fmt.Sprintf("did not run for %v, lease %v", in.Away, in.Lease)
	case vrrp.WaitAnew:
		return "waits anew: the kernel was MASTER for it, and is no more"
	case vrrp.Permit:
		if in.Granted {
			return "may take over"
		}
		return "may not take over"
	case vrrp.Yield:
		return "yields: " + in.Cause
	case vrrp.GroupTake:
		return "its sync group takes over"
	case vrrp.GroupYield:
		return in.Cause
	case vrrp.GroupFault:
		if in.Cause == "" {
			return "its sync group has no fault any more"
		}
		return in.Cause
	case vrrp.GroupContest:
		return fmt.Sprintf("its sync group defers for %v intervals", in.Handicap)
	case vrrp.GroupAnnounce:
		return "its sync group announces its addresses"
	case vrrp.GroupLeave:
		return "left its sync group"
	}
	return fmt.Sprintf("%T", in)
}

// effectsText are effects in a few words; empty for none.
func effectsText(effects []vrrp.Effect) string {
	var words []string
	for _, e := range effects {
		switch e := e.(type) {
		case vrrp.Transition:
			words = append(words, fmt.Sprintf("%v -> %v (%v)", e.From, e.To, e.Reason))
		case vrrp.SendAdvert:
			words = append(words, fmt.Sprintf("sends priority %d", e.Priority))
		case vrrp.TakeVIPs:
			words = append(words, "takes the addresses")
		case vrrp.ReleaseVIPs:
			words = append(words, "releases the addresses")
		case vrrp.Announce:
			words = append(words, "announces the addresses")
		case vrrp.Note:
			words = append(words, fmt.Sprintf("notes %v of %s", e.Kind, e.Advert.Src))
		case vrrp.AskTakeover:
			words = append(words, fmt.Sprintf("asks to take over (%v)", e.Reason))
		}
	}
	return strings.Join(words, "; ")
}

// machineText is a machine at an instant.
func machineText(m *vrrp.Machine, at vrrp.Instant) string {
	text := m.State().String()
	if due, ok := m.Deadline(); ok {
		text += fmt.Sprintf(", deadline in %v", time.Duration(due-at))
	}
	return text
}
