package explain

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// tracks is what the router depends on: what each takes now, and what would come of it if it
// failed, against the priority of the peer that is heard.
func (v view) tracks() (says []string) {
	r := v.r
	if r.Priority != r.BasePriority {
		says = append(says, fmt.Sprintf("Priority %d%s; %d is configured.", r.Priority, v.priorSince(), r.BasePriority))
	}
	for i := range r.Tracked {
		says = append(says, v.track(&r.Tracked[i]))
	}
	switch {
	case r.State == fault || r.State == initial:
	case r.UntrackedOwn:
		says = append(says, fmt.Sprintf("If %s goes down: nothing changes here (dont_track_primary), and the others hear nothing of it any more.", r.Interface))
	default:
		says = append(says, fmt.Sprintf("If %s goes down: FAULT at once.", r.Interface))
	}
	return says
}

func (v view) track(t *stats.Tracked) string {
	r, note := v.r, ""
	if t.Note != "" {
		note = " (" + t.Note + ")"
	}
	_, err := strconv.ParseInt(t.State, 10, 64)
	number := err == nil
	switch {
	case t.Fault:
		return fmt.Sprintf("%s is %s%s: that keeps it in FAULT.", t.Name, t.State, note)
	case number && t.Weight == 0 && t.Reverse:
		return fmt.Sprintf("%s has %s: 0 is a FAULT.", t.Name, t.State)
	case number && t.Weight == 0:
		return fmt.Sprintf("%s has %s: any other number than 0 is a FAULT.", t.Name, t.State)
	case number:
		return fmt.Sprintf("%s has %s, times %d: %s.", t.Name, t.State, t.Weight, takes(t.Points))
	case t.State == "unknown":
		return fmt.Sprintf("%s has no result yet.", t.Name)
	case t.Weight == 0 && t.Reverse:
		return fmt.Sprintf("%s is %s%s. If it succeeds: FAULT (reverse).", t.Name, t.State, note)
	case t.Weight == 0:
		return fmt.Sprintf("%s is %s%s. If it fails: FAULT.", t.Name, t.State, note)
	}
	// A weight counts in one of its two states.
	other := v.priorityWith(t.Weight - 2*t.Points)
	then, now := v.outcome(other), v.outcome(r.Priority)
	if t.State == "up" {
		text := fmt.Sprintf("%s is up: %s. If it fails: priority %d", t.Name, takes(t.Points), other)
		if then.state == now.state && then.state != "" {
			return text + ", and nothing changes: " + then.says + "."
		}
		return text + ", and " + then.says + "."
	}
	text := fmt.Sprintf("%s is %s%s: %s. ", t.Name, t.State, note, takes(t.Points))
	if then.state == now.state && then.state != "" {
		return text + fmt.Sprintf("That cannot matter: with %d as with %d %s.", r.Priority, other, now.says)
	}
	return text + fmt.Sprintf("With it up: priority %d, and %s.", other, then.says)
}

func takes(points int) string {
	switch {
	case points < 0:
		return fmt.Sprintf("takes %d", -points)
	case points > 0:
		return fmt.Sprintf("adds %d", points)
	}
	return "takes nothing"
}

// priorityWith is the effective priority with some points more, as the daemon reckons: 1 to
// 254, and an owner's is never adjusted.
func (v view) priorityWith(more int) uint8 {
	r := v.r
	if r.BasePriority == 255 {
		return 255
	}
	sum := int(r.BasePriority) + more
	for _, t := range r.Tracked {
		sum += t.Points
	}
	return uint8(min(max(sum, 1), 254))
}

// outcome is what a priority leads to: a state, empty where that is not known, and why.
type outcome struct{ state, says string }

func (v view) outcome(priority uint8) outcome {
	r, peer := v.r, v.peer()
	switch {
	case r.State == fault || r.State == initial:
		return outcome{"", "that counts when it is in the election again"}
	case peer == nil && r.State == master:
		return outcome{"", "no other router was heard that this could be compared with"}
	case peer == nil:
		return outcome{"", "no master is heard that this could be compared with"}
	case r.State == master && beats(priority, r.Source, peer):
		return outcome{master, fmt.Sprintf("it stays MASTER: %s last said priority %d (%s ago)", peer.Address, peer.Priority, age(time.Duration(peer.Heard)))}
	case r.State == master:
		return outcome{backup, fmt.Sprintf("%s takes over, if its priority is %d as it last said (%s ago) and it preempts", peer.Address, peer.Priority, age(time.Duration(peer.Heard)))}
	case priority <= peer.Priority:
		return outcome{backup, fmt.Sprintf("it stays BACKUP behind %s (priority %d)", peer.Address, peer.Priority)}
	case !v.preempts():
		return outcome{backup, fmt.Sprintf("it stays BACKUP behind %s (priority %d): nopreempt", peer.Address, peer.Priority)}
	}
	return outcome{master, fmt.Sprintf("it preempts %s (priority %d)", peer.Address, peer.Priority)}
}

// preempts tells whether the router takes over from a master of lower priority. One that
// owns the addresses does so whatever it is told (RFC 9568 section 6.1).
func (v view) preempts() bool { return v.r.Preempt || v.r.BasePriority == 255 }

// peer is who the priority is compared with: a BACKUP's master, and for a MASTER the best of
// those who have advertised, as they last did.
func (v view) peer() (best *stats.Speaker) {
	r := v.r
	if r.State != master {
		return r.Master
	}
	for i := range r.Speakers {
		s := &r.Speakers[i]
		if s.Priority == 0 || s.Address == r.Source {
			continue // a release does not tell
		}
		if best == nil || beats(s.Priority, s.Address, best) {
			best = s
		}
	}
	return best
}

// beats tells whether a priority wins an election (RFC 9568 section 6.4.3).
func beats(priority uint8, address string, over *stats.Speaker) bool {
	if priority != over.Priority {
		return priority > over.Priority
	}
	a, _ := netip.ParseAddr(address) // one that is none is below all
	b, _ := netip.ParseAddr(over.Address)
	return a.Compare(b) > 0
}

// priorSince is since when the priority is what it is, where the history has that.
func (v view) priorSince() string {
	for i := len(v.Events) - 1; i >= 0; i-- {
		if e := &v.Events[i]; e.Kind == stats.EventPriority && e.Router == v.r.Name {
			if e.OwnPriority != v.r.Priority {
				return ""
			}
			return " since " + v.clock(e.At)
		}
	}
	return ""
}
