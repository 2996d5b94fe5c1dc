package auth

import (
	"testing"
	"time"
)

// As in keepalived, who takes over with AH goes on from the highest number
// heard, and who hears a number above his own goes on from there.
func TestAHSequenceIsThatOfTheVirtualRouter(t *testing.T) {
	const tick = uint32((aDay - ahEpoch) / ahTick)
	g := newAHGuard("1111", 1)
	clock := aDay
	g.wall, g.first = func() WallTime { return clock }, 0
	if n := g.next(); n != tick {
		t.Errorf("begins with %d", n)
	}
	if n := g.next(); n != tick+1 {
		t.Errorf("goes on with %d", n)
	}
	g.last.Store(uint64(tick) + 1000)
	if n := g.next(); n != tick+1001 {
		t.Errorf("goes on from what was heard with %d", n)
	}
	clock = after(-time.Hour)
	if n := g.next(); n != tick+1002 {
		t.Errorf("goes back with the clock to %d", n)
	}
	g.last.Store(1<<32 - 1)
	if n := g.next(); n != 1<<32-1 {
		t.Errorf("wraps to %d", n)
	}
	clock = -1
	if n := newAHGuard("1111", 1).next(); n == 0 {
		t.Error("begins with 0")
	}
}
