package main

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/flight"
	"github.com/vrrpx/vrrpx/vrrp"
)

// recorded is a file with a router that started and took over.
func recorded(t *testing.T, change func([]flight.Record)) string {
	t.Helper()
	m, ring := vrrp.New(vrrp.Config{
		Version: 3, Family: vrrp.IPv4, VRID: 51, Priority: 100, Interval: time.Second, Primary: netip.MustParseAddr("10.0.0.1"), DownAdverts: 3,
	}), flight.NewRing(0)
	now := vrrp.Instant(time.Hour)
	ring.Begin(now, m)
	step := func(in vrrp.Input) { ring.Step(now, now, m, in, m.Step(now, in, nil)) }
	step(vrrp.Startup{})
	now, _ = m.Deadline()
	step(vrrp.Timer{})
	records, err := flight.Read(ring.Copy(nil))
	if err != nil {
		t.Fatal(err)
	}
	change(records)
	var b bytes.Buffer
	if err := flight.Write(&b, "a test", flight.Clocks{Wall: time.Unix(1, 0), At: now}, []flight.Capture{{Router: "VI_1", Interface: "eth0", Records: records}}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "f.pcapng")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRecordingIsReplayed(t *testing.T) {
	var out strings.Builder
	if err := run([]string{recorded(t, func([]flight.Record) {})}, &out); err != nil || !strings.Contains(out.String(), "VI_1: 2 steps of 3.6") ||
		!strings.Contains(out.String(), "\n  0s INIT to BACKUP: startup\n  3.6") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestDifferenceIsTold(t *testing.T) {
	file := recorded(t, func(all []flight.Record) { all[len(all)-1].Effects = nil })
	var out strings.Builder
	err := run([]string{file}, &out)
	if err == nil || !strings.Contains(err.Error(), "VI_1: record 3") || !strings.Contains(err.Error(), "recorded nothing") || !strings.Contains(err.Error(), "BACKUP -> MASTER") {
		t.Errorf("%v", err)
	}
	for _, args := range [][]string{{"-print", file}, {"-seed", "1", file}} {
		if err := run(args, &out); err == nil {
			t.Errorf("%v passes", args)
		}
	}
}

func TestDamagedRecordingIsTold(t *testing.T) {
	file := recorded(t, func([]flight.Record) {})
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b[:len(b)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run([]string{file}, &out); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("%v", err)
	}
}
