package doctor

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// fake is a host without a fault, in which tests plant some.
type fake struct {
	release  string
	files    map[string]string
	links    map[string]string // symbolic links
	programs map[string]string // what they print, by the command line
	ran      []string
	features map[string]bool // missing ones
	unasked  error           // why features cannot be asked for
	ifaces   []Link
	xdp      XDP
	realtime error
	unset    bool // the clock
	st       *stats.Status
	stErr    error
	frames   []Frame
	deafTo   map[string]error
	answers  []Answer
	muteOn   map[string]error
	asked    []Probe

	conf string // keepalived.conf
	q    Question
}

const (
	allCaps   = "000001ffffffffff"
	cleanConf = `vrrp_instance VI_1 {
	interface eth0
	virtual_router_id 51
	version 3
	priority 100
	advert_int 0.1
	virtual_ipaddress {
		10.0.0.3/24
		10.0.0.4/24
	}
}
`
	sixConf = `vrrp_instance VI_6 {
	interface eth0
	virtual_router_id 52
	version 3
	advert_int 0.1
	virtual_ipaddress {
		fe80::99:1/64
		2001:db8::3/64
	}
}
`
)

var (
	ourMAC  = [6]byte{2, 0, 0, 0, 0, 1}
	peerMAC = [6]byte{2, 0, 0, 0, 0, 2}
	farMAC  = [6]byte{2, 0, 0, 0, 0, 9}
)

func clean() *fake {
	f := &fake{
		release: "6.18.4-test",
		files: map[string]string{
			"/proc/self/status":                    "Name:\tvrrpx\nUid:\t0\t0\t0\t0\nCapEff:\t" + allCaps + "\n",
			"/proc/self/limits":                    "Limit Soft Hard Units\nMax locked memory         8388608              8388608              bytes\n",
			"/proc/swaps":                          "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n",
			"/proc/1/comm":                         "systemd\n",
			"/proc/77/comm":                        "keepalived\n",
			"/proc/sys/kernel/sched_rt_runtime_us": "950000\n",
			"/proc/sys/net/core/bpf_jit_enable":    "1\n",
			"/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
			"/lib/modules/6.18.4-test/modules.builtin":                         "kernel/net/sched/sch_tbf.ko\n",
			"/lib/modules/6.18.4-test/modules.dep":                             "kernel/drivers/net/veth.ko.xz:\nkernel/net/sched/cls_bpf.ko.xz:\nkernel/net/sched/sch_ingress.ko.xz:\n",
		},
		links: map[string]string{
			"/proc/self/ns/net": "net:[1]", "/proc/1/ns/net": "net:[1]", "/proc/77/ns/net": "net:[7]", // of a container
		},
		programs: map[string]string{
			"iptables-save": cleanTables, "ip6tables-save": cleanTables, "nft -j list ruleset": cleanNFT,
		},
		features: map[string]bool{},
		ifaces: []Link{
			{Index: 1, Name: "lo", MTU: 65536, Up: true, Carrier: true, Addresses: addresses("127.0.0.1/8", "::1/128")},
			{Index: 2, Name: "eth0", MTU: 1500, MAC: ourMAC, Up: true, Carrier: true, Multicast: true, Addresses: addresses("10.0.0.1/24", "fe80::1/64")},
			{Index: 3, Name: "eth1", MTU: 1500, MAC: [6]byte{2, 0, 0, 0, 1, 1}, Up: true, Carrier: true, Multicast: true, Addresses: addresses("192.168.1.1/24")},
		},
		xdp:  XDP{Driver: "virtio_net", Known: true, Native: true},
		conf: cleanConf,
		q:    Question{Listen: 3 * time.Second, Scripts: true},
	}
	for _, dev := range []string{"all", "eth0", "eth1", "br0"} {
		for name, value := range map[string]string{
			"ipv4/conf/%/rp_filter": "2", "ipv4/conf/%/arp_ignore": "0", "ipv4/conf/%/arp_announce": "0", "ipv4/conf/%/arp_filter": "0",
			"ipv4/conf/%/proxy_arp_pvlan": "0", "ipv4/conf/%/promote_secondaries": "1",
			"ipv6/conf/%/disable_ipv6": "0", "ipv6/conf/%/accept_dad": "1", "ipv6/conf/%/addr_gen_mode": "0",
		} {
			f.files["/proc/sys/net/"+strings.Replace(name, "%", dev, 1)] = value + "\n"
		}
	}
	f.files["/proc/sys/net/ipv4/ip_nonlocal_bind"] = "1\n"
	f.files["/proc/sys/net/ipv6/ip_nonlocal_bind"] = "1\n"
	f.say(peerMAC, advert{})
	return f
}

func addresses(texts ...string) (all []Address) {
	for _, t := range texts {
		all = append(all, Address{Prefix: netip.MustParsePrefix(t)})
	}
	return all
}

// net sets a sysctl below /proc/sys/net.
func (f *fake) net(path, value string) { f.files["/proc/sys/net/"+path] = value + "\n" }

// run starts the daemon, with one router as it is configured.
func (f *fake) run(change func(*stats.Status, *stats.Router)) {
	r := stats.Router{
		Name: "VI_1", Interface: "eth0", VRID: 51, Family: "IPv4", Version: 3, State: "BACKUP", Priority: 100, BasePriority: 100,
		AdvertInterval: stats.Seconds(100 * time.Millisecond), LearnedInterval: stats.Seconds(100 * time.Millisecond),
		Source: "10.0.0.1", Drops: map[string]uint64{},
	}
	st := &stats.Status{
		Version: "test", PID: 4711, Pacer: stats.Pacer{Kernel: true, Realtime: true, Scheduling: "SCHED_RR", Locked: true},
		Interfaces: []stats.Interface{{Name: "eth0", Up: true, XDP: "native"}},
	}
	f.files["/proc/4711/status"] = f.files["/proc/self/status"]
	f.files["/proc/4711/limits"] = f.files["/proc/self/limits"]
	if change != nil {
		change(st, &r)
	}
	st.Routers = append(st.Routers, r)
	f.st = st
}

// advert is what a speaker says; zero fields are those of the one configured.
type advert struct {
	on       string
	src      string
	version  uint8
	vrid     uint8
	priority uint8
	interval time.Duration
	addrs    []string
	auth     vrrp.AuthType
	pass     string
	ttl      uint8
	to       string // another group
	times    int
}

// say has a speaker be heard, three times unless told otherwise.
func (f *fake) say(mac [6]byte, a advert) {
	p := vrrp.Packet{Version: 3, VRID: 51, Priority: 150, Interval: 100 * time.Millisecond, Auth: a.auth}
	src, to, ttl, times, on := "10.0.0.2", "224.0.0.18", uint8(255), 3, "eth0"
	for _, s := range []struct{ field, from *string }{{&src, &a.src}, {&to, &a.to}, {&on, &a.on}} {
		if *s.from != "" {
			*s.field = *s.from
		}
	}
	for _, n := range []struct{ field, from *uint8 }{{&p.Version, &a.version}, {&p.VRID, &a.vrid}, {&p.Priority, &a.priority}, {&ttl, &a.ttl}} {
		if *n.from != 0 {
			*n.field = *n.from
		}
	}
	if a.interval != 0 {
		p.Interval = a.interval
	}
	if a.times != 0 {
		times = a.times
	}
	if a.addrs == nil {
		a.addrs = []string{"10.0.0.3", "10.0.0.4"}
	}
	for _, addr := range a.addrs {
		p.Addrs = append(p.Addrs, netip.MustParseAddr(addr))
	}
	copy(p.AuthData[:], a.pass)
	from, group := netip.MustParseAddr(src), netip.MustParseAddr(to)
	if from.Is6() && a.to == "" {
		group = config.DefaultGroup6
	}
	message, err := p.Append(nil, from, group, vrrp.ChecksumPseudo)
	if err != nil {
		panic(err)
	}
	f.hear(on, times, p.Interval, netio.AdvertFrame(net.HardwareAddr(mac[:]), from, group, ttl, message))
}

func (f *fake) hear(on string, times int, every time.Duration, frame []byte) {
	for n := range times {
		f.frames = append(f.frames, Frame{on, vrrp.Instant(time.Hour).Add(time.Duration(n) * every), frame})
	}
}

// silence forgets what was heard.
func (f *fake) silence() { f.frames = nil }

// answer has a host answer for an address.
func (f *fake) answer(addr string, mac [6]byte) {
	f.answers = append(f.answers, Answer{"eth0", netip.MustParseAddr(addr), mac})
}

func (f *fake) iface(name string) *Link {
	for i := range f.ifaces {
		if f.ifaces[i].Name == name {
			return &f.ifaces[i]
		}
	}
	panic("no " + name)
}

// look makes all checks.
func (f *fake) look(t *testing.T) []Result {
	t.Helper()
	if f.conf != "" {
		cfg, diags := config.Parse("f", []byte(f.conf))
		if cfg == nil {
			t.Fatalf("the configuration of the test: %v", diags)
		}
		f.q.Routers = cfg.Routers
	}
	return Run(context.Background(), f, f.q)
}

func (f *fake) ReadFile(path string) ([]byte, error) {
	if text, ok := f.files[path]; ok {
		return []byte(text), nil
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

func (f *fake) Readlink(path string) (string, error) {
	if to, ok := f.links[path]; ok {
		return to, nil
	}
	return "", fs.ErrNotExist
}

func (f *fake) Glob(string) (found []string) {
	for path := range f.files {
		if strings.HasPrefix(path, "/proc/") && strings.HasSuffix(path, "/comm") {
			found = append(found, path)
		}
	}
	return found
}

func (f *fake) Run(_ context.Context, name string, args ...string) ([]byte, error) {
	f.ran = append(f.ran, name)
	text, ok := f.programs[strings.Join(append([]string{name}, args...), " ")]
	switch {
	case !ok:
		return nil, exec.ErrNotFound
	case text == "fails":
		return nil, errors.New("exit status 1: not permitted")
	}
	return []byte(text), nil
}

func (f *fake) Release() string { return f.release }

func (f *fake) Features() (all []loader.Feature) {
	f.files["/proc/self/limits"] = "Max locked memory         unlimited            unlimited            bytes\n" // as loader.Features
	for _, name := range []string{loader.FeatureXDP, loader.FeatureRing, loader.FeatureTimer, loader.FeatureLoop, loader.FeatureTCX} {
		all = append(all, loader.Feature{Name: name, Since: "5.99", Has: !f.features[name] && f.unasked == nil, Err: f.unasked})
	}
	return all
}

func (f *fake) Links() ([]Link, error)                        { return f.ifaces, nil }
func (f *fake) XDP(Link) (XDP, error)                         { return f.xdp, nil }
func (f *fake) Realtime() error                               { return f.realtime }
func (f *fake) Synchronised() (bool, error)                   { return !f.unset, nil }
func (f *fake) Status(context.Context) (*stats.Status, error) { return f.st, f.stErr }

func (f *fake) Listen(_ context.Context, _ []Ear, _ time.Duration) ([]Frame, map[string]error) {
	return f.frames, f.deafTo
}

func (f *fake) Probe(_ context.Context, probes []Probe) ([]Answer, map[string]error) {
	f.asked = probes
	return f.answers, f.muteOn
}
