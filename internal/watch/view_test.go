package watch

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/vrrpx/vrrpx/stats"
)

var update = flag.Bool("update", false, "write the golden views")

// golden compares a view with the one in testdata, and both with the screen.
func golden(t *testing.T, name string, b *board) {
	t.Helper()
	got := b.render() + "\n"
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if len(lines) != b.height {
		t.Errorf("%s: %d lines on a screen of %d", name, len(lines), b.height)
	}
	for i, line := range lines {
		if n := ansi.StringWidth(line); n > b.width {
			t.Errorf("%s: line %d has %d cells of %d: %q", name, i+1, n, b.width, line)
		}
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

var plain = looks{blocks: true}

func TestListAtEachSize(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 50}} {
		for _, n := range []int{1, 64, 255} {
			golden(t, fmt.Sprintf("list-%d-%dx%d", n, size[0], size[1]), shown(n, size[0], size[1], plain))
		}
	}
}

func TestOtherPages(t *testing.T) {
	b := shown(64, 80, 24, plain)
	press(b, "down", "down", "enter")
	golden(t, "one-80x24", b)
	press(b, "?")
	golden(t, "help-80x24", b)
	b = shown(3, 80, 24, looks{})
	golden(t, "ascii-80x24", b)
	b = shown(3, 80, 24, looks{styled: true, colour: true, blocks: true})
	golden(t, "colour-80x24", b)
	b = shown(3, 80, 24, plain)
	press(b, "l")
	b.heard(&stats.Speakers{Speakers: []stats.LANSpeaker{{Interface: "eth0", Protocol: "VRRP", VRID: 99, Address: "10.0.0.9", MAC: "02:00:00:00:00:09", Version: 2, Priority: 100, Interval: stats.Seconds(time.Second), Verdict: "vrid"}}}, nil)
	golden(t, "lan-80x24", b)
}

// However small or large the screen is, nothing is drawn outside of it.
func TestNothingIsDrawnOutsideTheScreen(t *testing.T) {
	long := strings.Repeat("wörd ", 60) + "\x1b[2J\x07"
	for _, n := range []int{0, 1, 40} {
		b := shown(max(n, 1), 80, 24, looks{styled: true, colour: true, blocks: true})
		if n == 0 {
			b.take(&stats.Status{}, noon)
		}
		for i := range b.now.Routers {
			r := &b.now.Routers[i]
			r.Name, r.Reason, r.Addresses[0].Device = "名前"+r.Name+long, long, long
			r.AlarmList = append(r.AlarmList, stats.Alarm{Kind: "k", Text: long})
		}
		b.take(b.now, b.at.Add(time.Second))
		for _, w := range []int{1, 2, 13, 40, 79, 80, 81, 133, 300} {
			for _, h := range []int{1, 2, 3, 4, 5, 6, 9, 24, 100} {
				b.resize(w, h)
				for _, p := range []page{pageList, pageOne, pageLAN, pageHelp} {
					b.page = p
					text := b.render()
					if strings.Contains(text, "\x1b[2J") || strings.Contains(text, "\x07") {
						t.Fatalf("%dx%d page %d: control characters of a name reach the terminal", w, h, p)
					}
					lines := strings.Split(text, "\n")
					if len(lines) > h {
						t.Errorf("%dx%d page %d, %d routers: %d lines", w, h, p, n, len(lines))
					}
					for _, line := range lines {
						if got := ansi.StringWidth(line); got > w {
							t.Errorf("%dx%d page %d, %d routers: %d cells: %q", w, h, p, n, got, line)
						}
					}
				}
			}
		}
	}
}

func TestOldViewSaysSo(t *testing.T) {
	b := shown(2, 80, 24, plain)
	b.fail(errors.New("no vrrpx runs"), noon.Add(20*time.Second))
	b.fail(errors.New("no vrrpx runs"), noon.Add(21*time.Second))
	if text := b.render(); !strings.Contains(text, "no answer since 12:00:20") || !strings.Contains(text, "VI_2") || !strings.Contains(text, "12:00:21") {
		t.Errorf("%s", text)
	}
	b.take(fleet(2, 20*time.Second), noon.Add(22*time.Second))
	if text := b.render(); strings.Contains(text, "no answer") {
		t.Errorf("%s", text)
	}
}

func TestNoColourAndLocale(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	for _, tt := range []struct {
		env  func(string) string
		want looks
	}{
		{env(), looks{colour: true, styled: true}},
		{env("LANG", "C.UTF-8"), looks{colour: true, styled: true, blocks: true}},
		{env("LANG", "en_US.utf8", "NO_COLOR", "1"), looks{styled: true, blocks: true}},
		{env("LANG", "en_US.UTF-8", "LC_ALL", "C"), looks{colour: true, styled: true}},
		{env("LANG", "C", "LC_CTYPE", "de_DE.UTF-8"), looks{colour: true, styled: true, blocks: true}},
	} {
		if got := looksFor(tt.env); got != tt.want {
			t.Errorf("%+v, want %+v", got, tt.want)
		}
	}
	for _, colour := range []string{"\x1b[1;32m", "\x1b[33m", "\x1b[1;31m", "\x1b[36m"} {
		if text := shown(3, 80, 24, looks{styled: true}).render(); strings.Contains(text, colour) {
			t.Errorf("NO_COLOR and %q", colour)
		}
	}
}

func TestSmallTexts(t *testing.T) {
	for k := -1; k < 32; k++ {
		if s := gapText(k); len(s) > 9 {
			t.Errorf("gap %d: %s", k, s)
		}
		if k >= 0 && bucketOf(time.Duration(uint64(1)<<k)*time.Microsecond) != k {
			t.Errorf("bucket of 2^%d us: %d", k, bucketOf(time.Duration(uint64(1)<<k)*time.Microsecond))
		}
	}
	for d := time.Duration(1); d < 1<<62; d *= 3 {
		if s := short(d); len(s) > 6 {
			t.Errorf("%v: %s", d, s)
		}
	}
	for f := 0.001; f < 1e8; f *= 1.7 {
		if s := perSecond(f); len(s) > 4 {
			t.Errorf("%f: %s", f, s)
		}
	}
	for _, tt := range [][2]string{
		{gapText(13), "8.2-16ms"}, {gapText(3), "8-16us"}, {gapText(9), "0.5-1.0ms"}, {gapText(20), "1.0-2.1s"}, {gapText(17), "131-262ms"},
		{short(36093750), "36ms"}, {short(time.Hour + 2*time.Minute), "1h02m"}, {short(-1), "-"}, {perSecond(99.6), "100"}, {perSecond(9970), "10k"},
		{strings.Join(wrap("one two three", 7), "|"), "one two|three"}, {strings.Join(wrap("abcdefghij k", 4), "|"), "abcd|efgh|ij k"}, {fit("router", 4), "rou~"},
	} {
		if tt[0] != tt[1] {
			t.Errorf("%q, want %q", tt[0], tt[1])
		}
	}
	if natural("VI_2", "VI_10") >= 0 || natural("VI_10", "VI_2") <= 0 || natural("a", "a1") >= 0 || natural("VI_02", "VI_2") != 0 {
		t.Error("names are not in their natural order")
	}
}

func TestHelpFitsASmallTerminal(t *testing.T) {
	for _, line := range helpLines() {
		if len(line) > 79 {
			t.Errorf("%d cells: %s", len(line), line)
		}
	}
	if n := len(helpLines()); n > 22 {
		t.Errorf("%d lines", n)
	}
}

// The stamps of a daemon with another time zone stand beside a clock of ours.
func TestOneTimeZone(t *testing.T) {
	b := newBoard(plain, time.Second)
	st := fleet(1, 0)
	st.Routers[0].History[0].At = noon.Add(-time.Hour).In(time.FixedZone("", 5*3600))
	b.take(st, noon)
	for _, keys := range [][]string{nil, {"enter"}} {
		press(b, keys...)
		if text := b.render(); !strings.Contains(text, "11:00:00.000") {
			t.Errorf("after %v:\n%s", keys, text)
		}
	}
}
