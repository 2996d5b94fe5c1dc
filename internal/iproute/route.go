// Package iproute has routes and policy rules as values, and writes them in the
// words of ip-route(8) and ip-rule(8). It asks nothing of the host: the
// configuration makes these values, and internal/vip puts them into the kernel.
//
// Numbers are the kernel's (linux/rtnetlink.h, linux/fib_rules.h).
package iproute

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The numbers of the kernel that both sides need.
const (
	TableDefault = 253
	TableMain    = 254
	TableLocal   = 255

	// Keepalived is RTPROT_KEEPALIVED, with which keepalived marks what it makes.
	Keepalived = 18
)

// Mode is how a route joins others to the same destination.
type Mode uint8

// Prepend is the kernel's way and puts it before them; Add refuses it where
// there is one; Append puts it behind.
const (
	Prepend Mode = iota
	Add
	Append
)

// Opt is a number that may be left out.
type Opt struct {
	Given bool
	N     uint32
}

// Route is one route.
type Route struct {
	Origin string `json:"-"` // where it was written, for people; no part of it

	Family   uint8 // 4 or 6
	Mode     Mode
	Type     uint8        // RTN_*
	Dst      netip.Prefix // of Family; of length 0 for the default route
	From     netip.Prefix // IPv6 only; the zero Prefix is none
	TOS      uint8        // IPv4 only
	Scope    uint8        // IPv4 only
	Protocol uint8        // RTPROT_*
	Table    uint32
	Metric   uint32 // 0: none; of IPv6 the kernel makes 1024 then
	Source   netip.Addr
	Hop            // the only one, without Hops; its Weight is 0
	Hops     []Hop // two or more
	Expires  Opt   // IPv6 only, seconds
	Pref     Opt   // IPv6 only: 0 medium, 1 high, 3 low
	Metrics  []Metric
	Lock     uint32 // bits of Metrics that the kernel shall not change: 1 << RTAX_*
	CongCtl  string // name of a TCP congestion control; empty: none
	// Loose: once it has been made nobody looks after it (no_track).
	Loose bool
}

// Hop is one next hop.
type Hop struct {
	Via    netip.Addr // the zero Addr: directly by Device
	Device string     // empty: that of the connected subnet of Via
	Weight uint8      // less one, as the kernel has it
	OnLink bool
	Realms uint32 // IPv4 only; the source's in the high half
}

// Metric is one RTAX_* and its value.
type Metric struct {
	Attr  uint16
	Value uint32
}

// metricNames are the words of ip-route(8) for RTAX_*.
var metricNames = map[uint16]string{
	2: "mtu", 3: "window", 4: "rtt", 5: "rttvar", 6: "ssthresh", 7: "cwnd", 8: "advmss", 9: "reordering",
	10: "hoplimit", 11: "initcwnd", 12: "features", 13: "rto_min", 14: "initrwnd", 15: "quickack", 17: "fastopen_no_cookie",
}

// The routing types RTN_* by name; brd is keepalived's second name of one.
var types = []string{"unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "nat", "xresolve"}

// Unicast is RTN_UNICAST, the usual type.
const Unicast = 1

// TypeNamed is the type of that name.
func TypeNamed(name string) (uint8, bool) {
	if name == "brd" {
		name = "broadcast"
	}
	i := slices.Index(types, name)
	return uint8(max(i, 0)), i > 0
}

// Type6Metric is what the kernel makes of an IPv6 route without a metric
// (IP6_RT_PRIO_USER).
const default6Metric = 1024

// KernelMetric is the metric that the kernel has.
func (r *Route) KernelMetric() uint32 {
	if r.Family == 6 && r.Metric == 0 {
		return default6Metric
	}
	return r.Metric
}

// Devices are the interfaces that it names.
func (r *Route) Devices() []string {
	var all []string
	for _, h := range append([]Hop{r.Hop}, r.Hops...) {
		if h.Device != "" && !slices.Contains(all, h.Device) {
			all = append(all, h.Device)
		}
	}
	return all
}

// String writes all of it, so that two routes with one text are the same.
func (r *Route) String() string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	if r.Type != Unicast {
		add("%s ", nameOf(types, r.Type))
	}
	b.WriteString(destination(r.Dst))
	if r.From.IsValid() {
		add(" from %s", r.From)
	}
	r.Hop.write(&b, false)
	if r.TOS != 0 {
		add(" tos %#x", r.TOS)
	}
	if r.Table != TableMain {
		add(" table %s", Table(r.Table))
	}
	if r.Protocol != Keepalived {
		add(" proto %d", r.Protocol)
	}
	if r.Scope != 0 {
		add(" scope %s", scope(r.Scope))
	}
	if r.Source.IsValid() {
		add(" src %s", r.Source)
	}
	if r.Metric != 0 {
		add(" metric %d", r.Metric)
	}
	if r.Expires.Given {
		add(" expires %d", r.Expires.N)
	}
	if r.Pref.Given {
		add(" pref %d", r.Pref.N)
	}
	for _, m := range r.Metrics {
		lock := ""
		if r.Lock&(1<<m.Attr) != 0 {
			lock = "lock "
		}
		add(" %s %s%d", metricNames[m.Attr], lock, m.Value)
	}
	if r.CongCtl != "" {
		add(" congctl %s", r.CongCtl)
	}
	for _, h := range r.Hops {
		h.write(&b, true)
	}
	return b.String()
}

func (h Hop) write(b *strings.Builder, one bool) {
	if one {
		b.WriteString(" nexthop")
	}
	if h.Via.IsValid() {
		fmt.Fprintf(b, " via %s", h.Via)
	}
	if h.Device != "" {
		fmt.Fprintf(b, " dev %s", h.Device)
	}
	if one {
		fmt.Fprintf(b, " weight %d", int(h.Weight)+1)
	}
	if h.OnLink {
		b.WriteString(" onlink")
	}
	if h.Realms != 0 {
		fmt.Fprintf(b, " realms %s", realms(h.Realms))
	}
}

// destination writes a prefix as ip does: a single address without a length.
func destination(p netip.Prefix) string {
	switch {
	case p.Bits() == 0 && p.Addr().Is6():
		return "inet6 default"
	case p.Bits() == 0:
		return "default"
	case p.IsSingleIP():
		return p.Addr().String()
	}
	return p.String()
}

// Table is the name of one of the kernel's own tables, else the number.
func Table(n uint32) string {
	switch n {
	case TableDefault:
		return "default"
	case TableMain:
		return "main"
	case TableLocal:
		return "local"
	}
	return fmt.Sprint(n)
}

func scope(n uint8) string {
	switch n {
	case 200:
		return "site"
	case 253:
		return "link"
	case 254:
		return "host"
	case 255:
		return "nowhere"
	}
	return fmt.Sprint(n)
}

func realms(n uint32) string {
	if n>>16 == 0 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d/%d", n>>16, n&0xffff)
}

func nameOf(names []string, n uint8) string {
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprint(n)
}
