package daemon

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// groupRig is two routers on one loop and path, in group G of a host. Both have
// been BACKUP since g.t, and heard nobody.
func groupRig(t *testing.T, deadlines bool) (h *host, a, b *rig, n *heard) {
	t.Helper()
	a = newRig(t, deadlines, nil)
	b = newRig(t, deadlines, func(c *config.Router) {
		c.Name, c.VRID = "VI_2", 52
		c.Addresses = []config.Address{{Prefix: netip.MustParsePrefix("10.0.0.4/24"), Device: "eth0"}}
	})
	b.record, b.path, b.loop, b.r.link, b.r.out = a.record, a.path, a.loop, a.r.link, a.r.out
	b.key = loader.Key{Ifindex: 2, VRID: 52, Family: vrrp.IPv4}
	b.r.key, b.r.taken = b.key, taken{}
	a.loop.byKey[b.key] = b.r
	a.loop.routers = append(a.loop.routers, b.r)
	n = &heard{}
	for _, r := range a.loop.routers {
		r.out.news.Notifier = n
		r.tells.Any = program("/any")
	}
	h = &host{routers: a.loop.routers, log: a.loop.log, loop: a.loop, out: a.r.out}
	h.group([]config.SyncGroup{groupOfBoth}, map[string]tell.Programs{"G": {Any: program("/any"), Master: program("/master")}})
	a.take()
	n.lines = nil
	return h, a, b, n
}

var groupOfBoth = config.SyncGroup{Name: "G", Members: []config.GroupMember{{Name: "VI_1"}, {Name: "VI_2"}}}

func (n *heard) take() string {
	l := strings.ReplaceAll(strings.Join(n.lines, "; "), ": /any", "")
	n.lines = nil
	return l
}

// When the last member's time has come the frames and addresses of all go out,
// his first, and only then is anything settled and told.
func TestMembersTakeOverInOneRoundBeforeAnySettles(t *testing.T) {
	for _, deadlines := range []bool{true, false} {
		_, a, b, n := groupRig(t, deadlines)
		a.round(22 * ms) // the loop is on time
		a.down(37 * ms)
		a.round(37 * ms)
		if deadlines { // else the loop keeps them, and both have passed
			a.wantScript("")
			if _, armed := a.path.due(a.key); armed || a.r.machine.State() != vrrp.Backup {
				t.Error("a member that is ready has a deadline")
			}
			b.down(38 * ms)
			a.round(38 * ms)
		}
		a.want(vrrp.Master)
		b.want(vrrp.Master)
		a.wantScript("advert 100; advert 100; garp; garp; hold VI_2 VI_1" +
			"; announce 4 more and again after 5s; announce 4 more and again after 5s; pace every 10ms; pace every 10ms")
		want := "VI_2 INSTANCE VI_2 MASTER 100; VI_1 INSTANCE VI_1 MASTER 100; vrrp_sync_group G: /master; vrrp_sync_group G GROUP G MASTER 0"
		if got := n.take(); got != want {
			t.Errorf("deadlines %v: told %q", deadlines, got)
		}
	}
}

func TestMembersLeaveTogether(t *testing.T) {
	h, a, b, n := groupRig(t, true)
	a.down(37 * ms)
	b.down(37 * ms)
	a.round(37 * ms)
	a.take()
	n.take()
	a.master(50*ms, 200)
	a.round(50 * ms)
	b.want(vrrp.Backup)
	a.wantScript("cancel announcing; stop pacing; release; cancel announcing; stop pacing; release")
	want := "VI_1 INSTANCE VI_1 BACKUP 100; VI_2 INSTANCE VI_2 BACKUP 100; vrrp_sync_group G GROUP G BACKUP 0"
	if got := n.take(); got != want {
		t.Errorf("told %q", got)
	}
	if _, armed := a.path.due(b.key); !armed {
		t.Error("the other member's deadline is not armed")
	}
	b.r.step(b.at(51*ms), vrrp.Fault{Cause: "link down", Active: true})
	want = "VI_2 INSTANCE VI_2 FAULT 100; VI_1 INSTANCE VI_1 FAULT 100; vrrp_sync_group G GROUP G FAULT 0"
	if got := n.take(); got != want {
		t.Errorf("told %q", got)
	}
	if v := h.groupViews()[0]; v.State != "FAULT" || v.Reason != "link down" || len(v.History) != 3 {
		t.Errorf("%+v", v)
	}
	for _, r := range h.routers {
		r.step(b.at(52*ms), vrrp.Shutdown{})
	}
	want = "VI_1 INSTANCE VI_1 STOP 100; VI_2 INSTANCE VI_2 STOP 100; vrrp_sync_group G GROUP G STOP 0"
	if got := n.take(); got != want {
		t.Errorf("told %q", got)
	}
}

func TestALesserMasterOnOneLANHasAllMembersAnnounce(t *testing.T) {
	_, a, b, _ := groupRig(t, true)
	a.down(37 * ms)
	b.down(37 * ms)
	a.round(37 * ms)
	a.take()
	a.master(50*ms, 50)
	a.round(50 * ms)
	if got := a.take(); strings.Count(got, "advert 100") != 1 || strings.Count(got, "garp") != 2 {
		t.Errorf("did %q", got)
	}
	a.master(51*ms, 50) // not at the pace of what comes
	a.round(51 * ms)
	a.wantScript("")
}

// What the status shows of a member that waits, and why.
func TestAMemberThatWaitsSaysForWhom(t *testing.T) {
	h, a, b, _ := groupRig(t, true)
	b.path.receive(b.key, b.at(30*ms), vrrp.Packet{
		Version: 3, VRID: 52, Priority: 200, Interval: 10 * ms, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.4")},
	}, "10.0.0.6")
	a.down(37 * ms)
	a.round(37 * ms)
	a.want(vrrp.Backup)
	if _, waits := a.r.groupView(); waits != "would be MASTER (no master heard for 37ms), but for VI_2" {
		t.Error(waits)
	}
	if v := h.groupViews()[0]; v.Waits != "VI_2 would not be MASTER: it hears 10.0.0.6 (priority 200, ours 100)" {
		t.Error(v.Waits)
	}
	if e := a.path.rules[a.key].Elide; e != nil {
		t.Error("the datapath keeps what would end the wait")
	}
}

// A reload that leaves the members leaves the group; one that does not, or has no
// group any more, takes no address away.
func TestReloadsOfGroupsKeepTheAddresses(t *testing.T) {
	h, a, b, n := groupRig(t, true)
	a.down(37 * ms)
	b.down(37 * ms)
	a.round(37 * ms)
	a.take()
	n.take()
	g := h.groups[0]
	h.group([]config.SyncGroup{groupOfBoth}, map[string]tell.Programs{"G": {Any: program("/other")}})
	if h.groups[0] != g || len(g.history) == 0 || g.tells.Any.Argv[0] != "/other" {
		t.Error("a group with the same members was made anew, or has its old programs")
	}
	renamed := groupOfBoth
	renamed.Name = "H"
	h.group([]config.SyncGroup{renamed}, nil)
	if len(h.groups) != 1 || h.groups[0].core.State() != vrrp.Master || a.r.band != h.groups[0] {
		t.Errorf("%+v", h.groupViews())
	}
	h.group(nil, nil)
	if len(h.groups) != 0 || a.r.band != nil {
		t.Error("there still is a group")
	}
	a.wantScript("")
	if got := n.take(); got != "" {
		t.Errorf("told %q", got)
	}
	a.master(50*ms, 200)
	a.round(50 * ms)
	a.want(vrrp.Backup)
	b.want(vrrp.Master) // alone again
}
