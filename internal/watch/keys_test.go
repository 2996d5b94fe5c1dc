package watch

import (
	"strings"
	"testing"
	"time"
)

func press(b *board, names ...string) (goesOn bool) {
	goesOn = true
	for _, n := range names {
		text := n
		if n == "space" {
			text = " "
		} else if len(n) > 1 {
			text = ""
		}
		goesOn = b.key(n, text)
	}
	return goesOn
}

func names(b *board) (all []string) {
	for _, r := range b.rows {
		all = append(all, r.Name)
	}
	return all
}

func TestQuit(t *testing.T) {
	for _, keys := range [][]string{{"q"}, {"ctrl+c"}, {"enter", "q"}, {"?", "q"}, {"l", "q"}, {"/", "q", "ctrl+c"}} {
		if press(shown(3, 80, 24, plain), keys...) {
			t.Errorf("%v do not end it", keys)
		}
	}
	if !press(shown(3, 80, 24, plain), "/", "q") {
		t.Error("a q in a filter ends it")
	}
}

func TestFilter(t *testing.T) {
	for _, tt := range []struct {
		keys []string
		want string
	}{
		{[]string{"/", "m", "a", "s", "t", "e", "r", "enter"}, "VI_1 VI_5 VI_10 VI_15"},
		{[]string{"/", "V", "I", "_", "1", "space", "m", "a", "s", "enter"}, "VI_1 VI_10 VI_15"},
		{[]string{"/", "f", "a", "u", "l", "t"}, "VI_12"},
		{[]string{"/", "a", "l", "a", "r", "m"}, "VI_3"},
		{[]string{"/", "1", "0", ".", "0", ".", "7", ".", "1"}, "VI_8"},
		{[]string{"/", "f", "x", "backspace", "a", "u"}, "VI_12"},
		{[]string{"/", "x", "x", "ctrl+u", "f", "a", "u"}, "VI_12"},
		{[]string{"/", "n", "o", "n", "e", "s", "u", "c", "h"}, ""},
	} {
		b := shown(16, 80, 24, plain)
		press(b, tt.keys...)
		if got := strings.Join(names(b), " "); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.keys, got, tt.want)
		}
		b.render()
		press(b, "esc", "esc") // out of the typing, and the filter away
		if len(b.rows) != 16 {
			t.Errorf("%v: %d rows without a filter", tt.keys, len(b.rows))
		}
	}
	b := shown(3, 80, 24, plain)
	press(b, "/")
	for range 10 * filterMost {
		press(b, "x")
	}
	if len(b.typed) > filterMost {
		t.Errorf("a filter of %d bytes", len(b.typed))
	}
}

func TestSort(t *testing.T) {
	b := shown(16, 80, 24, plain)
	first := func() string { return b.rows[0].Name }
	for i, want := range []string{"VI_1", "VI_1", "VI_3", "VI_1", "VI_12", "VI_3", "VI_1", "VI_3"} {
		if b.order != i {
			t.Fatalf("order %d at step %d", b.order, i)
		}
		if got := first(); got != want && orders[i].name != "time left" {
			t.Errorf("by %s: first %s, want %s", orders[i].name, got, want)
		}
		press(b, "s")
	}
	if b.order != 0 {
		t.Errorf("order %d after a whole round", b.order)
	}
	press(b, "s", "r")
	if first() != "VI_16" {
		t.Errorf("by name, reversed: first %s", first())
	}
	press(b, "r", "s", "s", "s")
	for i := 1; i < len(b.rows); i++ {
		if left(b.rows[i-1].Router) > left(b.rows[i].Router) {
			t.Errorf("by time left: %v before %v", left(b.rows[i-1].Router), left(b.rows[i].Router))
		}
	}
}

// The cursor stays on its router, wherever that goes.
func TestCursorFollowsItsRouter(t *testing.T) {
	b := shown(64, 80, 24, plain)
	press(b, "end")
	if b.chosen.name != "VI_64" || !strings.Contains(b.render(), ">VI_64") {
		t.Fatalf("at %v:\n%s", b.chosen, b.render())
	}
	press(b, "home", "down", "down")
	if b.chosen.name != "VI_3" {
		t.Fatalf("at %v", b.chosen)
	}
	press(b, "s", "r")
	if b.chosen.name != "VI_3" || b.rows[b.cursor].Name != "VI_3" || !strings.Contains(b.render(), ">VI_3") {
		t.Errorf("at %v, row %d", b.chosen, b.cursor)
	}
	b.take(fleet(70, 20*time.Second), noon.Add(20*time.Second))
	if b.chosen.name != "VI_3" || b.rows[b.cursor].Name != "VI_3" {
		t.Errorf("after a refresh at %v, row %d", b.chosen, b.cursor)
	}
	press(b, "pgdown", "pgdown", "pgup", "pgdown", "pgdown", "pgdown", "pgdown", "pgdown", "pgdown")
	if !strings.Contains(b.render(), ">VI_1 ") {
		t.Errorf("not at the end:\n%s", b.render())
	}
}

func TestOpenAndBack(t *testing.T) {
	b := shown(3, 80, 24, plain)
	press(b, "down", "enter")
	text := b.render()
	for _, want := range []string{"VI_2", "script check_web down", "exit code 1", "priority    80, configured 100", "10.0.0.1 (02:00:00:00:00:01), VRRPv3, priority 200"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	b.take(fleet(1, 20*time.Second), noon.Add(20*time.Second))
	if text := b.render(); !strings.Contains(text, "VI_2 is no longer configured") {
		t.Errorf("%s", text)
	}
	press(b, "?", "esc")
	if b.page != pageOne {
		t.Errorf("help goes back to page %d", b.page)
	}
	if press(b, "esc"); b.page != pageList || !strings.Contains(b.render(), ">VI_1") {
		t.Errorf("page %d:\n%s", b.page, b.render())
	}
	press(b, "/", "x", "x", "enter", "enter")
	if b.page != pageList {
		t.Error("no row was opened")
	}
}

// A page that is longer than the screen can be read to its end, and no further.
func TestScroll(t *testing.T) {
	b := shown(3, 80, 10, plain)
	press(b, "down", "down", "enter")
	top := b.render()
	press(b, "end")
	end := b.render()
	if top == end || !strings.Contains(end, "INIT > BACKUP: started") {
		t.Errorf("%s\n%s", top, end)
	}
	press(b, "down", "down", "pgdown")
	if b.render() != end {
		t.Errorf("beyond the end:\n%s", b.render())
	}
	press(b, "home")
	if b.render() != top {
		t.Errorf("not back at the top:\n%s", b.render())
	}
}
