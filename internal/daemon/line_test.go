package daemon

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// lined is a rig whose router has a second line on interface 3, with the
// given peers (none: multicast).
type lined struct {
	*rig
	line *line
	src  string // of the master there
}

func newLined(t *testing.T, deadlines bool, peers ...config.LinePeer) *lined {
	t.Helper()
	g := newRig(t, deadlines, func(c *config.Router) {
		c.Heartbeats = []config.Heartbeat{{Name: "cable2", Interface: "eth1", Peers: peers, UnicastTTL: 255}}
	})
	mac, _ := net.ParseMAC("02:00:00:00:01:05")
	l := g.r.newLine(g.r.cfg.Heartbeats[0])
	own := netip.MustParseAddr("10.2.0.5")
	l.link = &link.Link{Name: "eth1", Index: 3, MAC: mac, Sender: fakeSender{&record{}}, Path: g.path}
	l.device = &device{name: "eth1", exists: true, up: true, primary: own, link: l.link, lines: []*line{l}, linked: true}
	l.key = loader.Key{Ifindex: 3, VRID: 51, Family: vrrp.IPv4}
	l.out = l.link.Sender
	g.r.device = &device{name: "eth0", exists: true, up: true, link: g.r.link, routers: []*router{g.r}, linked: true}
	g.r.lines, g.r.watching.first.name = []*line{l}, "eth0"
	g.loop.byLine = map[loader.Key]*line{l.key: l}
	g.r.settle()
	x := &lined{g, l, "10.0.0.6"}
	if len(peers) > 0 {
		x.src = peers[0].Addr.String()
	}
	return x
}

// by is the master's advert on the second line.
func (x *lined) by(after time.Duration, priority uint8) {
	x.path.receive(x.line.key, x.at(after), vrrp.Packet{
		Version: 3, VRID: 51, Priority: priority, Interval: 10 * time.Millisecond,
		Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.3")},
	}, x.src)
}

// both has adverts come on both lines every 10 ms from one time to another.
func (x *lined) both(from, to time.Duration, first, second bool) {
	for d := from; d < to; d += 10 * time.Millisecond {
		if first {
			x.master(d, 200)
		}
		if second {
			x.by(d+100*time.Microsecond, 200)
		}
		x.round(d + time.Millisecond)
	}
}

func (x *lined) alarms() string {
	return strings.Join(x.r.alarms.Kinds(), " ")
}

var linePeers = []config.LinePeer{{Peer: config.Peer{Addr: netip.MustParseAddr("10.2.0.6"), MaxTTL: 255}, First: netip.MustParseAddr("10.0.0.6")}}

// A steady master is kept by the datapath on both lines, and either of them holds
// off the one deadline.
func TestLinesShareOneDeadline(t *testing.T) {
	for name, peers := range map[string][]config.LinePeer{"multicast": nil, "unicast": linePeers} {
		for _, deadlines := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				x := newLined(t, deadlines, peers...)
				x.both(0, 50*time.Millisecond, true, true)
				if e := x.path.rules[x.key].Elide; e == nil || e.Src.String() != "10.0.0.6" {
					t.Fatalf("the first line keeps %+v", e)
				}
				rule := x.path.rules[x.line.key]
				if rule.Elide == nil || rule.Elide.Src.String() != x.src || rule.Router != 2 {
					t.Fatalf("the second line keeps %+v for interface %d", rule.Elide, rule.Router)
				}
				for i, on := range [][2]bool{{false, true}, {true, false}, {false, true}} {
					from := time.Duration(i+1) * time.Second
					x.both(from-950*time.Millisecond, from+50*time.Millisecond, on[0], on[1])
					x.want(vrrp.Backup)
				}
				if n := len(x.r.history); n != 1 {
					t.Errorf("%d transitions: %+v", n, x.r.history)
				}
				x.down(3200 * time.Millisecond) // both silent
				x.round(3200 * time.Millisecond)
				x.want(vrrp.Master)
			})
		}
	}
}

// The same master on two lines is one speaker and makes one note, and a tie is
// decided by the first address, whatever the addresses of the lines are.
func TestTwoLinesAreOneMaster(t *testing.T) {
	x := newLined(t, true, linePeers...)
	x.both(0, 100*time.Millisecond, true, true)
	if n := len(x.r.speakers); n != 1 {
		t.Errorf("%d speakers: %+v", n, x.r.speakers)
	}
	x.down(time.Second)
	x.round(time.Second)
	x.want(vrrp.Master)
	x.take()
	// A losing one is a second MASTER once, not twice.
	for i := range 5 {
		at := time.Second + time.Duration(i)*10*time.Millisecond
		x.master(at, 90)
		x.by(at+100*time.Microsecond, 90)
		x.round(at + time.Millisecond)
	}
	if a := x.r.alarms.Standing(vrrp.NoteSecondMaster.String()); a == nil || a.Times != 1 {
		t.Errorf("second master: %+v", a)
	}
	// Our first address is 10.0.0.5: 10.0.0.6 wins a tie. On the line the order is
	// the other way round.
	x.line.device.primary = netip.MustParseAddr("10.2.0.200")
	x.by(2*time.Second, 100)
	x.round(2*time.Second + time.Millisecond)
	x.want(vrrp.Backup)
}

// What is under way on a slow line when its sender releases is neither the end of
// the release nor another.
func TestReleaseIsNotOutdoneByASlowLine(t *testing.T) {
	x := newLined(t, true)
	x.both(0, 50*time.Millisecond, true, true)
	x.master(50*time.Millisecond, 0)
	x.by(51*time.Millisecond, 200) // sent before
	x.round(52 * time.Millisecond)
	if due, _ := x.r.machine.Deadline(); due != x.at(50*time.Millisecond).Add(x.r.machine.Skew()) {
		t.Errorf("the deadline is %v after the start", due.Sub(x.t))
	}
	// Another takes over; the copy of the release comes after its first advert.
	x.path.receive(x.key, x.at(53*time.Millisecond), vrrp.Packet{
		Version: 3, VRID: 51, Priority: 150, Interval: 10 * time.Millisecond, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.3")},
	}, "10.0.0.7")
	x.by(60*time.Millisecond, 0)
	x.round(61 * time.Millisecond)
	if due, _ := x.r.machine.Deadline(); due != x.at(53*time.Millisecond).Add(x.r.machine.MasterDown()) {
		t.Errorf("the deadline is %v after the start: the copy released the successor", due.Sub(x.t))
	}
	// Who comes back on the line of the release is heard again at once.
	x.master(62*time.Millisecond, 200)
	x.by(62*time.Millisecond+1, 200)
	x.round(63 * time.Millisecond)
	if a, _, ok := x.r.machine.Accepted(); !ok || a.Priority != 200 {
		t.Errorf("follows %+v", a)
	}
}

func TestLostLineIsOneAlarm(t *testing.T) {
	for name, c := range map[string]struct {
		first, second bool
		kind          string
	}{
		"the second is cut": {true, false, "heartbeat_lost:cable2"},
		"the first is cut":  {false, true, "heartbeat_lost:eth0"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newLined(t, true)
			x.both(0, time.Second, true, true)
			if a := x.alarms(); a != "" {
				t.Fatalf("alarms %q with both lines", a)
			}
			x.both(time.Second, 3*time.Second, c.first, c.second)
			if a := x.alarms(); a != c.kind {
				t.Fatalf("alarms %q, want %q", a, c.kind)
			}
			// Now and then an advert is no line.
			for d := 3 * time.Second; d < 6*time.Second; d += 500 * time.Millisecond {
				x.both(d, d+20*time.Millisecond, true, true)
				x.both(d+20*time.Millisecond, d+500*time.Millisecond, c.first, c.second)
			}
			if a := x.alarms(); a != c.kind {
				t.Errorf("alarms %q after a bad contact, want %q", a, c.kind)
			}
			x.both(6*time.Second, 8*time.Second, true, true)
			if a := x.alarms(); a != "" {
				t.Errorf("alarms %q after its return", a)
			}
			if n := x.r.alarms.Begun()[c.kind]; n != 1 || len(x.r.alarms.Begun()) != 1 {
				t.Errorf("alarms began %v", x.r.alarms.Begun())
			}
			if len(x.r.history) != 1 {
				t.Errorf("transitions: %+v", x.r.history)
			}
		})
	}
}

// keepalived on the first line knows of no other: an alarm, and plain VRRP.
func TestLineThatWasNeverHeard(t *testing.T) {
	x := newLined(t, true)
	x.both(0, 2*time.Second, true, false)
	x.want(vrrp.Backup)
	a := x.r.alarms.Standing("heartbeat_lost:cable2")
	if a == nil || !strings.Contains(a.Text, "nothing has been heard on it of the master 10.0.0.6") || a.Times != 1 {
		t.Errorf("alarm: %+v", a)
	}
	// The master dies: nobody knows of the line any more, and there is no failover
	// but the one there is.
	x.down(3 * time.Second)
	x.round(3 * time.Second)
	x.want(vrrp.Master)
	x.r.lookLines(x.at(3 * time.Second))
	if a := x.alarms(); a != "" {
		t.Errorf("alarms %q of a MASTER that hears nobody", a)
	}
}

// A MASTER sends on both lines what it sends on one, the release too, and learns
// by the carrier alone that one is lost.
func TestMasterSendsOnBothLines(t *testing.T) {
	x := newLined(t, true)
	out := &record{}
	x.line.link.Sender = fakeSender{out}
	x.line.connect()
	x.down(time.Second)
	x.round(time.Second)
	x.want(vrrp.Master)
	if got := out.take(); got != "advert 100" {
		t.Errorf("by the line went %q", got)
	}
	if !x.line.running {
		t.Error("the pacer does not know of the line")
	}
	// Where the thread sends by the first line and the kernel by this, somebody must renew.
	x.r.advert.lease, x.line.lease = 0, 2*time.Second
	if lease := x.r.inUse(); lease != 2*time.Second {
		t.Errorf("a lease of %v is in use", lease)
	}
	x.line.device.up = false
	x.r.lookLines(x.at(2 * time.Second))
	if a := x.alarms(); a != "heartbeat_lost:cable2" {
		t.Errorf("alarms %q without carrier", a)
	}
	x.line.device.up = true
	x.r.lookLines(x.at(3 * time.Second))
	if a := x.alarms(); a != "" {
		t.Errorf("alarms %q with carrier", a)
	}
	x.r.step(x.at(4*time.Second), vrrp.Shutdown{})
	if got := out.take(); got != "advert 0" || x.line.running {
		t.Errorf("at the end %q went by the line, running %v", got, x.line.running)
	}
}

// One whose schedule stood still on one line alone, as when the kernel sends on the
// other, has been heard: it begins again there, and says nothing.
func TestPauseOfOneLineIsNone(t *testing.T) {
	for _, of := range []string{"VI_1", "VI_1 by cable2", ""} {
		x := newLined(t, true)
		x.line.connect()
		x.reign()
		x.paused, x.of = netio.Pause{Since: x.at(50 * ms), Length: time.Second}, of
		x.r.giveWay()
		x.paused = netio.Pause{}
		if of == "" {
			if !listening(x.r.machine) {
				t.Error("silent on both lines, it does not listen")
			}
			continue
		}
		x.want(vrrp.Master)
		if listening(x.r.machine) {
			t.Errorf("paused on %q alone it listens", of)
		}
		x.wantScript("stop pacing")
		x.r.settle()
		x.wantScript("pace every 10ms")
	}
}

// Packet sockets are read one after the other: a loop that was held up must not
// take an older advert of another line for the last one.
func TestAdvertsOfSocketsAreHeardInOrder(t *testing.T) {
	x := newLined(t, false)
	x.r.link.Socket, x.path.keepsNone = &link.Socket{}, true
	x.both(0, 50*time.Millisecond, true, true)
	for _, d := range []time.Duration{60, 70, 80} {
		x.master(d*time.Millisecond, 200)
	}
	for _, d := range []time.Duration{61, 71} {
		x.by(d*time.Millisecond, 200)
	}
	x.round(100 * time.Millisecond)
	x.want(vrrp.Backup)
	if base := x.r.machine.Base(); base != x.at(80*time.Millisecond) {
		t.Errorf("the deadline runs from %v", base.Sub(x.t))
	}
}
