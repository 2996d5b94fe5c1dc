package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// deaf ends a check that has to listen and cannot. Of an interface among others it
// tells, and what was heard of the others counts.
func (v *visit) deaf() bool {
	switch {
	case v.noRouters():
		return true
	case v.Listen <= 0:
		v.skip("", "--listen=3s", "not listened")
		return true
	}
	for _, name := range v.interfaces() {
		v.listen(name)
	}
	v.failed(v.deafTo, "adverts could not be listened for all the time")
	if len(v.ears)+len(v.deafTo) == 0 {
		v.skip("", "", "no interface that could be listened at is up")
	}
	return len(v.ears)+len(v.speech) == 0
}

// failed says of interfaces why something cannot be looked at on them.
func (v *visit) failed(on map[string]error, what string) {
	for _, name := range slices.Sorted(maps.Keys(on)) {
		fix := "vrrpx doctor again, when the interface stays up"
		if errors.Is(on[name], fs.ErrPermission) {
			fix = "run it as root"
		}
		v.skip(name, fix, "%s: %v", what, on[name])
	}
}

func (v *visit) vrid() {
	if v.deaf() {
		return
	}
	mark := len(v.results)
	for i := range v.Routers {
		r := &v.Routers[i]
		all := v.speakers(r)
		v.echoes(r, all)
		for _, h := range all {
			if h.stranger() {
				v.add(Result{Verdict: Bad, Subject: r.Name, Finding: fmt.Sprintf("VRID %d on %s is used by %s for other addresses: each takes the other's adverts for its own group's", r.VRID, r.Interface, h.src),
					Evidence: []string{h.said()}, Fix: "use another virtual_router_id on all hosts of one of the two groups"})
			}
		}
		v.masters(r, all)
	}
	for _, h := range v.speech {
		if r := h.router; h.carp && r != nil {
			v.add(Result{Verdict: Warn, Subject: r.Name, Finding: fmt.Sprintf("CARP on %s uses VHID %d, and so the virtual MAC address of our VRID: with use_vmac switches confuse the two", h.on, h.vrid),
				Evidence: []string{h.said()}, Fix: "use another virtual_router_id, or another VHID"})
		}
	}
	v.clear(mark, "in %v nobody else used a VRID of ours; %s", v.Listen, v.company())
}

// company names who was heard.
func (v *visit) company() string {
	var names []string
	for _, h := range v.speech {
		kind := "VRRP"
		if h.carp {
			kind = "CARP"
		}
		names = append(names, fmt.Sprintf("%s %d of %s on %s", kind, h.vrid, h.src, h.on))
	}
	if len(names) == 0 {
		return "nobody was heard"
	}
	slices.Sort(names)
	return "heard: " + list(names)
}

// said is what was heard of a speaker.
func (h *heard) said() string {
	text := fmt.Sprintf("%d frames from %s, MAC %s", h.count, h.src, macText(h.mac))
	if !h.parsed {
		return text
	}
	p := h.packet
	return text + fmt.Sprintf(": VRRPv%d, priority %d, interval %v, addresses %s", p.Version, p.Priority, p.Interval, addrList(p.Addrs))
}

func addrList(addrs []netip.Addr) string {
	var names []string
	for _, a := range addrs {
		names = append(names, a.String())
	}
	if len(names) == 0 {
		return "none"
	}
	return list(names)
}

// echoes are adverts from an address or MAC of ours: our own ones that come back, or
// those of a clone.
func (v *visit) echoes(r *config.Router, all []heard) {
	l, _ := v.link1(r.Interface)
	own := v.own(r)
	for _, h := range all {
		switch {
		case h.src == own && v.ourMAC(h.mac) && v.comesBack(r, &h):
			v.add(Result{Verdict: Note, Subject: r.Name, Finding: fmt.Sprintf("our own adverts come back by %s, each once: a port of the switch returns or mirrors what it gets (hairpin, VEPA); they are dropped here", r.Interface),
				Evidence: []string{h.said()}, Fix: "nothing, where the port is meant to; else end it there: others may hear us twice"})
		case h.mac == l.MAC && h.src == own:
			v.add(Result{Verdict: Bad, Subject: r.Name, Finding: fmt.Sprintf("adverts from our own MAC and IP address come in by %s: a loop or a mirror port returns ours, or a cloned machine has both", r.Interface),
				Evidence: []string{h.said()}, Fix: "end the loop or the mirroring to this port, or give the clone addresses of its own"})
		case h.mac == l.MAC:
			v.add(Result{Verdict: Bad, Subject: r.Name, Finding: fmt.Sprintf("%s has the MAC address of our %s: the switch does not know where we are", h.src, r.Interface),
				Evidence: []string{h.said()}, Fix: "give the cloned machine a MAC address of its own"})
		case h.src == own:
			v.add(Result{Verdict: Bad, Subject: r.Name, Finding: fmt.Sprintf("another host sends adverts from our address %s: each takes the other's for its own and drops them, and both are MASTER", own),
				Evidence: []string{h.said()}, Fix: "give one of the two another address"})
		}
	}
}

// comesBack tells whether what a speaker with our addresses says may be what this host
// does as MASTER, each advert once. A loop makes more of them, and a clone sends beside.
func (v *visit) comesBack(r *config.Router, h *heard) bool {
	s := v.running(r)
	if s == nil || s.State != vrrp.Master.String() || !h.parsed || h.packet.Priority != s.Priority {
		return false
	}
	// A busy host listens for longer than it wanted to; the kernel stamps what comes.
	sent := int(max(v.Listen, h.last.Sub(h.first)) / r.AdvertInterval)
	return h.count <= sent+sent/2+2
}

// masters looks for two at a time.
func (v *visit) masters(r *config.Router, all []heard) {
	l, _ := v.link1(r.Interface)
	own := v.own(r)
	var fresh []heard
	var end vrrp.Instant
	for _, h := range v.speech {
		end = max(end, h.last)
	}
	for _, h := range all {
		// Who has just given way is not meant: more than once, and to the end.
		if h.parsed && h.packet.Priority > 0 && h.count > 1 && !h.stranger() && h.mac != l.MAC && !(h.src == own && v.ourMAC(h.mac)) && end.Sub(h.last) <= 2*max(h.packet.Interval, 100*time.Millisecond) {
			fresh = append(fresh, h)
		}
	}
	var said []string
	for _, h := range fresh {
		said = append(said, h.said())
	}
	s := v.running(r)
	if s != nil && s.State == vrrp.Master.String() && len(fresh) > 0 {
		v.add(Result{Verdict: Bad, Subject: r.Name, Finding: fmt.Sprintf("two MASTERs: this host, and %s", fresh[0].src), Evidence: said,
			Fix: "peers says whether one drops what the other sends; else the way from here to there is cut: a firewall or a switch (docs/split-brain.md)"})
		return
	}
	if len(fresh) > 1 {
		v.add(Result{Verdict: Bad, Subject: r.Name, Finding: fmt.Sprintf("two MASTERs: %s and %s advertise VRID %d at the same time", fresh[0].src, fresh[1].src, r.VRID), Evidence: said,
			Fix: "what each has otherwise is under peers; else one does not hear the other: a firewall there (protocol 112), or a switch between them"})
	}
}
