package iproute

import (
	"fmt"
	"net/netip"
	"strings"
)

// The actions of a rule: FR_ACT_* of linux/fib_rules.h.
const (
	ToTable     = 1
	Goto        = 2
	NOP         = 3
	Blackhole   = 6
	Unreachable = 7
	Prohibit    = 8
)

// Rule is one policy rule. It is comparable: but for Origin and Loose, two
// rules are the same where they are equal.
type Rule struct {
	Origin string `json:"-"` // where it was written, for people; no part of it

	Family         uint8 // 4 or 6
	Priority       uint32
	Not            bool
	From, To       netip.Prefix // the zero Prefix: all
	TOS            uint8
	Mark, Mask     uint32 // Mask 0: no mark is looked at
	IIF, OIF       string
	Tunnel         uint64 // FRA_TUN_ID; 0: none
	UID            [2]Opt // first and last; both or none
	L3MDev         bool   // the table is that of the device's VRF
	IPProto        Opt
	Sport, Dport   Ports
	Realms         uint32
	SuppressLength Opt // suppress_prefixlength
	SuppressGroup  Opt // suppress_ifgroup
	Protocol       uint8
	Action         uint8
	Table          uint32 // with ToTable, but for L3MDev
	Target         uint32 // with Goto
	Loose          bool   // once it has been made nobody looks after it (no_track)
}

// Ports are from First to Last; 0 and 0 is none.
type Ports struct{ First, Last uint16 }

// Bare is the rule without what is no part of it.
func (r Rule) Bare() Rule {
	r.Origin, r.Loose = "", false
	return r
}

// Devices are the interfaces that it names.
func (r *Rule) Devices() (all []string) {
	for _, d := range []string{r.IIF, r.OIF} {
		if d != "" {
			all = append(all, d)
		}
	}
	return all
}

// String writes all of it, so that two rules with one text are the same.
func (r *Rule) String() string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	if r.Family == 6 {
		add("inet6 ")
	}
	add("preference %d", r.Priority)
	if r.Not {
		add(" not")
	}
	add(" from %s", all(r.From))
	if r.To.IsValid() {
		add(" to %s", all(r.To))
	}
	if r.TOS != 0 {
		add(" tos %#x", r.TOS)
	}
	if r.Mask != 0 {
		add(" fwmark %#x/%#x", r.Mark, r.Mask)
	}
	if r.IIF != "" {
		add(" iif %s", r.IIF)
	}
	if r.OIF != "" {
		add(" oif %s", r.OIF)
	}
	if r.Tunnel != 0 {
		add(" tunnel-id %d", r.Tunnel)
	}
	if r.UID[0].Given {
		add(" uidrange %d-%d", r.UID[0].N, r.UID[1].N)
	}
	if r.IPProto.Given {
		add(" ipproto %d", r.IPProto.N)
	}
	for _, p := range []struct {
		name string
		Ports
	}{{"sport", r.Sport}, {"dport", r.Dport}} {
		if p.Ports != (Ports{}) {
			add(" %s %d-%d", p.name, p.First, p.Last)
		}
	}
	switch {
	case r.L3MDev:
		add(" l3mdev")
	case r.Action == ToTable:
		add(" table %s", Table(r.Table))
	case r.Action == Goto:
		add(" goto %d", r.Target)
	case r.Action == NOP:
		add(" nop")
	default:
		add(" %s", nameOf(types, r.Action))
	}
	if r.SuppressLength.Given {
		add(" suppress_prefixlength %d", r.SuppressLength.N)
	}
	if r.SuppressGroup.Given {
		add(" suppress_ifgroup %d", r.SuppressGroup.N)
	}
	if r.Realms != 0 {
		add(" realms %s", realms(r.Realms))
	}
	if r.Protocol != Keepalived {
		add(" protocol %d", r.Protocol)
	}
	return b.String()
}

func all(p netip.Prefix) string {
	if !p.IsValid() {
		return "all"
	}
	return p.String()
}
