package e2e

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// watching is `vrrpx watch` on a terminal.
type watching struct {
	*testing.T
	*testnet.Terminal
}

func watchOn(t *testing.T, h *testnet.Host, columns, lines int) *watching {
	t.Helper()
	term, err := h.Terminal(t.TempDir(), columns, lines, testnet.Binary(t), "watch", "-n", "200ms")
	must(t, err)
	t.Cleanup(func() { must(t, term.Close()) })
	return &watching{t, term}
}

func (w *watching) text() string {
	w.Helper()
	text, err := w.Text()
	must(w.T, err)
	return text
}

// press presses keys and waits for the screen to have all of some words in this order.
func (w *watching) press(keys string, words ...string) {
	w.Helper()
	if keys != "" {
		must(w.T, w.Keys(strings.Fields(keys)...))
	}
	var text string
	if testnet.WaitFor(patience, func() bool { time.Sleep(20 * time.Millisecond); text = w.text(); return inOrder(text, words) }) {
		return
	}
	w.Fatalf("after %q the screen has not %q:\n%s", keys, words, text)
}

func inOrder(text string, words []string) bool {
	for _, word := range words {
		_, rest, ok := strings.Cut(text, word)
		if !ok {
			return false
		}
		text = rest
	}
	return true
}

// without presses a key and waits for a word to leave the screen.
func (w *watching) without(keys, word string) {
	w.Helper()
	must(w.T, w.Keys(strings.Fields(keys)...))
	await(w.T, word+" to leave the screen", func() bool { return !strings.Contains(w.text(), word) })
}

// line is that of the screen with a word.
func (w *watching) line(word string) string {
	w.Helper()
	for _, line := range strings.Split(w.text(), "\n") {
		if strings.Contains(line, word) {
			return line
		}
	}
	return ""
}

func TestWatchUnderTmux(t *testing.T) {
	testnet.Need(t, "root", "tmux")
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	conf := func(first, second int) string {
		return testnet.Conf(3, testnet.Instance{VRID: 51, Priority: first, AdvertInt: "0.1", VIPs: []string{vip}},
			testnet.Instance{VRID: 52, Priority: second, AdvertInt: "0.1", VIPs: []string{"10.99.9.2"}})
	}
	da := start(t, a, "native", conf(150, 100))
	db := start(t, b, "native", conf(100, 150))
	await(t, "b to answer", func() bool { _, code := vrrpx(t, b, "status"); return code == 0 })
	for vrid, want := range map[string]string{"VI_51": "BACKUP", "VI_52": "MASTER"} {
		await(t, "b to be "+want+" of "+vrid, func() bool {
			r, ok := routerNamed(t, b, vrid)
			return ok && r.State == want
		})
	}
	lines := linesOf(t, b)

	w := watchOn(t, b, 80, 24)
	w.press("", "2 routers: 1 MASTER, 1 BACKUP", "ROUTER", "TIME LEFT", "VI_51", "BACKUP", "▄", "VI_52", "MASTER", "every", "q quit")
	if n := strings.Count(w.text(), "\n"); n != 24 || widest(w.text()) > 80 {
		t.Errorf("%d lines of up to %d cells on a screen of 80x24:\n%s", n, widest(w.text()), w.text())
	}
	w.press("s", "by name")
	w.press("r", "VI_52", "VI_51", "reversed")
	w.press("r", "VI_51", "VI_52", "by name")
	w.press("/ b a c k u p", "VI_51", "filter: backup_")
	w.press("Enter", "VI_51", "1-1 of 1", "with backup")
	if text := w.line("VI_52  "); strings.Contains(text, "every") {
		t.Errorf("the filter lets a MASTER through: %s", text)
	}
	w.without("Escape", "with backup")
	w.press("Enter", "VI_51", "state", "BACKUP for", "because", "time left", "▄", "master", a.MAC.String(), "address", vip)
	w.without("Escape", "because")
	w.press("l", "who speaks", "VI_51", a.Addr.String())
	w.without("Escape", "who speaks VRRP")
	w.press("?", "help", "TIME LEFT")
	w.without("Escape", "help  ")
	must(t, w.Resize(200, 50))
	w.press("", "VRID", "MASTER", "TIME LEFT", "VI_51", a.Addr.String(), "VI_52", "this host")
	if n := strings.Count(w.text(), "\n"); n != 50 || widest(w.text()) > 200 {
		t.Errorf("%d lines of up to %d cells on a screen of 200x50:\n%s", n, widest(w.text()), w.text())
	}

	da.Kill9()
	w.press("", "2 routers: 2 MASTER", "VI_51 BACKUP > MASTER: ")
	must(t, db.Stop())
	w.press("", "no answer since", "VI_51")
	must(t, w.Keys("q"))
	await(t, "the view to end", func() bool {
		time.Sleep(20 * time.Millisecond)
		code, ended, err := w.Ended()
		must(t, err)
		if ended && code != 0 {
			t.Errorf("exit %d", code)
		}
		return ended
	})

	text := lines()
	if strings.Contains(text, "\x1b") {
		t.Errorf("escapes where there is no terminal:\n%q", text)
	}
	if !inOrder(text, []string{" VI_51 BACKUP: ", " VI_51 BACKUP > MASTER: ", " vrrpx no answer: "}) {
		t.Errorf("the lines are\n%s", text)
	}
}

// linesOf has watch print lines, into a file. What it gives ends that, and reads them.
func linesOf(t *testing.T, h *testnet.Host) func() string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lines")
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	cmd := h.Command(context.Background(), testnet.Binary(t), "watch", "-n", "200ms")
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = f, &errs
	must(t, cmd.Start())
	read := func() string {
		text, err := os.ReadFile(path)
		must(t, err)
		return string(text)
	}
	await(t, "the first line", func() bool { return strings.Contains(read(), "VI_51 BACKUP") })
	return func() string {
		t.Helper()
		await(t, "the last line", func() bool { return strings.Contains(read(), "no answer") })
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		if err := cmd.Wait(); err != nil {
			t.Errorf("watch: %v: %s", err, errs.String())
		}
		return read()
	}
}

func widest(text string) (n int) {
	for _, line := range strings.Split(text, "\n") {
		n = max(n, utf8.RuneCountInString(line))
	}
	return n
}
