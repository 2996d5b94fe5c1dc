package daemon

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

func advertFrom(src string, version uint8) vrrp.Advert {
	return vrrp.Advert{Packet: vrrp.Packet{Version: version, VRID: 51, Priority: 200, Interval: 10 * ms}, Src: netip.MustParseAddr(src)}
}

//vrrp:row 17
func TestSpeakersAreRememberedWithTheFormOfTheirChecksum(t *testing.T) {
	g := newRig(t, true, nil)
	var logged bytes.Buffer
	g.r.log = slog.New(slog.NewTextHandler(&logged, nil))
	for i, pseudo := range []bool{true, true, false, true, false} {
		g.r.meet(advertFrom("10.0.0.6", 3), &loader.Event{At: g.at(time.Duration(i) * ms), Pseudo: pseudo}, nil)
	}
	g.r.meet(advertFrom("10.0.0.7", 3), &loader.Event{At: g.at(0), Pseudo: true}, nil)
	if n := strings.Count(logged.String(), "has changed the checksum"); n != 1 || !strings.Contains(logged.String(), "10.0.0.6") {
		t.Errorf("logged %d times: %s", n, logged.String())
	}
	v := g.r.view(g.at(5 * ms))
	if len(v.Speakers) != 2 {
		t.Fatalf("speakers %+v", v.Speakers)
	}
	if s := v.Speakers[0]; s.Address != "10.0.0.6" || s.Checksum != "plain" || s.ChecksumChanges != 3 || time.Duration(s.Heard) != ms {
		t.Errorf("speaker %+v", s)
	}
	if s := v.Speakers[1]; s.Checksum != "pseudo-header" || s.ChecksumChanges != 0 || s.Version != 3 || s.Priority != 200 {
		t.Errorf("speaker %+v", s)
	}
}

// Version 2 has one form, and so has IPv6.
func TestOneFormIsNoForm(t *testing.T) {
	var s speakers
	s.meet(advertFrom("10.0.0.6", 2), 1, vrrp.ChecksumPlain)
	if changed := s.meet(advertFrom("10.0.0.6", 2), 2, vrrp.ChecksumPseudo); changed {
		t.Error("a version 2 advert has changed its form")
	}
	if v := s.view(3, vrrp.IPv4); v[0].Checksum != "" {
		t.Errorf("speaker %+v", v[0])
	}
	s.meet(advertFrom("fe80::6", 3), 2, vrrp.ChecksumPseudo)
	if v := s.view(3, vrrp.IPv6); v[1].Checksum != "" {
		t.Errorf("speaker %+v", v[1])
	}
}

func TestSpeakersAreBoundedAndTheOldestGoes(t *testing.T) {
	var s speakers
	for i := range 40 {
		s.meet(advertFrom(fmt.Sprintf("10.0.1.%d", i), 3), vrrp.Instant(100+i), vrrp.ChecksumPseudo)
		s.touch(netip.MustParseAddr("10.0.1.0"), vrrp.Instant(100+i)) // the master's adverts are kept
	}
	if len(s) != maxSpeakers || s.find(netip.MustParseAddr("10.0.1.0")) == nil || s.find(netip.MustParseAddr("10.0.1.39")) == nil || s.find(netip.MustParseAddr("10.0.1.24")) != nil {
		t.Errorf("remembered %d: %+v", len(s), s)
	}
}

// The master whose adverts the kernel keeps was heard just now all the same.
func TestKeptAdvertsAreHeard(t *testing.T) {
	g := newRig(t, true, nil)
	g.master(0, 200)
	g.round(1 * ms)
	g.master(10*ms, 200)
	if len(g.path.queue) != 0 {
		t.Fatal("the advert was not kept")
	}
	if s := g.r.view(g.at(11 * ms)).Speakers; len(s) != 1 || time.Duration(s[0].Heard) != ms {
		t.Errorf("speakers %+v", s)
	}
}
