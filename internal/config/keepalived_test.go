package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// comparison is a configuration that keepalived 2.2.7 and vrrpx both judge.
// differs says why they may disagree; empty: they may not.
type comparison struct{ text, differs string }

const (
	absent     = "not supported yet, or not with this value"
	corrected  = "keepalived corrects it and runs, and so do we, with a warning"
	nothing    = "there is no router to run"
	documented = "keepalived 2.4 and its manual have it so"
)

const scriptGlobals = "global_defs {\nenable_script_security\nscript_user root\n}\n"

// scripts is a router that tracks a script with further statements.
func scripts(lines, track string) string {
	if track == "" {
		track = "check"
	}
	return scriptGlobals + "vrrp_script check {\nscript \"/bin/true\"\n" + lines + "\n}\n" + instance("track_script {\n"+track+"\n}")
}

// tracked and process are routers that track a file or a process.
func tracked(lines, track string) string {
	return "track_file f {\n" + lines + "\n}\n" + instance("track_file {\n"+track+"\n}")
}

func process(lines, track string) string {
	return "vrrp_track_process p {\n" + lines + "\n}\n" + instance("track_process {\n"+track+"\n}")
}

// instance is a router with further statements.
func instance(statements string) string {
	return strings.Replace(minimal, "virtual_ipaddress", statements+"\nvirtual_ipaddress", 1)
}

func globals(statements string) string { return "global_defs {\n" + statements + "\n}\n" + minimal }

func address(line string) string { return strings.Replace(minimal, "10.0.0.3/24", line, 1) }

func auth(statements string) string { return instance("authentication {\n" + statements + "\n}") }

var comparisons = slices.Concat(languageComparisons, instanceComparisons, addressComparisons, globalComparisons, trackComparisons)

// TestAgreesWithKeepalived judges configurations with the real keepalived and
// with vrrpx. Where they differ on purpose the table says why.
func TestAgreesWithKeepalived(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	host, dir := oracle(t), t.TempDir()
	var wait sync.WaitGroup
	turns := make(chan struct{}, 8) // keepalived -t mostly sleeps
	for i, c := range slices.Concat(comparisons, unicastComparisons, routeComparisons(), groupComparisons) {
		wait.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			path := filepath.Join(dir, fmt.Sprintf("%d.conf", i))
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Error(err)
				return
			}
			log, theirs := keepalivedTakes(t, host, path)
			cfg, diags := Load(path, "high")
			ours := cfg != nil
			if (ours != theirs) != (c.differs != "") {
				t.Errorf("keepalived takes it: %v, vrrpx: %v, expected to differ: %q\n%s\n%s\n%s", theirs, ours, c.differs, c.text, log, show(diags))
			}
		})
	}
	wait.Wait()
}

func oracle(t *testing.T) *testnet.Host {
	t.Helper()
	lan := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "lb01"}}, Links: 4}.ForTest(t)
	return lan.Host("lb01")
}

// keepalivedTakes tells whether `keepalived -t` ends with 0.
func keepalivedTakes(t *testing.T, host *testnet.Host, path string) (string, bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := host.Command(ctx, "keepalived", "-t", "-l", "-i", "high", "-f", path).CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Errorf("keepalived -t: %v, %v: %s", err, ctx.Err(), out)
	}
	return string(out), err == nil
}
