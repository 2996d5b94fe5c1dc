package demo

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// keepalived stands in for vrrpx: right until a firewall drops protocol 112.
type keepalived struct{}

func (keepalived) daemon(h *testnet.Host) *testnet.Daemon {
	return &testnet.Daemon{Host: h, Kind: testnet.Keepalived}
}

func (keepalived) decided(_ context.Context, _ *testnet.Host, advert vrrp.Instant) (vrrp.Instant, error) {
	return advert, nil
}

func (keepalived) cleanup(_ context.Context, h *testnet.Host) error {
	if h.HasAddr(vip) {
		return h.DelAddr("eth0", netip.MustParsePrefix(vip+"/24"))
	}
	return nil
}

// nothingLeft checks what a demo must have removed, whatever came of it.
func nothingLeft(t *testing.T) {
	t.Helper()
	if left := testnet.Namespaces(prefix); len(left) > 0 {
		t.Errorf("namespaces left behind: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "vrrpx-demo-*")); len(left) > 0 {
		t.Errorf("files left behind: %v", left)
	}
}

func needs(t *testing.T, what ...string) {
	testnet.Need(t, append(what, "root")...)
	t.Setenv("TMPDIR", t.TempDir())
}

// try gives a demo three tries: adverts every 10 ms and the tests of other
// packages on few processors make a host look dead that is only late, and the
// demo is right to complain.
func try(t *testing.T, program program, right func(error) bool) (out string) {
	t.Helper()
	for n := 1; ; n++ {
		var b bytes.Buffer
		err := run(t.Context(), Env{Stdout: &b}, program)
		nothingLeft(t)
		if right(err) {
			return b.String()
		}
		t.Logf("try %d: %v\n%s", n, err, b.String())
		if n == 3 {
			t.Fatal("not once as it should be")
		}
	}
}

func TestDemoOfVRRPXIsAllRight(t *testing.T) {
	needs(t)
	out := try(t, vrrpx{testnet.Binary(t)}, func(err error) bool { return err == nil })
	for _, row := range []string{"dead master", "graceful stop", "firewalled, dead"} {
		// Deadline, four times and the lost pings.
		if !regexp.MustCompile(`(?m)^  ` + row + `( +[0-9]+\.[0-9]{2}){5} +[0-9]+$`).MatchString(out) {
			t.Errorf("no row %q in the table:\n%s", row, out)
		}
	}
	checkLayout(t, out)
}

func TestDemoSeesTheSplitBrainOfADaemonBehindAFirewall(t *testing.T) {
	needs(t, "keepalived")
	out := try(t, keepalived{}, func(err error) bool {
		return err != nil && strings.Contains(err.Error(), "split brain")
	})
	if !strings.Contains(out, "FAIL  behind the firewall") || strings.Contains(out, "All right") {
		t.Errorf("the failure is not told:\n%s", out)
	}
	if !strings.Contains(out, "\n  graceful stop") {
		t.Errorf("the takeovers before the failure are not in the table:\n%s", out)
	}
}

func TestInterruptedDemoLeavesNothing(t *testing.T) {
	needs(t, "keepalived")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var out bytes.Buffer
	err := run(ctx, Env{Stdout: &out}, keepalived{})
	if err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("error %v, want interrupted\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "Start") {
		t.Errorf("it never began:\n%s", out.String())
	}
	nothingLeft(t)
}

func TestDemoSaysWhatItCannotRun(t *testing.T) {
	needs(t)
	var out bytes.Buffer
	err := Run(t.Context(), Env{Stdout: &out, Binary: "/nowhere/vrrpx"})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/vrrpx") {
		t.Errorf("error %v does not name the program", err)
	}
	nothingLeft(t)
}

func TestTakeoverIsCheckedAgainstTheDeadline(t *testing.T) {
	const d = time.Millisecond
	good := result{deadline: 36 * d, decided: 36 * d, advert: 37 * d, garp: 37 * d, address: 38 * d, answered: 40 * d}
	for name, c := range map[string]struct {
		change func(*result)
		want   string
	}{
		"in time":      {func(*result) {}, ""},
		"too early":    {func(r *result) { r.decided = 30 * d }, "before the deadline"},
		"slow GARP":    {func(r *result) { r.garp = 137 * d }, "past the deadline"},
		"slow address": {func(r *result) { r.address = 1037 * d }, "past the deadline"},
		"slow answer":  {func(r *result) { r.answered = 1037 * d }, "past the deadline"},
		"slow advert":  {func(r *result) { r.advert = 137 * d }, "past the deadline"},
	} {
		r := good
		c.change(&r)
		err := r.check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestDeadlinesAreThoseOfTheText(t *testing.T) {
	if masterDown() != 36093750*time.Nanosecond || skew() != 6093750*time.Nanosecond {
		t.Errorf("master-down interval %v, skew %v", masterDown(), skew())
	}
}
