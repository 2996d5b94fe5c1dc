package tell

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/script"
)

// inode is which FIFO is there; 0 for none.
func inode(path string) uint64 {
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil {
		return 0
	}
	return st.Ino
}

func TestReloadLeavesAFIFOThatItNamesAgainAlone(t *testing.T) {
	dir := t.TempDir()
	stay, gone, fresh := filepath.Join(dir, "stay"), filepath.Join(dir, "gone"), filepath.Join(dir, "fresh")
	f := &fifos{log: slog.New(slog.NewTextHandler(io.Discard, nil)), record: filepath.Join(dir, "record"), runner: script.NewRunner()}
	reader := config.Command{Argv: []string{"/bin/sh", "-c", `cat "$1" >"$1.out"`, "sh"}, User: "root"}
	set := func(all, vrrp string, reader config.Command) {
		t.Helper()
		if err := f.set(&config.Global{
			ScriptUser: "root", NotifyFIFO: config.FIFO{Path: all, Script: reader}, VRRPNotifyFIFO: config.FIFO{Path: vrrp},
		}); err != nil {
			t.Fatal(err)
		}
	}
	set(stay, gone, reader)
	first, runs := inode(stay), f.all[0].ended
	f.Tell("INSTANCE", "VI_1", "BACKUP", 100)
	for range 2000 { // until the script has the FIFO open
		if b, _ := os.ReadFile(stay + ".out"); len(b) > 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	set(stay, fresh, reader)
	if inode(stay) != first || inode(gone) != 0 || inode(fresh) == 0 || f.all[0].ended != runs || !f.all[0].reading() {
		t.Errorf("FIFOs %d (before %d), %d, %d, the script %v", inode(stay), first, inode(gone), inode(fresh), f.all[0].reading())
	}
	if b, _ := os.ReadFile(f.record); !strings.Contains(string(b), stay) || !strings.Contains(string(b), fresh) || strings.Contains(string(b), gone) {
		t.Errorf("the record is %s", b)
	}
	f.Tell("GROUP", "G", "MASTER", 0)
	f.close()
	if b, _ := os.ReadFile(stay + ".out"); string(b) != "INSTANCE \"VI_1\" BACKUP 100\nGROUP \"G\" MASTER 0\n" {
		t.Errorf("the script read %q", b)
	}
	if inode(stay)+inode(fresh)+inode(f.record) != 0 {
		t.Error("something is left")
	}
}

func TestScriptThatIsAnotherAfterAReloadIsStartedAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	f := &fifos{log: slog.New(slog.NewTextHandler(io.Discard, nil)), runner: script.NewRunner()}
	defer f.close()
	var ended []chan struct{}
	for _, how := range []string{"one", "two"} {
		c := config.FIFO{Path: path, Script: config.Command{Argv: []string{"/bin/sh", "-c", "sleep 1000", how}, User: "root"}}
		if err := f.set(&config.Global{ScriptUser: "root", NotifyFIFO: c}); err != nil {
			t.Fatal(err)
		}
		ended = append(ended, f.all[0].ended)
	}
	select {
	case <-ended[0]:
	case <-time.After(10 * time.Second):
		t.Error("the first one runs on")
	}
	if ended[0] == ended[1] || !f.all[0].reading() {
		t.Error("the second one does not run")
	}
}

func TestFIFOWhoseOwnerOrScriptIsNotThereIsAnError(t *testing.T) {
	f := &fifos{}
	for _, c := range []config.FIFO{
		{Path: "/nowhere/fifo", User: "no such user"},
		{Path: "/nowhere/fifo", Script: config.Command{Argv: []string{"/nowhere/script"}}},
	} {
		if err, ok := f.set(&config.Global{NotifyFIFO: c}).(*preflight.ProgramError); !ok || err.Hint == "" {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
