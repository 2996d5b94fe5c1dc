package doctor

import (
	"fmt"

	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
)

const (
	genericCost = "generic mode judges adverts before netfilter all the same, after the kernel has made a packet of each: floods cost more"
	socketCost  = "adverts are heard by packet socket, and deadlines kept by the process"
)

func (v *visit) xdp() {
	if v.noRouters() {
		return
	}
	for _, name := range v.interfaces() {
		l, ok := v.link1(name)
		if !ok {
			continue // of which link tells
		}
		x, err := v.host.XDP(l)
		if err != nil {
			v.skip(name, "", "XDP of it cannot be asked for: %v", err)
			continue
		}
		s := v.attached(name)
		if p := x.Program; p != nil && p.Unseen() && (s == nil || s.XDP != "native" && s.XDP != "generic") {
			v.skip(name, "run it as root", "whose the XDP program on it is cannot be seen")
			continue
		} else if p != nil && !p.Unseen() && p.Name != loader.ProgramName {
			v.foreign(l, p)
			continue
		}
		if s != nil {
			v.mode(l, x, s)
			continue
		}
		if p := x.Program; p != nil {
			v.add(Result{Verdict: Note, Subject: name, Finding: "our program is attached, and no vrrpx answers here: it is that of one in another container, or that ends",
				Evidence: []string{p.Error()}, Fix: "stop that one; two on one interface exclude each other"})
			continue
		}
		v.driver(l, x)
	}
}

// attached is the interface of the running daemon.
func (v *visit) attached(name string) *stats.Interface {
	st := v.status()
	if st == nil {
		return nil
	}
	for i := range st.Interfaces {
		if st.Interfaces[i].Name == name {
			return &st.Interfaces[i]
		}
	}
	return nil
}

func (v *visit) foreign(l Link, p *loader.ForeignError) {
	off := "xdp off"
	if p.Mode == loader.Generic {
		off = "xdpgeneric off"
	}
	v.add(Result{Verdict: Warn, Subject: l.Name,
		Finding:  fmt.Sprintf("another XDP program is in the way, %s: %s; of what it drops nothing is heard", p.Name, socketCost),
		Evidence: []string{p.Error()},
		Fix:      fmt.Sprintf("let its owner detach it; if nobody needs it: ip link set dev %s %s, then vrrpx reload or restart", l.Name, off)})
}

// mode is that in which the running daemon is attached.
func (v *visit) mode(l Link, x XDP, s *stats.Interface) {
	var evidence []string
	if s.XDPNote != "" {
		evidence = []string{s.XDPNote}
	}
	switch {
	case s.XDP == loader.Native.String():
		v.ok(l.Name, "XDP runs in the driver%s", parens(x.Driver))
	case s.XDP == loader.Generic.String() && x.Known && !x.Native:
		v.ok(l.Name, "XDP runs in generic mode, all that the driver%s has", parens(x.Driver))
	case s.XDP == loader.Generic.String():
		v.add(Result{Verdict: Note, Subject: l.Name, Finding: fmt.Sprintf("XDP runs in generic mode though the driver%s may have it: %s", parens(x.Driver), genericCost),
			Evidence: evidence, Fix: "what the kernel says: often the MTU, the number of queues (ethtool -L), or LRO (ethtool -K " + l.Name + " lro off)"})
	default:
		v.add(Result{Verdict: Warn, Subject: l.Name, Finding: "there is no XDP on it: " + socketCost, Evidence: evidence,
			Fix: "without --xdp=off, and with a kernel and capabilities for BPF (see kernel, capabilities)"})
	}
}

// driver is what it has where nothing is attached yet.
func (v *visit) driver(l Link, x XDP) {
	switch {
	case !x.Known:
		v.ok(l.Name, "whether the driver%s has native XDP cannot be asked%s: vrrpx tries it, and takes the generic mode otherwise", parens(x.Driver), parens(x.Why))
	case x.Native:
		v.ok(l.Name, "the driver%s has native XDP, and the interface is free", parens(x.Driver))
	default:
		v.add(Result{Verdict: Note, Subject: l.Name, Finding: fmt.Sprintf("the driver%s has no native XDP: %s", parens(x.Driver), genericCost)})
	}
}

func parens(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}
