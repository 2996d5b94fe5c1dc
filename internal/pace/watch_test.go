package pace

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/loader"
)

// When the clock stands still the thread takes over what was being sent, in its
// phase, and gives it back when the clock runs again.
func TestClockThatBreaks(t *testing.T) {
	p, f, th := openFakes(t)
	last := clock.Now().Add(-3 * time.Millisecond)
	for _, name := range []string{"on", "stopped", "lapsed"} {
		p.Set(name, plain())
	}
	f.mu.Lock()
	f.slots[0].last = last
	f.mu.Unlock()
	p.Stop("stopped")
	f.turn(2, loader.GateLapsed)
	p.Ready("waiting", plain())
	f.breaks(errors.New("it stands still"))
	within(t, "the thread sends", func() bool { return len(th.sets()) == 1 })
	if s := th.sets()["on"]; s.Next != last.Add(s.Interval) || f.Gate(0) != loader.GateShut {
		t.Errorf("next is %v after the last, gate %v", s.Next.Sub(last), f.Gate(0))
	}
	if kernel, why := p.Clock("on"); kernel || !strings.Contains(why, "stands still") {
		t.Errorf("%v, %q", kernel, why)
	}
	p.Set("new", plain())
	if _, ok := th.sets()["new"]; !ok {
		t.Error("what is set meanwhile nobody sends")
	}
	f.rebuild <- nil
	within(t, "the clock sends again", func() bool { kernel, _ := p.Clock("on"); return kernel && len(th.sets()) <= 1 })
	if p.Gate("on") != loader.GateOpen || p.Gate("stopped") != loader.GateShut {
		t.Errorf("gates %v and %v", p.Gate("on"), p.Gate("stopped"))
	}
	p.Ready("waiting", plain())
	f.breaks(errors.New("once more"))
	within(t, "the thread sends", func() bool { _, ok := th.sets()["on"]; return ok })
	f.rebuild <- errors.New("no veth")
	within(t, "the reason shows", func() bool { _, why := p.Clock("on"); return strings.Contains(why, "once more") })
	within(t, "nothing more is asked of the clock", func() bool { _, why := p.Clock("another"); return strings.Contains(why, "no veth") })
	p.Stop("on")
	if _, ok := th.sets()["on"]; ok {
		t.Error("after Stop somebody sends")
	}
	// It is tried once more, and what was stopped meanwhile stays so.
	looked := make(chan time.Duration)
	go func() { looked <- p.look(clock.Now().Add(again)) }()
	select {
	case f.rebuild <- nil:
		<-looked
	case next := <-looked:
		t.Fatalf("a clock that could not be made anew is left alone for %v", next)
	}
	if kernel, why := p.Clock("another"); !kernel || p.Gate("on") != loader.GateShut {
		t.Errorf("kernel %v (%s), the gate is %v", kernel, why, p.Gate("on"))
	}
	// What was in store is to be given anew, and nothing is said to keep it from that.
	if kernel, why := p.Clock("waiting"); kernel || why != "" {
		t.Errorf("what was in store: kernel %v, %q", kernel, why)
	}
	if kernel, why := p.Clock("waiting"); !p.Ready("waiting", plain()) {
		t.Errorf("it is not taken: %v, %q", kernel, why)
	}
}
