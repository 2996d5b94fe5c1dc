package pace

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/loader"
)

// Paused of the fake is of one name.
func (f *fakeThread) Paused(name string) (netio.Pause, bool) {
	return netio.Pause{Length: time.Minute}, name == "thread paused"
}

// A pause is one whether or not the kernel has come round since, and not of a gate
// that it or we shut.
func TestPauseOfTheClock(t *testing.T) {
	p, f, _ := openFakes(t)
	s := schedule()
	s.Frames[0][0] = 1
	p.Set("VI_1", s)
	paused := func(gate loader.Gate, ago time.Duration) bool {
		f.turn(0, gate)
		f.mu.Lock()
		f.slots[0].last = clock.Now().Add(-ago)
		f.mu.Unlock()
		pause, is := p.Paused("VI_1")
		if pause.Length < ago || clock.Now().Sub(pause.Since) < ago {
			t.Errorf("%v %v ago: pause %+v", gate, ago, pause)
		}
		return is
	}
	for _, c := range []struct {
		gate loader.Gate
		ago  time.Duration
		want bool
	}{
		{loader.GateOpen, 20 * time.Millisecond, false}, {loader.GateOpen, 35 * time.Millisecond, true},
		{loader.GateFrozen, 35 * time.Millisecond, true}, {loader.GateLapsed, time.Hour, false}, {loader.GateShut, time.Hour, false},
	} {
		if got := paused(c.gate, c.ago); got != c.want {
			t.Errorf("%v, last advert %v ago: paused %v", c.gate, c.ago, got)
		}
	}
	if _, is := p.Paused("thread paused"); !is {
		t.Error("the thread is not asked")
	}
}
