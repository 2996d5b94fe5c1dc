// Package doctor looks at a host for what keeps virtual routers from working as
// they should, as a person would who knows where to look, and says what to do. It
// changes nothing. What it sends: a membership report, and ARP probes or neighbour
// solicitations.
//
// Every look at the host is by way of Host, so that each check can be tried with
// planted faults.
package doctor

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
)

// Verdict is what a check came to.
type Verdict string

// The verdicts. Note is worth knowing and no fault; Warn costs something or will, Bad
// keeps something from working; Skipped was not looked at, for a reason.
const (
	OK      Verdict = "ok"
	Note    Verdict = "note"
	Warn    Verdict = "warn"
	Bad     Verdict = "bad"
	Skipped Verdict = "skipped"
)

// Result is one finding of one check.
type Result struct {
	Name     string   `json:"name"`              // of the check, one of Checks
	Subject  string   `json:"subject,omitempty"` // an interface or a router
	Verdict  Verdict  `json:"verdict"`
	Finding  string   `json:"finding"`
	Evidence []string `json:"evidence,omitempty"` // what was read, heard or counted
	Fix      string   `json:"fix,omitempty"`
}

// Question is what the host is to be looked at for.
type Question struct {
	Routers []config.Router
	// Listen is how long adverts are listened for: 0 for not at all, and no address
	// is asked for then.
	Listen  time.Duration
	Scripts bool // programs are run, so that capabilities for that are needed
	// Guessed: the routers are of FromStatus. Their passwords are not known, nor which
	// of their addresses are in adverts.
	Guessed bool
}

// Check is a name of results, and what is looked at, in a few words.
type Check struct {
	Name, About string
	run         func(*visit)
}

// Checks are all of them, in the order in which they are made.
func Checks() []Check {
	return []Check{
		{"kernel", "version and BPF features, and what each missing one costs", (*visit).kernel},
		{"clock", "the clock source; with auth_hmac whether the clock is set", (*visit).clock},
		{"capabilities", "what the process may do", (*visit).capabilities},
		{"memory", "whether it may lock its memory", (*visit).memory},
		{"realtime", "whether its threads may be real-time ones", (*visit).realtime},
		{"daemon", "alarms of the running vrrpx; another VRRP daemon on the host", (*visit).daemon},
		{"link", "whether interfaces are there, up and usable", (*visit).link},
		{"xdp", "the mode that the driver has, and another XDP program in the way", (*visit).xdp},
		{"firewall", "nftables and iptables rules that drop adverts", (*visit).firewall},
		{"bridge", "bridges that keep multicast from their ports", (*visit).bridge},
		{"rp_filter", "strict reverse path filtering that drops packets to the addresses", (*visit).rpFilter},
		{"arp", "arp_ignore, arp_announce and proxy_arp_pvlan", (*visit).arp},
		{"nonlocal_bind", "whether services can listen on addresses that are elsewhere", (*visit).nonlocalBind},
		{"secondaries", "whether the kernel removes one router's address with another's", (*visit).secondaries},
		{"ipv6", "IPv6 disabled, no link-local address, duplicate address detection", (*visit).ipv6},
		{"vrid", "who else speaks for a VRID on the LAN", (*visit).vrid},
		{"peers", "what other hosts have otherwise: version, authentication, addresses, interval", (*visit).peers},
		{"duplicate", "whether another host answers for an address", (*visit).duplicate},
		{"timing", "the interval against the gaps between adverts", (*visit).timing},
	}
}

// Run makes all checks, in order. It takes Listen and a second or two.
func Run(ctx context.Context, h Host, q Question) []Result {
	v := &visit{ctx: ctx, host: h, Question: q}
	v.ownLimits, _ = h.ReadFile(ownDir + "/limits") // to look for features raises one
	for _, c := range Checks() {
		if ctx.Err() != nil {
			break
		}
		v.name = c.Name
		c.run(v)
	}
	return v.results
}

var rank = map[Verdict]int{Skipped: 0, OK: 1, Note: 2, Warn: 3, Bad: 4}

// Worst is the gravest verdict of all results: OK where there are none.
func Worst(all []Result) Verdict {
	worst := OK
	for _, r := range all {
		if rank[r.Verdict] > rank[worst] {
			worst = r.Verdict
		}
	}
	return worst
}

// Count is how many results have a verdict.
func Count(all []Result, v Verdict) (n int) {
	for _, r := range all {
		if r.Verdict == v {
			n++
		}
	}
	return n
}

// Gravest sorts results by verdict, the gravest first, and else leaves their order.
func Gravest(all []Result) []Result {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Result) int { return cmp.Compare(rank[b.Verdict], rank[a.Verdict]) })
	return all
}
