package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// maxSpeakers bounds those that a router remembers: with a forged source in
// each advert the list would have no end.
const maxSpeakers = 16

// speaker is who has sent valid adverts for a router.
type speaker struct {
	last    vrrp.Advert
	at      vrrp.Instant
	pseudo  bool   // the form of its last checksum, where there are two
	changed uint64 // times that it changed the form
}

// speakers are those last heard, in the order in which they came.
type speakers []speaker

// meet remembers an advert that the datapath has sent up. Of those that it
// keeps to itself touch tells: they are the last one again. It is true when the
// sender has changed the form of its checksum for the first time.
func (s *speakers) meet(a vrrp.Advert, at vrrp.Instant, pseudo bool) bool {
	if p := s.find(a.Src); p != nil {
		changed := p.pseudo != pseudo && a.Version == 3
		if changed {
			p.changed++
		}
		p.last, p.at, p.pseudo = a, max(at, p.at), pseudo
		return changed && p.changed == 1
	}
	if len(*s) == maxSpeakers {
		oldest := slices.IndexFunc(*s, func(p speaker) bool {
			return !slices.ContainsFunc(*s, func(q speaker) bool { return q.at < p.at })
		})
		*s = slices.Delete(*s, oldest, oldest+1)
	}
	*s = append(*s, speaker{last: a, at: at, pseudo: pseudo})
	return false
}

func (s speakers) touch(src netip.Addr, at vrrp.Instant) {
	if p := s.find(src); p != nil {
		p.at = max(at, p.at)
	}
}

func (s speakers) find(src netip.Addr) *speaker {
	for i := range s {
		if s[i].last.Src == src {
			return &s[i]
		}
	}
	return nil
}

// meet logs the first change only: who alternates would fill the log.
func (r *router) meet(a vrrp.Advert, e *loader.Event) {
	form := vrrp.ChecksumPlain
	if e.Pseudo {
		form = vrrp.ChecksumPseudo
	}
	if r.speakers.meet(a, e.At, e.Pseudo) && r.key.Family == vrrp.IPv4 {
		r.log.Warn(fmt.Sprintf("(%s) %s (%s) has changed the checksum of its adverts: now %s", r.cfg.Name, a.Src, net.HardwareAddr(a.MAC[:]), formName(form)))
	}
}

// formName names the form of a v3 checksum over IPv4 for people.
func formName(c vrrp.Checksum) string {
	if c == vrrp.ChecksumPlain {
		return "over the message alone (RFC 9568)"
	}
	return "with pseudo-header (RFC 5798, keepalived)"
}

// view shows them for status.
func (s speakers) view(t vrrp.Instant, f vrrp.Family) (all []stats.Speaker) {
	for _, p := range s {
		v := speakerView(p.last, t.Sub(p.at))
		if p.last.Version == 3 && f == vrrp.IPv4 {
			if v.Checksum = "plain"; p.pseudo {
				v.Checksum = "pseudo-header"
			}
			v.ChecksumChanges = p.changed
		}
		all = append(all, v)
	}
	return all
}
