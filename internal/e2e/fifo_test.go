package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// fifoLife is what both FIFOs of a daemon were given in the life of a router:
// alone, it loses and gets back a check and its interface, hears a lesser
// master, and is stopped. One FIFO has a script, of the other nobody reads.
func fifoLife(t *testing.T, p party) (script, kept string, mode os.FileMode) {
	t.Helper()
	l := testnet.ForTest(t, "a", "low")
	a, low := l.Host("a"), l.Host("low")
	dir := t.TempDir()
	out, program := filepath.Join(dir, "out"), filepath.Join(dir, "reader")
	// keepalived sends SIGTERM before its last lines, and a script has to bear it.
	must(t, os.WriteFile(program, []byte("#!/bin/sh\ntrap '' TERM\nexec cat \"$2\" >"+out+"\n"), 0o755))
	all, vrrp, alive := filepath.Join(dir, "all"), filepath.Join(dir, "vrrp"), filepath.Join(dir, "alive")
	touch(t, alive)
	conf := strings.Replace(fileCheck(alive, "weight 20"), "script_user root\n", "script_user root\nvrrp_notify_priority_changes\n"+
		"notify_fifo "+all+"\nnotify_fifo_script \""+program+" first\"\nvrrp_notify_fifo "+vrrp+" nobody nogroup\n", 1)
	d := p.start(t, a, conf+v2pass.conf(150, "track_script {", "check", "}"))
	read := func() string { b, _ := os.ReadFile(out); return string(b) }
	has := func(n int, line string) func() bool {
		return func() bool { return strings.Count(read(), line+"\n") >= n }
	}
	await(t, "MASTER", has(1, `INSTANCE "VI_51" MASTER 170`))
	must(t, os.Remove(alive))
	await(t, "the lower priority", has(1, `INSTANCE "VI_51" MASTER_PRIORITY 150`))
	flood(t, low, [][]byte{low.GroupFrame(low.Addr, 255, protoVRRP, v2pass.message(50))}, 1, 10*time.Millisecond)
	await(t, "the lesser master", has(1, `INSTANCE "VI_51" MASTER_RX_LOWER_PRI 150`))
	must(t, l.Cut("a"))
	await(t, "FAULT", has(1, `INSTANCE "VI_51" FAULT 150`))
	touch(t, alive)
	await(t, "the priority of before", has(2, `INSTANCE "VI_51" BACKUP_PRIORITY 170`))
	must(t, l.Join("a"))
	await(t, "MASTER again", has(2, `INSTANCE "VI_51" MASTER 170`))
	info, err := os.Stat(all)
	must(t, err)
	st, err := os.Stat(vrrp)
	must(t, err)
	if s := st.Sys().(*syscall.Stat_t); s.Uid != 65534 || s.Gid != 65534 {
		t.Errorf("the FIFO of nobody belongs to %d:%d", s.Uid, s.Gid)
	}
	// Opened before the end, it still has all lines.
	unread, err := os.OpenFile(vrrp, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	must(t, err)
	defer unread.Close()
	must(t, d.Stop())
	await(t, "STOP", has(1, `INSTANCE "VI_51" STOP 170`))
	for _, path := range []string{all, vrrp} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	b := make([]byte, 1<<16)
	n, err := unread.Read(b)
	must(t, err)
	return read(), string(b[:n]), info.Mode()
}

func TestFIFOsGetTheLinesThatKeepalivedWrites(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	var ours, theirs, ourKept, theirKept string
	var ourMode, theirMode os.FileMode
	t.Run("vrrpx", func(t *testing.T) { ours, ourKept, ourMode = fifoLife(t, native) })
	t.Run("keepalived", func(t *testing.T) { theirs, theirKept, theirMode = fifoLife(t, keepalived) })
	if ours != theirs || ourKept != theirKept || ours != ourKept {
		t.Errorf("vrrpx writes\n%sand\n%skeepalived\n%sand\n%s", ours, ourKept, theirs, theirKept)
	}
	if ourMode != theirMode {
		t.Errorf("mode %v, keepalived's is %v", ourMode, theirMode)
	}
}

// A killed daemon leaves its FIFO, which the next one takes for its own.
func TestFIFOOfAKilledDaemonIsRemovedInTheEnd(t *testing.T) {
	l := testnet.ForTest(t, "a")
	a := l.Host("a")
	path := filepath.Join(t.TempDir(), "fifo")
	conf := "global_defs {\nnotify_fifo " + path + "\n}\n" + v3.conf(150)
	there := func() bool { _, err := os.Lstat(path); return err == nil }
	d := start(t, a, "native", conf)
	awaitState(t, a, "MASTER")
	d.Kill9()
	if !there() {
		t.Fatal("a kill has removed the FIFO")
	}
	must(t, d.Start())
	awaitState(t, a, "MASTER")
	if s := status(t, a); len(s.FIFOs) != 1 || s.FIFOs[0].Written != 2 || s.FIFOs[0].Problem != "" {
		t.Errorf("%+v", s.FIFOs)
	}
	must(t, d.Stop())
	if there() {
		t.Error("the FIFO is there after the end")
	}
	must(t, d.Start())
	await(t, "the FIFO", there)
	d.Kill9()
	if out, code := vrrpx(t, a, "cleanup"); code != 0 || !strings.Contains(out, path) || there() {
		t.Errorf("cleanup says %q", out)
	}
}

// A reload leaves the FIFO open, tells the states where that is wanted, and has
// mail go where the new file says.
func TestReloadKeepsTheFIFOAndChangesWhereMailGoes(t *testing.T) {
	l := testnet.ForTest(t, "a", "mx")
	a, s := l.Host("a"), mailServerOn(t, l.Host("mx"))
	s.start(t)
	path := filepath.Join(t.TempDir(), "fifo")
	conf := "global_defs {\nnotify_fifo " + path + "\nfifo_write_vrrp_states_on_reload\n}\n" + v3.conf(150)
	d := start(t, a, "native", conf)
	awaitState(t, a, "MASTER")
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	must(t, err)
	defer reader.Close()
	must(t, os.WriteFile(filepath.Join(d.Dir, "keepalived.conf"), []byte(mailConf(s)+conf), 0o644))
	if out, code := vrrpx(t, a, "reload"); code != 0 {
		t.Fatalf("reload: %s", out)
	}
	must(t, d.Stop())
	if m := s.awaitMails(t, 2)[0]; m.header.Get("Subject") != "[lb01] VRRP Instance VI_51 - Stopping" {
		t.Errorf("%+v", m.header)
	}
	b := make([]byte, 1<<16)
	n, err := reader.Read(b)
	must(t, err)
	if got, want := string(b[:n]), `INSTANCE "VI_51" BACKUP 150
INSTANCE "VI_51" MASTER 150
INSTANCE "VI_51" MASTER 150
INSTANCE "VI_51" STOP 150
`; got != want {
		t.Errorf("the FIFO had\n%swant\n%s", got, want)
	}
}
