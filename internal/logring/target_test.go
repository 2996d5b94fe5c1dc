package logring

import (
	"bytes"
	"log/slog"
	"log/syslog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// say logs a line of each level through a ring to w.
func say(t *testing.T, w interface{ Write([]byte) (int, error) }) (written, dropped uint64) {
	t.Helper()
	r := New(w, 1<<16)
	log := slog.New(r.Handler(slog.LevelDebug))
	log.Debug("d")
	log.Info("(VI_1) Entering MASTER STATE", "from", "BACKUP")
	log.Warn("w\nforged")
	log.Error("e")
	if err := r.Close(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	return r.Counts()
}

func TestJournalLinesHaveTheirSeverity(t *testing.T) {
	var out bytes.Buffer
	say(t, Journal(&out))
	want := "<7>d\n<6>(VI_1) Entering MASTER STATE from=BACKUP\n<4>w\\nforged\n<3>e\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

func TestIsJournal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	t.Setenv("JOURNAL_STREAM", "1:2")
	if IsJournal(w) {
		t.Error("another stream is taken for the journal")
	}
}

func TestSyslogLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	to := &toSyslog{dial: func() (*syslog.Writer, error) {
		return syslog.Dial("unixgram", path, Facilities["local3"], "Keepalived_vrrp")
	}}
	if written, dropped := say(t, to); written != 4 || dropped != 0 {
		t.Errorf("written %d, dropped %d", written, dropped)
	}
	b := make([]byte, 1024)
	for _, want := range []string{"<159>|d", "<158>|(VI_1) Entering MASTER STATE from=BACKUP", `<156>|w\nforged`, "<155>|e"} {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSuffix(string(b[:n]), "\n")
		priority, text, _ := strings.Cut(want, "|")
		if !strings.HasPrefix(got, priority) || !strings.HasSuffix(got, "]: "+text) || !strings.Contains(got, " Keepalived_vrrp[") {
			t.Errorf("got %q, want %s and %q", got, priority, text)
		}
	}
}

// A syslog that takes nothing, as one whose disk hangs, and a file beside it: the
// caller does not wait, and the file has every line.
func TestSyslogThatHangsCostsItsOwnLinesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() // it is never read from
	to := &toSyslog{dial: func() (*syslog.Writer, error) { return syslog.Dial("unixgram", path, syslog.LOG_DAEMON, "x") }}
	var out bytes.Buffer
	hung, file := New(to, 4096), New(&out, 1<<20)
	log := slog.New(slog.NewMultiHandler(hung.Handler(slog.LevelInfo), file.Handler(slog.LevelInfo)))
	const total = 5000
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range total {
			log.Info("(VI_1) Entering MASTER STATE")
		}
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("a caller waited for a syslog that hangs")
	}
	if err := file.Close(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != total {
		t.Errorf("the file has %d lines, want %d", n, total)
	}
	if err := hung.Close(10 * time.Millisecond); err == nil {
		t.Error("the syslog took everything: the test has tested nothing")
	}
	if _, dropped := hung.Counts(); dropped == 0 {
		t.Error("no line is counted as lost")
	}
}

func TestSyslogThatIsNotThereCostsCountedLines(t *testing.T) {
	to := &toSyslog{dial: func() (*syslog.Writer, error) { return syslog.Dial("unixgram", "/no/such/log", syslog.LOG_DAEMON, "x") }}
	if written, dropped := say(t, to); written != 0 || dropped != 4 {
		t.Errorf("written %d, dropped %d, want 0 and 4", written, dropped)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFileIsFollowedWhenItIsRotated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, err := OpenFile(path, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	put := func(s string) {
		if _, err := f.Write([]byte(s + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	put("1")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	put("2") // within a second: not looked yet
	f.Reopen()
	put("3")
	if got := content(t, path+".1"); got != "1\n2\n" {
		t.Errorf("the old file has %q", got)
	}
	if got := content(t, path); got != "3\n" {
		t.Errorf("the new file has %q", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	f.looked = time.Now().Add(-look) // a second later
	put("4")
	if got := content(t, path); got != "4\n" {
		t.Errorf("after its removal the file has %q", got)
	}
	// A name that cannot be had: the log goes on in the old file, and says so.
	if err := os.Rename(path, path+".2"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", path); err != nil {
		t.Fatal(err)
	}
	f.Reopen()
	put("5")
	if got := content(t, path+".2"); !strings.Contains(got, "cannot open it anew") || !strings.HasSuffix(got, "5\n") {
		t.Errorf("behind a symbolic link the file has %q", got)
	}
	if _, err := OpenFile(path, 0o640); err == nil {
		t.Error("a symbolic link was followed")
	}
	if err := syscall.Mkfifo(path+".fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{path + ".fifo", "/dev/null", filepath.Dir(path)} {
		if _, err := OpenFile(other, 0o640); err == nil {
			t.Errorf("%s was taken for a log file", other)
		}
	}
}
