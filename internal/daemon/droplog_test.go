package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// lines is what a logger wrote, and forgets it.
func lines(b *bytes.Buffer) []string {
	text := strings.TrimSpace(b.String())
	b.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

//vrrp:row 24
func TestDropsAreLoggedOncePerKindAndLook(t *testing.T) {
	var out bytes.Buffer
	d := dropLog{slog.New(slog.NewTextHandler(&out, nil)), map[string]uint64{}, nil}
	status := func(fragment, vrid, ttl uint64) *stats.Status {
		return &stats.Status{
			Interfaces: []stats.Interface{{Name: "eth0", Drops: map[string]uint64{"fragment": fragment, "vrid": vrid, "vlan": vrid}}},
			Routers:    []stats.Router{{Name: "VI_1", Drops: map[string]uint64{"ttl": ttl, "checksum": 0}}},
		}
	}
	for _, c := range []struct {
		fragment, vrid, ttl uint64
		want                []string
	}{
		{0, 0, 0, nil},
		{1_000_000, 7, 3, []string{"eth0 dropped 1000000 frames: fragment", "(VI_1) dropped 3 adverts: ttl"}},
		{1_000_000, 8, 3, nil},
		{1_000_001, 8, 5, []string{"eth0 dropped 1 frames: fragment", "(VI_1) dropped 2 adverts: ttl"}},
		{0, 0, 5, nil}, // another interface of that name
		{2, 0, 5, []string{"eth0 dropped 2 frames: fragment"}},
	} {
		d.look(status(c.fragment, c.vrid, c.ttl))
		got := lines(&out)
		if len(got) != len(c.want) {
			t.Fatalf("logged %q, want %q", got, c.want)
		}
		for i := range got {
			if !strings.Contains(got[i], c.want[i]) {
				t.Errorf("logged %q, want %q", got[i], c.want[i])
			}
		}
	}
}

func TestNearMissesAreLogged(t *testing.T) {
	var out bytes.Buffer
	var kept []*stats.Gap
	d := dropLog{slog.New(slog.NewTextHandler(&out, nil)), map[string]uint64{}, func(r *stats.Router, g *stats.Gap) { kept = append(kept, g) }}
	look := func(n uint64, g *stats.Gap) []string {
		d.look(&stats.Status{Routers: []stats.Router{{Name: "VI_1", NearMisses: n, LastNearMiss: g}}})
		return lines(&out)
	}
	g := &stats.Gap{Seconds: stats.Seconds(32 * time.Millisecond), MasterDown: stats.Seconds(36100 * time.Microsecond), At: time.Now()}
	if got := look(0, nil); got != nil {
		t.Errorf("%q", got)
	}
	got := look(1, g)
	if len(got) != 1 || !strings.Contains(got[0], "(VI_1) an advert of the master came 4.1ms before it would have been taken for dead: after 32ms of 36.1ms") {
		t.Errorf("%q", got)
	}
	if got = look(1, g); got != nil {
		t.Errorf("told twice: %q", got)
	}
	if len(kept) != 1 || kept[0] != g {
		t.Errorf("kept %+v", kept)
	}
	late := &stats.Gap{Seconds: stats.Seconds(time.Second), MasterDown: g.MasterDown, At: time.Now()}
	if got = look(2, late); len(got) != 1 || !strings.Contains(got[0], "after 1s of 36.1ms, and it was not taken for dead") {
		t.Errorf("one of a host that stood still: %q", got)
	}
}

// Two who advertise in turn make a note of each advert.
//
//vrrp:row 20 24
func TestNotesOfAKindAreLoggedOnceInTenSeconds(t *testing.T) {
	var out bytes.Buffer
	g := newRig(t, true, nil)
	g.r.log = slog.New(slog.NewTextHandler(&out, nil))
	g.down(40 * ms)
	g.round(40 * ms)
	g.want(vrrp.Master)
	lines(&out)
	notes := func(from time.Duration, n int) (logged []string) {
		for i := range n {
			at := from + time.Duration(i)*ms
			g.path.receive(g.key, g.at(at), vrrp.Packet{Version: 3, VRID: 51, Priority: uint8(50 + i%2), Interval: 10 * ms}, "10.0.0.6")
			g.round(at)
		}
		return lines(&out)
	}
	// second_master, addresses_differ and two_masters
	if got := notes(time.Second, 1000); len(got) != 3 {
		t.Errorf("%d lines for a thousand adverts, want 3: %q", len(got), got)
	}
	if alarms := g.r.view(g.at(3 * time.Second)).Alarms; len(alarms) != 3 || !strings.Contains(alarms[1], "loses with priority 51") {
		t.Errorf("alarms %q are not of the last advert", alarms)
	}
	got := notes(12*time.Second, 10)
	if len(got) != 2 || !strings.Contains(got[0], "two_masters has ended") || !strings.Contains(got[1], "unlogged=999") {
		t.Errorf("ten seconds later %q, want the end of two_masters, and second_master with how many were not logged", got)
	}
}
