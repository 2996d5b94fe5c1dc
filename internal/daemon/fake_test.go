package daemon

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/iproute"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// fakePath is a Datapath without a kernel: the test is the LAN. It keeps the
// adverts that match the rule, as the kernel does.
type fakePath struct {
	deadlines bool
	keepsNone bool // as a packet socket
	rules     map[loader.Key]loader.Rule
	queue     []loader.Event
	kept      map[loader.Key]vrrp.Instant // on any line
	matched   map[loader.Key]vrrp.Instant // on this one
	armed     map[loader.Key]loader.Deadline
	arms      int
	seen      vrrp.Instant
}

func newFakePath(deadlines bool) *fakePath {
	return &fakePath{
		deadlines: deadlines, rules: map[loader.Key]loader.Rule{},
		kept: map[loader.Key]vrrp.Instant{}, matched: map[loader.Key]vrrp.Instant{}, armed: map[loader.Key]loader.Deadline{},
	}
}

func (p *fakePath) FD() int { return -1 }

func (p *fakePath) Drain(until vrrp.Instant, f func(*loader.Event)) (n int, err error) {
	for len(p.queue) > 0 {
		e := p.queue[0]
		p.queue = p.queue[1:]
		f(&e)
		n++
		if e.Now > until {
			break
		}
	}
	return n, nil
}

func (p *fakePath) Ready() bool { return len(p.queue) > 0 }

func (p *fakePath) SetRule(k loader.Key, r loader.Rule) error { p.rules[k] = r; return nil }
func (p *fakePath) Remove(k loader.Key) error                 { delete(p.rules, k); delete(p.armed, k); return nil }
func (p *fakePath) Deadlines() bool                           { return p.deadlines }

func (p *fakePath) Arm(k loader.Key, d loader.Deadline) error {
	p.armed[k] = d
	p.arms++
	return nil
}

func (p *fakePath) Cancel(k loader.Key) error { delete(p.armed, k); return nil }

func (p *fakePath) LastMatch(k loader.Key) (vrrp.Instant, error) { return p.kept[k], nil }

func (p *fakePath) State(k loader.Key) (loader.State, error) {
	return loader.State{LastMatch: p.matched[k], LastSeen: p.seen}, nil
}

func (p *fakePath) Interface(int) (loader.InterfaceCounters, error) {
	return loader.InterfaceCounters{}, nil
}

// due is the deadline as the kernel would have it.
func (p *fakePath) due(k loader.Key) (vrrp.Instant, bool) {
	d, ok := p.armed[k]
	if kept := p.kept[k]; kept > d.Since {
		d.At = max(d.At, kept.Add(d.Down))
	}
	return d.At, ok
}

func groupOf(f vrrp.Family) netip.Addr {
	if f == vrrp.IPv6 {
		return config.DefaultGroup6
	}
	return config.DefaultGroup
}

// receive is an advert on the wire: kept when the rule says so, else queued.
func (p *fakePath) receive(k loader.Key, at vrrp.Instant, pk vrrp.Packet, src string) {
	a := netip.MustParseAddr(src)
	msg, err := pk.Append(nil, a, groupOf(k.Family), vrrp.ChecksumPseudo)
	if err != nil {
		panic(err)
	}
	var digest uint64
	for _, b := range msg {
		digest = digest*131 + uint64(b)
	}
	wire, _ := vrrp.WireInterval(pk.Version, pk.Interval)
	m := loader.Match{Src: a, Priority: pk.Priority, Interval: wire, Digest: digest}
	if e := p.rules[k].Elide; e != nil && *e == m && !p.keepsNone {
		p.matched[k] = at
		if of := p.rules[k].Router; of != 0 {
			k.Ifindex = of
		}
		p.kept[k] = max(p.kept[k], at)
		return
	}
	p.queue = append(p.queue, loader.Event{Kind: loader.Advert, Key: k, At: at, Now: at, Src: a, Dst: groupOf(k.Family), Digest: digest, Message: msg})
}

// record notes what a router asks of the world, in order.
type record struct {
	lines   []string
	silence time.Duration // of the pacer, when it is too long
	paused  netio.Pause
	of      string // whose pause it is; empty: of all
	kernel  bool
	gate    loader.Gate
}

func (s *record) add(format string, a ...any) { s.lines = append(s.lines, fmt.Sprintf(format, a...)) }

func (s *record) take() string {
	l := strings.Join(s.lines, "; ")
	s.lines = nil
	return l
}

func (s *record) Declare(_ string, addrs []vip.Address, _ ...vip.MACVLAN) error {
	s.add("declare %d", len(addrs))
	return nil
}
func (s *record) DeclareRouting(_ string, routes []iproute.Route, rules []iproute.Rule) {
	if len(routes)+len(rules) > 0 {
		s.add("declare %d routes, %d rules", len(routes), len(rules))
	}
}
func (s *record) Hold(owners ...string)    { s.addresses("hold", owners) }
func (s *record) Release(owners ...string) { s.addresses("release", owners) }

func (s *record) addresses(what string, owners []string) {
	if len(owners) > 1 {
		what += " " + strings.Join(owners, " ")
	}
	s.add("%s", what)
}
func (s *record) Forget(string) { s.add("forget") }

func (s *record) Refuse(r loader.Refusal) error { s.add("refuse %v", r.Addr); return nil }
func (s *record) Admit(r loader.Refusal) error  { s.add("admit %v", r.Addr); return nil }
func (s *record) Watch(w loader.Watch) error    { s.add("watch %v", w.Addr); return nil }
func (s *record) Unwatch(w loader.Watch) error  { s.add("unwatch %v", w.Addr); return nil }
func (s *record) Tie(w loader.Watch, slot uint32) error {
	s.add("tie %v to slot %d", w.Addr, slot)
	return nil
}
func (s *record) Unanswered(loader.Watch) uint64 { return 2 }
func (s *record) Refused(loader.Refusal) uint64  { return 3 }

type fakePacer struct{ *record }

func (p fakePacer) Paused(owner string) (netio.Pause, bool) {
	if p.paused.Length == 0 || p.of != "" && p.of != owner {
		return netio.Pause{}, false
	}
	return p.paused, true
}

func (p fakePacer) Clock(string) (bool, string) { return p.kernel, "a test" }
func (p fakePacer) Gate(string) loader.Gate     { return p.gate }

func (p fakePacer) Set(_ string, c netio.Schedule)       { p.add("pace every %v", c.Interval) }
func (p fakePacer) Stop(string)                          { p.add("stop pacing") }
func (p fakePacer) Overdue(string) (time.Duration, bool) { return p.silence, p.silence > 0 }

type fakeAnnouncer struct{ *record }

func (a fakeAnnouncer) Announce(_ string, b netio.Burst) {
	if b.Repeat == 0 {
		a.add("refresh %d every %v", len(b.Frames), b.Refresh)
		return
	}
	if b.Interval != 0 {
		a.add("announce %d more every %v", b.Repeat-1, b.Interval)
		return
	}
	a.add("announce %d more and again after %v", b.Repeat-1, b.Delay)
}
func (a fakeAnnouncer) Cancel(string) { a.add("cancel announcing") }

type fakeSender struct{ *record }

func (s fakeSender) Send(frame []byte) error {
	if frame[12] == 8 && frame[13] == 6 {
		if h, ok := netio.ParseHeld(frame[14:], true); ok && h.Question {
			s.add("ask %s", asked(h))
			return nil
		}
		s.add("garp")
		return nil
	}
	switch {
	case frame[12] == 0x86 && frame[14+6] == 58:
		s.add("na")
	case frame[12] == 0x86:
		s.add("advert %d", frame[14+40+2])
	default:
		s.add("advert %d", frame[14+20+2])
	}
	return nil
}

// asked is what a question says of who asks.
func asked(h netio.Held) string {
	words := []string{h.Addr.String(), fmt.Sprint(h.Claim.Priority)}
	for word, on := range map[string]bool{"holds": h.Claim.Holds, "yields": h.Claim.Yields} {
		if on {
			words = append(words, word)
		}
	}
	slices.Sort(words[2:])
	return strings.Join(words, " ")
}

func (s fakeSender) SendAll(frames [][]byte) int { return len(frames) - len(s.SendEach(frames, nil)) }

func (s fakeSender) SendEach(frames [][]byte, refused []int) []int {
	for _, f := range frames {
		_ = s.Send(f)
	}
	return refused
}

// rig is one router on a loop without threads: the test calls its rounds.
type rig struct {
	*testing.T
	*record
	loop *loop
	path *fakePath
	r    *router
	key  loader.Key
	t    vrrp.Instant
}

// newRig has a BACKUP of priority 100 at 10 ms adverts: its master-down
// interval at its own interval is 36.09375 ms.
func newRig(t *testing.T, deadlines bool, change func(*config.Router)) *rig {
	t.Helper()
	cfg := config.Defaults()
	cfg.Name, cfg.Interface, cfg.VRID, cfg.Version = "VI_1", "eth0", 51, 3
	cfg.AdvertInterval = 10 * time.Millisecond
	cfg.Addresses = []config.Address{{Prefix: netip.MustParsePrefix("10.0.0.3/24"), Device: "eth0"}}
	if change != nil {
		change(&cfg)
	}
	if cfg.Family == 6 && cfg.Group == config.DefaultGroup {
		cfg.Group = config.DefaultGroup6
	}
	s := &record{}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	g := &rig{T: t, record: s, path: newFakePath(deadlines), t: vrrp.Instant(time.Hour)}
	g.r = newRouter(cfg, log, outputs{addresses: s, pacer: fakePacer{s}, announcer: fakeAnnouncer{s}, refuser: s})
	g.key = loader.Key{Ifindex: 2, VRID: 51, Family: vrrp.Family(cfg.Family)}
	g.r.key = g.key
	mac, _ := net.ParseMAC("02:00:00:00:00:05")
	g.r.link = &link.Link{Name: "eth0", Index: 2, MAC: mac, Sender: fakeSender{s}, Path: g.path}
	g.loop = &loop{log: log, byKey: map[loader.Key]*router{g.key: g.r}, routers: []*router{g.r}, paths: []link.Datapath{g.path}}
	g.r.out.storm = &g.loop.storm
	own := "10.0.0.5"
	if cfg.Family == 6 {
		own = "fe80::5"
	}
	g.r.step(g.t, vrrp.SetConfig{Config: g.r.machineConfig(netip.MustParseAddr(own))})
	g.r.step(g.t, vrrp.Startup{})
	return g
}

// posts has the next round run what is posted. Nobody else posts: the timer of split
// brain is a real one, and the time of the rig is not.
func (g *rig) posts() {
	g.r.split.due = 1
	g.r.out.post = func(f func()) bool { g.loop.posted = append(g.loop.posted, f); return true }
}

func (g *rig) at(d time.Duration) vrrp.Instant { return g.t.Add(d) }

// master is the usual advert of the router with priority 200.
func (g *rig) master(after time.Duration, priority uint8) {
	g.path.receive(g.key, g.at(after), vrrp.Packet{
		Version: 3, VRID: 51, Priority: priority, Interval: 10 * time.Millisecond,
		Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.3")},
	}, "10.0.0.6")
}

// down is the kernel's timer running out, which ends it.
func (g *rig) down(after time.Duration) {
	delete(g.path.armed, g.key)
	g.path.queue = append(g.path.queue, loader.Event{Kind: loader.Down, Key: g.key, At: g.at(after), Now: g.at(after)})
}

// round is a turn of the loop, and what it puts off.
func (g *rig) round(after time.Duration) {
	g.loop.round(g.at(after))
	for g.loop.storm.more() {
		g.loop.storm.next()
	}
}

func (g *rig) want(s vrrp.State) {
	g.Helper()
	if got := g.r.machine.State(); got != s {
		g.Fatalf("state %v, want %v (%s)", got, s, g.r.machine.Reason())
	}
}

func (g *rig) wantScript(want string) {
	g.Helper()
	if got := g.take(); got != want {
		g.Errorf("did %q\nwant %q", got, want)
	}
}

// alarmTexts are those of the alarms that stand, by kind.
func (r *router) alarmTexts(at vrrp.Instant) (texts []string) {
	for _, a := range r.alarmList(at) {
		texts = append(texts, a.Text)
	}
	return texts
}
