package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// notified is what the programs of two routers were given when reloads remove
// first one, then the other, which has notify_deleted.
func notified(t *testing.T, p party) (lines []string) {
	t.Helper()
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	dir := t.TempDir()
	out, program := filepath.Join(dir, "out"), filepath.Join(dir, "note")
	must(t, os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\" >>"+out+"\n"), 0o755))
	note := func(vrid int, what string) string {
		return fmt.Sprintf(`notify%s "%s %d%s"`, what, program, vrid, what)
	}
	one := func(vrid int, lines ...string) testnet.Instance {
		return testnet.Instance{VRID: vrid, AdvertInt: "0.1", VIPs: []string{fmt.Sprintf("10.99.9.%d", vrid)},
			Lines: append(lines, note(vrid, ""), note(vrid, "_fault"), note(vrid, "_stop"))}
	}
	stays, first, second := one(50), one(51), one(52, note(52, "_deleted"))
	conf := func(all ...testnet.Instance) string { return scriptUser + testnet.Conf(3, all...) }
	d := p.start(t, a, conf(stays, first, second))
	read := func() []string {
		b, _ := os.ReadFile(out)
		return strings.Split(strings.TrimSpace(string(b)), "\n")
	}
	masters := func() int { return strings.Count(strings.Join(read(), "\n"), "MASTER") }
	await(t, "all to be MASTER", func() bool { return masters() == 3 })
	must(t, os.Remove(out))
	for i, rest := range [][]testnet.Instance{{stays, second}, {stays}} {
		rewrite(t, d, conf(rest...))
		must(t, syscall.Kill(d.PIDs()[0], syscall.SIGHUP))
		gone := fmt.Sprintf("10.99.9.%d", 51+i)
		await(t, gone+" to go", func() bool { return !a.HasAddr(gone) })
		await(t, "it to be told", func() bool { return len(read()) >= 1+2*i })
	}
	time.Sleep(300 * time.Millisecond) // for what should not come
	if !a.HasAddr("10.99.9.50") {
		t.Error("the router that stays has lost its address")
	}
	return read()
}

func TestRemovedRouterIsToldAsByKeepalived(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	var ours, theirs []string
	t.Run("vrrpx", func(t *testing.T) { ours = notified(t, native) })
	t.Run("keepalived", func(t *testing.T) { theirs = notified(t, keepalived) })
	want := []string{
		"51 INSTANCE VI_51 FAULT 100", // and notify_fault is not told
		"52_deleted", "52 INSTANCE VI_52 DELETED 100",
	}
	if !slices.Equal(ours, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(ours, "\n"), strings.Join(want, "\n"))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		t.Errorf("told\n%s\nkeepalived tells\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
}
