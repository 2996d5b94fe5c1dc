package daemon

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/internal/flight"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// recordedRig is a rig with a flight recorder, and its host.
func recordedRig(t *testing.T) (*host, *rig) {
	t.Helper()
	g := newRig(t, true, nil)
	h := newHost(Options{Log: slog.New(slog.DiscardHandler)})
	h.loop, h.routers = g.loop, []*router{g.r}
	h.flyAll()
	return h, g
}

// replayed is what a router's ring has, of which a replay does the same.
func replayed(t *testing.T, r *router) []flight.Record {
	t.Helper()
	records, err := flight.Read(r.flight.ring.Copy(nil))
	if err != nil {
		t.Fatal(err)
	}
	res, err := flight.Replay(&flight.Capture{Router: r.cfg.Name, Records: records})
	if err != nil {
		t.Fatal(err)
	}
	if res.Steps == 0 || res.Skipped > 0 {
		t.Fatalf("%s: %+v", r.cfg.Name, res)
	}
	return records
}

func TestRouterIsRecorded(t *testing.T) {
	h, g := recordedRig(t)
	g.master(5*ms, 200)
	g.round(5 * ms)
	g.down(50 * ms)
	g.round(50 * ms)
	g.want(vrrp.Master)
	g.master(60*ms, 210)
	g.round(60 * ms)
	g.want(vrrp.Backup)
	g.r.reject(vrrp.DropAuthData, &loader.Event{
		At: g.at(70 * ms), Now: g.at(70 * ms), Src: netip.MustParseAddr("10.0.0.7"), Key: g.key, Message: []byte{0x21, 51, 99, 1},
	})
	var states []string
	for _, r := range replayed(t, g.r) {
		for _, e := range r.Effects {
			if e, ok := e.(vrrp.Transition); ok {
				states = append(states, e.To.String()+r.At.Sub(g.t).String())
			}
		}
	}
	if want := []string{"MASTER50ms", "BACKUP60ms"}; !slices.Equal(states, want) {
		t.Errorf("recorded %q, want %q", states, want)
	}
	records := replayed(t, g.r)
	if d := records[len(records)-1].Refused; d == nil || d.Why != vrrp.DropAuthData || d.Priority != 99 {
		t.Errorf("the last record is %+v", records[len(records)-1])
	}
	if len(h.flights) != 2 {
		t.Errorf("%d unplanned transitions were told of, want 2", len(h.flights))
	}
	for range cap(h.flights) + 1 {
		g.r.flight.transition(g.r, vrrp.Transition{Reason: vrrp.Reason{Code: vrrp.ReasonFault}}) // and it does not block
	}
	for _, planned := range []vrrp.ReasonCode{vrrp.ReasonStartup, vrrp.ReasonShutdown, vrrp.ReasonWithdrawn, vrrp.ReasonReleased, vrrp.ReasonPreempt} {
		if unplanned(planned) {
			t.Errorf("%v is unplanned", planned)
		}
	}
}

// What a group makes a member do is in that member's recording.
func TestGroupIsRecorded(t *testing.T) {
	h, a, b, _ := groupRig(t, true)
	h.flyAll()
	a.down(37 * ms)
	b.down(37 * ms)
	a.round(37 * ms)
	a.want(vrrp.Master)
	b.want(vrrp.Master)
	a.r.step(a.at(50*ms), vrrp.Fault{Cause: "link down", Active: true})
	b.want(vrrp.Faulted)
	kinds := map[string]bool{}
	for _, r := range append(replayed(t, a.r), replayed(t, b.r)...) {
		switch r.Input.(type) {
		case vrrp.GroupTake:
			kinds["take"] = true
		case vrrp.GroupFault:
			kinds["fault"] = true
		}
	}
	if len(kinds) != 2 {
		t.Errorf("of the group's orders there are %v", kinds)
	}
	h.group(nil, nil) // dissolved
	replayed(t, a.r)
	replayed(t, b.r)
	h.group([]config.SyncGroup{groupOfBoth}, map[string]tell.Programs{}) // and made anew: both begin anew, in the same rings
	replayed(t, a.r)
	replayed(t, b.r)
}

func TestRecordingOfARouterCostsNoAllocation(t *testing.T) {
	_, g := recordedRig(t)
	heard := vrrp.Input(vrrp.Heard{Advert: vrrp.Advert{Src: netip.MustParseAddr("10.0.0.6"), Packet: vrrp.Packet{Version: 3, VRID: 51, Priority: 200}}})
	out := []vrrp.Effect{vrrp.SendAdvert{Priority: 100}}
	if n := testing.AllocsPerRun(1000, func() { g.r.flight.step(g.t, g.r, heard, out) }); n > 0 {
		t.Errorf("%v allocations a step", n)
	}
	e := &loader.Event{At: g.t, Src: netip.MustParseAddr("10.0.0.6"), Message: []byte{0x21, 51, 200}}
	if n := testing.AllocsPerRun(1000, func() { g.r.flight.refuse(vrrp.DropAuthKey, g.r, e) }); n > 0 {
		t.Errorf("%v allocations a refused advert", n)
	}
}

// A router begun anew goes on in the ring of the one that it was, which no longer
// writes there.
func TestRingOutlivesARestart(t *testing.T) {
	h, g := recordedRig(t)
	ring := g.r.flight.ring
	n := newRouter(g.r.cfg, g.r.log, g.r.out)
	h.fly(n, g.r, 1)
	if n.flight.ring != ring || g.r.flight.ring != nil {
		t.Error("the ring is not handed over")
	}
	n.step(g.at(ms), vrrp.Startup{})
	replayed(t, n)
}

// flying is a host whose loop runs.
func flying(t *testing.T) (*host, *rig) {
	t.Helper()
	h, g := recordedRig(t)
	g.master(5*ms, 200)
	g.round(5 * ms)
	l, err := newLoop(h.log)
	if err != nil {
		t.Fatal(err)
	}
	h.loop = l
	go func() { defer close(h.loopDone); l.run() }()
	t.Cleanup(func() { l.stop(); <-h.loopDone; l.close() })
	return h, g
}

func TestRecordingIsAskedFor(t *testing.T) {
	h, _ := flying(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, name := range []string{"", "VI_1"} {
		write, err := h.Record(ctx, 0, name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		all, err := flight.ReadFile(&b)
		if err != nil || len(all) != 1 || all[0].Router != "VI_1" || all[0].Interface != "eth0" {
			t.Fatalf("%+v, %v", all, err)
		}
		if res, err := flight.Replay(&all[0]); err != nil || res.Steps == 0 {
			t.Errorf("%+v, %v", res, err)
		}
	}
	if _, err := h.Record(ctx, time.Minute, "VI_9"); !errors.Is(err, control.ErrNoRouter) {
		t.Errorf("VI_9: %v", err)
	}
}

func TestTransitionsAreKeptInAFile(t *testing.T) {
	h, _ := flying(t)
	h.flights <- "VI_1"
	h.flights <- "VI_2" // removed since
	dir := t.TempDir()
	h.keepFlight(context.Background(), &flight.Store{Dir: dir}, "VI_1")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || !strings.Contains(files[0].Name(), "VI_1-and-1-more") {
		t.Fatalf("%v, %v", files, err)
	}
	f, err := os.Open(dir + "/" + files[0].Name())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if all, err := flight.ReadFile(f); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	h.keepFlight(context.Background(), &flight.Store{Dir: dir}, "VI_9")
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("a router that is not there has a file: %v", files)
	}
}
