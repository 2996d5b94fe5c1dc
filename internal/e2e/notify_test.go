package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// heardIn is what the notify programs of a daemon were given, in the life of a
// router: alone, it loses its interface, gets it back, and is stopped.
func heardIn(t *testing.T, p party) (lines []string) {
	t.Helper()
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	dir := t.TempDir()
	out, program := filepath.Join(dir, "out"), filepath.Join(dir, "note")
	must(t, os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\" >>"+out+"\n"), 0o755))
	note := func(what string) string { return `notify` + what + ` "` + program + ` own` + what + ` 'a b'"` }
	d := p.start(t, a, scriptUser+v3.conf(150, note(""), note("_master"), note("_backup"), note("_fault"), note("_stop")))
	read := func() []string {
		b, _ := os.ReadFile(out)
		return strings.Split(strings.TrimSpace(string(b)), "\n")
	}
	has := func(n int, line string) bool { return strings.Count(strings.Join(read(), "\n"), line) >= n }
	await(t, "MASTER to be told", func() bool { return has(1, "MASTER") && has(1, "own_master") })
	must(t, l.Cut("a"))
	await(t, "FAULT to be told", func() bool { return has(1, "FAULT") && has(1, "own_fault") })
	must(t, l.Join("a"))
	await(t, "MASTER to be told again", func() bool { return has(2, "MASTER") && has(2, "own_master") })
	must(t, d.Stop())
	await(t, "STOP to be told", func() bool { return has(1, "STOP") && has(1, "own_stop") })
	return read()
}

func TestNotifyProgramsAreToldWhatKeepalivedTells(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	var ours, theirs []string
	t.Run("vrrpx", func(t *testing.T) { ours = heardIn(t, native) })
	t.Run("keepalived", func(t *testing.T) { theirs = heardIn(t, keepalived) })
	want := []string{
		"own_backup a b", "own a b INSTANCE VI_51 BACKUP 150",
		"own_master a b", "own a b INSTANCE VI_51 MASTER 150",
		"own_fault a b", "own a b INSTANCE VI_51 FAULT 150",
		"own_backup a b", "own a b INSTANCE VI_51 BACKUP 150",
		"own_master a b", "own a b INSTANCE VI_51 MASTER 150",
		"own_stop a b", "own a b INSTANCE VI_51 STOP 150",
	}
	if !slices.Equal(ours, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(ours, "\n"), strings.Join(want, "\n"))
	}
	// keepalived starts its programs side by side, so theirs come in any order.
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		t.Errorf("told\n%s\nkeepalived tells\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
}

// pressed is what the programs of a MASTER are told when it hears a lesser one.
func pressed(t *testing.T, p party) string {
	t.Helper()
	l := testnet.ForTest(t, "a", "low")
	a, low := l.Host("a"), l.Host("low")
	dir := t.TempDir()
	out, program := filepath.Join(dir, "out"), filepath.Join(dir, "note")
	must(t, os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\" >>"+out+"\n"), 0o755))
	p.start(t, a, scriptUser+v2pass.conf(150, "notify_master_rx_lower_pri \""+program+" lower\""))
	await(t, "the address", func() bool { return a.HasAddr(vip) })
	flood(t, low, [][]byte{low.GroupFrame(low.Addr, 255, protoVRRP, v2pass.message(50))}, 100, 10*time.Millisecond)
	await(t, "the lower priority to be told", func() bool { b, _ := os.ReadFile(out); return len(b) > 0 })
	b, err := os.ReadFile(out)
	must(t, err)
	return string(b)
}

func TestNotifyProgramIsToldOfALesserMasterAsKeepalivedTells(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	var ours, theirs string
	t.Run("vrrpx", func(t *testing.T) { ours = pressed(t, native) })
	t.Run("keepalived", func(t *testing.T) { theirs = pressed(t, keepalived) })
	if ours != theirs {
		t.Errorf("told %q, keepalived tells %q", ours, theirs)
	}
}
