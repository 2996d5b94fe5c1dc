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
	form    vrrp.Checksum // of its last advert
	changed uint64        // times that it changed the form
}

// speakers are those last heard, in the order in which they came.
type speakers []speaker

// meet remembers an advert that the datapath has sent up. Of those that it
// keeps to itself touch tells: they are the last one again. It is true when the
// sender has changed the form of its checksum for the first time.
func (s *speakers) meet(a vrrp.Advert, at vrrp.Instant, form vrrp.Checksum) bool {
	if p := s.find(a.Src); p != nil {
		changed := p.form != form && a.Version == 3
		if changed {
			p.changed++
		}
		p.last, p.at, p.form = a, max(at, p.at), form
		return changed && p.changed == 1
	}
	if len(*s) == maxSpeakers {
		oldest := slices.IndexFunc(*s, func(p speaker) bool {
			return !slices.ContainsFunc(*s, func(q speaker) bool { return q.at < p.at })
		})
		*s = slices.Delete(*s, oldest, oldest+1)
	}
	*s = append(*s, speaker{last: a, at: at, form: form})
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
func (r *router) meet(a vrrp.Advert, e *loader.Event, via *line) {
	form := formOf(e)
	if p := r.speakers.find(a.Src); p != nil && via != nil {
		form = p.form // of the first line: another destination may be summed otherwise
	}
	if r.speakers.meet(a, e.At, form) && r.key.Family == vrrp.IPv4 {
		r.log.Warn(fmt.Sprintf("(%s) %s (%s) has changed the checksum of its adverts: now %s", r.cfg.Name, a.Src, net.HardwareAddr(a.MAC[:]), formNames[form]))
	}
}

// formOf is the form of an advert's checksum, on which v3 over IPv4 has several
// opinions.
func formOf(e *loader.Event) vrrp.Checksum {
	switch {
	case e.Old:
		return vrrp.ChecksumOld
	case e.Pseudo:
		return vrrp.ChecksumPseudo
	}
	return vrrp.ChecksumPlain
}

// formWords name the forms in status, formNames in the log.
var (
	formWords = map[vrrp.Checksum]string{
		vrrp.ChecksumPlain: "plain", vrrp.ChecksumPseudo: "pseudo-header", vrrp.ChecksumOld: "old",
	}
	formNames = map[vrrp.Checksum]string{
		vrrp.ChecksumPlain:  "over the message alone (RFC 9568)",
		vrrp.ChecksumPseudo: "with pseudo-header (RFC 5798, keepalived)",
		vrrp.ChecksumOld:    "with the pseudo-header of multicast (old_unicast_checksum)",
	}
)

// view shows them for status.
func (s speakers) view(t vrrp.Instant, f vrrp.Family) (all []stats.Speaker) {
	for _, p := range s {
		v := speakerView(p.last, t.Sub(p.at))
		if p.last.Version == 3 && f == vrrp.IPv4 {
			v.Checksum, v.ChecksumChanges = formWords[p.form], p.changed
		}
		all = append(all, v)
	}
	return all
}
