package netio

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

func announcerForTest(t *testing.T) *Announcer {
	t.Helper()
	a, err := NewAnnouncer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func framesOf(names string) [][]byte {
	var frames [][]byte
	for _, n := range strings.Fields(names) {
		frames = append(frames, []byte(n))
	}
	return frames
}

// play runs one announcement by its own times for a while, without a clock,
// and tells what it sent when: "0s:a 0s:b 5s:a".
func play(b Burst, length time.Duration) string {
	const start = vrrp.Instant(time.Hour)
	var tx recorder
	b.Sender = &tx
	e := &announcement{}
	e.begin(b, start)
	free := map[lane]vrrp.Instant{}
	var out []string
	for e.due != 0 && e.due.Sub(start) <= length {
		at, before := e.due, len(tx.texts)
		e.due = e.send(at, free)
		for _, f := range tx.texts[before:] {
			out = append(out, fmt.Sprintf("%v:%s", at.Sub(start), f))
		}
	}
	return strings.Join(out, " ")
}

//vrrp:row 62
func TestBurstsFollowKeepalivedsSchedule(t *testing.T) {
	ab := framesOf("a b")
	tests := []struct {
		name   string
		b      Burst
		length time.Duration
		want   string
	}{
		{"first round sent, second burst whole", Burst{Frames: ab, FirstSent: true, Repeat: 3, Delay: 5 * time.Second}, time.Hour,
			"10ms:a 10ms:b 20ms:a 20ms:b 5s:a 5s:b 5.01s:a 5.01s:b 5.02s:a 5.02s:b"},
		{"nothing sent yet", Burst{Frames: ab, Repeat: 2}, time.Hour, "0s:a 0s:b 10ms:a 10ms:b"},
		{"a single round is done by the first", Burst{Frames: ab, FirstSent: true, Repeat: 1, Delay: time.Second}, time.Hour, "1s:a 1s:b"},
		{"a repeat of 0 is 1", Burst{Frames: ab}, time.Hour, "0s:a 0s:b"},
		{"no second burst, no refresh: nothing", Burst{Frames: ab, FirstSent: true, Repeat: 1}, time.Hour, ""},
		{"refresh", Burst{Frames: ab, FirstSent: true, Repeat: 1, Refresh: 10 * time.Second}, 25 * time.Second,
			"10s:a 10s:b 20s:a 20s:b"},
		{"refresh repeated, beside the second burst", Burst{Frames: framesOf("a"), FirstSent: true, Repeat: 2,
			Delay: 5 * time.Second, Refresh: 4 * time.Second, RefreshRepeat: 3}, 9 * time.Second,
			"10ms:a 4s:a 4.01s:a 4.02s:a 5s:a 5.01s:a 8s:a 8.01s:a 8.02s:a"},
		{"refresh that falls on the second burst is it", Burst{Frames: framesOf("a"), FirstSent: true, Repeat: 2,
			Delay: 5 * time.Second, Refresh: 5 * time.Second}, 12 * time.Second, "10ms:a 5s:a 5.01s:a 10s:a"},
		{"paced", Burst{Frames: ab, Repeat: 2, Delay: time.Second, Interval: 100 * time.Millisecond}, 2 * time.Second,
			"0s:a 100ms:b 200ms:a 300ms:b 1s:a 1.1s:b 1.2s:a 1.3s:b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := play(tt.b, tt.length); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Many routers that take over together: each round of all comes before the next of
// any, however many addresses one has, and no tick brings more than a batch.
func TestRoundsOfManyRoutersAreInterleavedAndPaced(t *testing.T) {
	const start = vrrp.Instant(time.Hour)
	var tx recorder
	free, at, owner := map[lane]vrrp.Instant{}, start, []string{}
	var all []*announcement
	for i := range 255 {
		e := &announcement{}
		e.begin(Burst{Sender: &tx, Frames: framesOf(strings.Repeat(fmt.Sprintf("%d ", i), 1+i%2)), FirstSent: true, Repeat: 3}, start.Add(time.Duration(i)))
		all = append(all, e)
	}
	ticks := map[vrrp.Instant]int{}
	for {
		next := slices.MinFunc(all, func(a, b *announcement) int {
			return cmp.Compare(max(a.due, (1-min(a.due, 1))<<62), max(b.due, (1-min(b.due, 1))<<62)) // 0 is never
		})
		if next.due == 0 {
			break
		}
		at = max(at, next.due)
		before := len(tx.texts)
		next.due = next.send(at, free)
		ticks[at.Add(-1)/vrrp.Instant(framesTick)] += len(tx.texts) - before
		owner = append(owner, tx.texts[before:]...)
	}
	if want := 2 * (128 + 2*127); len(owner) != want {
		t.Fatalf("%d frames, want %d", len(owner), want)
	}
	first := owner[:len(owner)/2]
	slices.Sort(first)
	if n := len(slices.Compact(first)); n != 255 {
		t.Errorf("%d routers in the first half, want all", n)
	}
	for tick, n := range ticks {
		if n > batchSize+1 {
			t.Errorf("%d frames in the millisecond %v", n, time.Duration(tick)*framesTick-time.Hour)
		}
	}
}

func TestAnnouncerSendsAndCounts(t *testing.T) {
	a := announcerForTest(t)
	var tx recorder
	a.Announce("VI_1", Burst{Sender: &tx, Frames: framesOf("a b"), FirstSent: true, Repeat: 5, Delay: 30 * time.Millisecond})
	want := strings.Fields(strings.Repeat("a b ", 4+5))
	if got := tx.waitSent(t, len(want)); !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	if !testnet.WaitFor(patience, func() bool { return a.Sent("VI_1") == uint64(len(want)) }) {
		t.Errorf("counted %d, want %d", a.Sent("VI_1"), len(want))
	}
	if n := a.Sent("never"); n != 0 {
		t.Errorf("counted %d for a router that never was", n)
	}
}

func TestCancelEndsAnAnnouncementAtOnce(t *testing.T) {
	a := announcerForTest(t)
	for range 50 {
		var tx recorder
		a.Announce("VI_1", Burst{Sender: &tx, Frames: framesOf("a b c"), Repeat: 1_000_000})
		tx.waitSent(t, 2)
		a.Cancel("VI_1")
		tx.mu.Lock()
		n := len(tx.texts)
		tx.mu.Unlock()
		time.Sleep(time.Millisecond)
		if got := len(tx.sent()); got != n {
			t.Fatalf("%d frames left after Cancel had returned", got-n)
		}
	}
	a.Cancel("never")
}

// An answer to a losing advert, which may have no second burst, does not cost a
// new master his own.
func TestSecondBurstThatWaitsIsKept(t *testing.T) {
	a := announcerForTest(t)
	var tx recorder
	a.Announce("VI_1", Burst{Sender: &tx, Frames: framesOf("a"), Repeat: 2, Delay: 100 * time.Millisecond})
	tx.waitSent(t, 2)
	a.Announce("VI_1", Burst{Sender: &tx, Frames: framesOf("b"), Repeat: 1})
	if got := tx.waitSent(t, 5); !slices.Equal(got, []string{"a", "a", "b", "b", "b"}) {
		t.Errorf("sent %q", got)
	}
	a.Announce("VI_1", Burst{Sender: &tx, Frames: framesOf("c"), Repeat: 1, Delay: 100 * time.Millisecond})
	tx.waitSent(t, 6)
	a.Cancel("VI_1")
	a.Announce("VI_1", Burst{Sender: &tx, Frames: framesOf("d"), Repeat: 1})
	time.Sleep(200 * time.Millisecond)
	if got := tx.sent(); len(got) != 7 {
		t.Errorf("a second burst outlived Cancel: %q", got)
	}
}

func TestNewAnnouncementReplacesTheOld(t *testing.T) {
	a := announcerForTest(t)
	var tx recorder
	frames := framesOf("old")
	a.Announce("VI_1", Burst{Sender: &tx, Frames: frames, Repeat: 1_000, Interval: 50 * time.Millisecond})
	frames[0] = []byte("changed by its owner")
	tx.waitSent(t, 1)
	a.Announce("VI_1", Burst{Sender: &tx, Frames: framesOf("new"), Repeat: 2})
	if got := tx.waitSent(t, 3); !slices.Equal(got, []string{"old", "new", "new"}) {
		t.Errorf("sent %q", got)
	}
	time.Sleep(100 * time.Millisecond)
	if got := tx.sent(); len(got) != 3 {
		t.Errorf("the old announcement went on: %q", got)
	}
	a.Announce("VI_1", Burst{Sender: &tx, Frames: framesOf("x"), Repeat: 1_000_000, Interval: time.Millisecond})
	a.Announce("VI_1", Burst{Sender: &tx}) // nothing to announce
	n := len(tx.sent())
	time.Sleep(20 * time.Millisecond)
	if got := len(tx.sent()); got != n {
		t.Errorf("%d frames after an announcement of nothing", got-n)
	}
}

// TestPaceIsSharedByTheRoutersOfAnInterface: the interval holds between any
// two frames of one Sender, and another Sender does not wait for it.
//
//vrrp:row 62
func TestPaceIsSharedByTheRoutersOfAnInterface(t *testing.T) {
	const interval, routers, frames = 2 * time.Millisecond, 10, 4
	a := announcerForTest(t)
	var shared, other recorder
	start := clock.Now()
	for i := range routers {
		a.Announce(fmt.Sprint(i), Burst{Sender: &shared, Frames: framesOf("x"), Repeat: frames, Interval: interval})
	}
	a.Announce("other", Burst{Sender: &other, Frames: framesOf("x"), Repeat: frames})
	shared.waitSent(t, routers*frames)
	other.waitSent(t, frames)
	for i, at := range shared.times() {
		if least := start.Add(time.Duration(i) * interval); at < least {
			t.Fatalf("frame %d of the interface %v too early", i, least.Sub(at))
		}
	}
	if others, half := other.times()[frames-1], shared.times()[routers*frames/2]; others > half {
		t.Errorf("the unpaced interface was done only %v after half of the paced one", others.Sub(half))
	}
}

func TestFailedFramesAreNotCountedAsSent(t *testing.T) {
	a := announcerForTest(t)
	tx := recorder{err: errors.New("network is down")}
	var done recorder
	a.Announce("VI_1", Burst{Sender: &tx, Frames: framesOf("a"), Repeat: 3})
	a.Announce("VI_2", Burst{Sender: &done, Frames: framesOf("a"), Repeat: 1, Delay: 20 * time.Millisecond})
	done.waitSent(t, 2)
	if n := a.Sent("VI_1"); n != 0 {
		t.Errorf("%d frames counted as sent", n)
	}
}
