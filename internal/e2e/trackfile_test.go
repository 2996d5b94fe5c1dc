package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// fileStory is what a FIFO is told of a router that tracks a file with weight 2
// and one with weight 0, while they change.
func fileStory(t *testing.T, p party) string {
	t.Helper()
	l := testnet.ForTest(t, "a")
	dir := t.TempDir()
	out, program := filepath.Join(dir, "out"), filepath.Join(dir, "reader")
	must(t, os.WriteFile(program, []byte("#!/bin/sh\ntrap '' TERM\nexec cat \"$1\" >"+out+"\n"), 0o755))
	weight, zero := filepath.Join(dir, "weight"), filepath.Join(dir, "zero")
	write := func(path, text string) func() {
		return func() { must(t, os.WriteFile(path, []byte(text), 0o644)) }
	}
	write(weight, "99")()
	conf := fmt.Sprintf(`global_defs {
enable_script_security
script_user root
vrrp_notify_priority_changes
notify_fifo %s/fifo
notify_fifo_script %s
}
track_file weight {
file %s
weight 2
init_file 10 overwrite
}
vrrp_track_file zero {
file %s
weight 0
init_file
}
`, dir, program, weight, zero)
	p.start(t, l.Host("a"), conf+v3.conf(100, "track_file {", "weight", "zero", "}"))
	read := func() string { b, _ := os.ReadFile(out); return string(b) }
	for _, step := range []struct {
		what string
		do   func()
		last string // the line that it ends with
	}{
		{"the start", func() {}, "MASTER 120"},
		{"another number", write(weight, "20\n"), "MASTER_PRIORITY 140"},
		{"more than a priority can be", write(weight, "300"), "MASTER_PRIORITY 254"},
		{"hexadecimal", write(weight, "0x10"), "MASTER_PRIORITY 132"},
		{"below 0", write(weight, " -30 and so on"), "MASTER_PRIORITY 40"},
		{"garbage", write(weight, "garbage"), "MASTER_PRIORITY 100"},
		{"put in its place", func() {
			write(weight+".new", "7")()
			must(t, os.Rename(weight+".new", weight))
		}, "MASTER_PRIORITY 114"},
		{"removed", func() { must(t, os.Remove(weight)) }, "MASTER_PRIORITY 100"},
		{"no weight, and no 0", write(zero, "1"), "FAULT 100"},
		{"no weight, and 0", write(zero, "0"), "MASTER 100"},
		{"a product that is a fault", write(weight, "-127"), "FAULT 100"},
		{"and one that is not", write(weight, "0"), "MASTER 100"},
	} {
		before := strings.Count(read(), "\n")
		step.do()
		await(t, step.what, func() bool {
			now := read()
			return strings.HasSuffix(now, `INSTANCE "VI_51" `+step.last+"\n") && (before == 0 || strings.Count(now, "\n") > before)
		})
	}
	return read()
}

func TestTrackedFilesCountAsWithKeepalived(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	var ours, theirs string
	t.Run("vrrpx", func(t *testing.T) { ours = fileStory(t, native) })
	t.Run("keepalived", func(t *testing.T) { theirs = fileStory(t, keepalived) })
	if ours != theirs {
		t.Errorf("vrrpx tells\n%skeepalived\n%s", ours, theirs)
	}
}

// Processes are of the whole host, so these have names of their own. keepalived
// cannot be asked beside: it hears of none in another network namespace.
func TestTrackedProcessesDecide(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	dir := t.TempDir()
	sleep, err := os.ReadFile("/bin/sleep")
	must(t, err)
	name := fmt.Sprintf("t%d", os.Getpid())
	program := filepath.Join(dir, name)
	must(t, os.WriteFile(program, sleep, 0o755))
	begin := func(args ...string) (end func()) {
		c := exec.Command(program, args...)
		must(t, c.Start())
		end = sync.OnceFunc(func() { _ = c.Process.Kill(); _ = c.Wait() })
		t.Cleanup(end)
		return end
	}
	conf := func(file string, weight int) string {
		return fmt.Sprintf(`vrrp_track_process any {
process %s
quorum 2
weight 20
}
vrrp_track_process one {
process "%s" 1000
}
track_file weight {
file %s
weight %d
}
`, name, program, file, weight) + v3.conf(100, "track_process {", "any", "one", "}", "track_file {", "weight", "}")
	}
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	must(t, os.WriteFile(first, []byte("1"), 0o644))
	must(t, os.WriteFile(second, []byte("2"), 0o644))
	d := start(t, a, "native", conf(first, 1))
	awaitRouter(t, a, "to miss the process", func(r stats.Router) bool { return r.State == "FAULT" && r.Reason == "process one is down" })
	end := begin("1000")
	awaitRouter(t, a, "to have one", func(r stats.Router) bool { return r.State == "MASTER" && r.Priority == 101 })
	endSecond := begin("2000")
	awaitRouter(t, a, "to have two", func(r stats.Router) bool { return r.Priority == 121 })
	check := unmoved(t, a)
	must(t, os.WriteFile(filepath.Join(d.Dir, "keepalived.conf"), []byte(conf(second, -1)), 0o644))
	if out, code := vrrpx(t, a, "reload"); code != 0 {
		t.Fatalf("reload: %s", out)
	}
	awaitRouter(t, a, "to read the other file", func(r stats.Router) bool { return r.Priority == 118 })
	must(t, os.WriteFile(first, []byte("99"), 0o644))
	must(t, os.WriteFile(second, []byte("3"), 0o644))
	awaitRouter(t, a, "to follow it", func(r stats.Router) bool { return r.Priority == 117 })
	endSecond()
	awaitRouter(t, a, "to have one again", func(r stats.Router) bool { return r.Priority == 97 })
	check()
	end()
	awaitState(t, a, "FAULT")
}
