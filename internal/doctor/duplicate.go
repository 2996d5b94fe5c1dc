package doctor

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/internal/config"
)

// maxProbes bounds how many addresses are asked for: each is a broadcast, or three.
const maxProbes = 1024

// claimed is an address that is asked for, and whose it is.
type claimed struct {
	probe  Probe
	router *config.Router
	own    bool // no virtual one: that which our adverts come from
}

func (v *visit) duplicate() {
	if v.noRouters() {
		return
	}
	if v.Listen <= 0 {
		v.skip("", "--listen=3s", "nobody was asked")
		return
	}
	mark := len(v.results)
	asked, left := v.toAsk()
	if len(asked) == 0 {
		v.skip("", "", "no interface that could be asked on is up")
		return
	}
	var probes []Probe
	for _, a := range asked {
		probes = append(probes, a.probe)
	}
	answers, failed := v.host.Probe(v.ctx, probes)
	v.failed(failed, "nobody can be asked")
	asked = slices.DeleteFunc(asked, func(a claimed) bool { return failed[a.probe.Link.Name] != nil })
	if len(asked) == 0 {
		return
	}
	for _, a := range asked {
		macs := map[[6]byte]bool{}
		for _, got := range answers {
			if got.On == a.probe.Link.Name && got.Addr == a.probe.Addr && !v.ourMAC(got.MAC) {
				macs[got.MAC] = true
			}
		}
		v.answered(a, slices.SortedFunc(maps.Keys(macs), func(x, y [6]byte) int { return slices.Compare(x[:], y[:]) }))
	}
	if left > 0 {
		v.add(Result{Verdict: Note, Finding: fmt.Sprintf("%d further addresses were not asked for: %d at a time are enough for a LAN", left, maxProbes)})
	}
	v.clear(mark+len(failed), "of %d addresses none is answered for by a host that should not", len(asked))
}

// toAsk are the virtual addresses, and those that our adverts come from.
func (v *visit) toAsk() (all []claimed, left int) {
	type place struct {
		index int
		addr  netip.Addr
	}
	seen := map[place]bool{}
	add := func(device string, addr netip.Addr, r *config.Router, own bool) {
		l, ok := v.link1(device)
		at := place{l.Index, addr}
		if !ok || !l.Up || !l.Carrier || l.NoARP || l.MAC == [6]byte{} || !addr.IsValid() || seen[at] {
			return
		}
		seen[at] = true
		if len(all) == maxProbes {
			left++
			return
		}
		all = append(all, claimed{Probe{l, addr}, r, own})
	}
	for i := range v.Routers {
		r := &v.Routers[i]
		add(r.Interface, v.own(r), r, true)
		for _, a := range r.All() {
			if !a.Peer.IsValid() {
				add(a.Device, a.Prefix.Addr(), r, false)
			}
		}
	}
	return all, left
}

// ourMAC tells whether an interface of this host has a MAC address.
func (v *visit) ourMAC(mac [6]byte) bool {
	return slices.ContainsFunc(v.allLinks(), func(l Link) bool { return l.MAC == mac })
}

// masterMACs are those by which a MASTER of a router may answer: that of its adverts,
// and the virtual one (RFC 9568 section 7.3).
func (v *visit) masterMACs(r *config.Router) (macs [][6]byte, advertised bool) {
	family := byte(1)
	if r.Family == 6 {
		family = 2
	}
	macs = [][6]byte{{0, 0, 0x5e, 0, family, r.VRID}}
	for _, m := range r.VMACs {
		macs = append(macs, m.MAC)
	}
	for _, h := range v.speakers(r) {
		if !h.stranger() {
			macs = append(macs, h.mac)
			advertised = true
		}
	}
	return macs, advertised
}

func (v *visit) answered(a claimed, macs [][6]byte) {
	if len(macs) == 0 {
		return
	}
	addr, on := a.probe.Addr, a.probe.Link.Name
	say := func(verdict Verdict, fix, format string, args ...any) {
		var evidence []string
		for _, mac := range macs {
			evidence = append(evidence, fmt.Sprintf("probed for on %s: %s answers", on, macText(mac)))
		}
		v.add(Result{Verdict: verdict, Subject: a.router.Name, Finding: fmt.Sprintf(format, args...), Evidence: evidence, Fix: fix})
	}
	const find = "find the MAC address in the switch, and take the address from that host"
	good, advertised := v.masterMACs(a.router)
	foreign := slices.ContainsFunc(macs, func(m [6]byte) bool { return !slices.Contains(good, m) })
	switch {
	case a.own:
		say(Bad, "give one of the two another address", "another host has our own address %s", addr)
	case v.has(addr):
		say(Bad, "two hosts hold it: docs/split-brain.md; or "+find, "this host has %s, and another host answers for it too", addr)
	case len(macs) > 1:
		say(Bad, "two hosts hold it: docs/split-brain.md; or "+find, "%d hosts answer for %s", len(macs), addr)
	case foreign && advertised:
		say(Warn, find+", unless it is another interface of the MASTER", "%s answers for %s, and the adverts come from another MAC address", macText(macs[0]), addr)
	case !advertised && v.Listen < 2*a.router.AdvertInterval:
		say(Note, "vrrpx doctor --listen="+(3*a.router.AdvertInterval).String(), "%s answers for %s; adverts come every %v, too seldom to have been heard", macText(macs[0]), addr, a.router.AdvertInterval)
	case !advertised && !v.listen(a.router.Interface):
		say(Note, "vrrpx doctor again, when adverts can be heard", "%s answers for %s; whether it advertises VRID %d could not be listened for", macText(macs[0]), addr, a.router.VRID)
	case foreign || !advertised:
		say(Bad, find+"; if it is a router of this VRID, its adverts do not arrive: a firewall there or a switch drops protocol 112",
			"%s answers for %s, and no advert for VRID %d was heard: the address was set by hand there, or its adverts do not arrive", macText(macs[0]), addr, a.router.VRID)
	}
}
