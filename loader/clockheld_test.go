package loader

import (
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/heldcpu"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A processor of a virtual machine that the host holds up runs nothing, not even
// interrupts. Adverts go on from another.
func TestClockGoesOnWhileAProcessorIsHeld(t *testing.T) {
	if runtime.NumCPU() < 2 {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs two CPUs")
		}
		t.Skip("needs two CPUs")
	}
	const interval, hold = 10 * time.Millisecond, 90 * time.Millisecond
	c := openClock(t, ClockOptions{})
	routers := []int{c.add(c.schedule(1, vrrp.IPv4, interval)), c.add(c.schedule(2, vrrp.IPv6, interval))}
	var held [2]*heldcpu.CPU
	for cpu := range held {
		h, err := heldcpu.Open(cpu)
		if err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
		defer h.Close()
		held[cpu] = h
	}
	for loop := range routers {
		for _, router := range []uint8{1, 2} {
			// The host of this very machine may hold the other processor meanwhile.
			var tries []int
			for len(tries) < 5 && (len(tries) == 0 || slices.Max(tries) < 6) {
				within(t, func() bool { // the watch of the process parts them, a second later at the most
					_, err := c.Watch(clock.Now())
					return err == nil && c.loops[0].Cpu != c.loops[1].Cpu
				})
				time.Sleep(3 * interval) // and so they stay
				c.hear()
				from, to, err := held[c.loops[loop].Cpu].Hold(hold)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Millisecond)
				tries = append(tries, c.sentBetween(router, from, to))
			}
			t.Logf("the loop of %v held: adverts of router %d in %v: %v", []string{"IPv4", "IPv6"}[loop], router, hold, tries)
			if slices.Max(tries) < 6 {
				t.Errorf("the loop of %v held: adverts of router %d in %v: %v", []string{"IPv4", "IPv6"}[loop], router, hold, tries)
			}
		}
	}
}

// sentBetween is how many adverts of a router there were on the wire.
func (c *clockOn) sentBetween(vrid uint8, from, to vrrp.Instant) (n int) {
	for _, h := range c.of(vrid, c.hear()) {
		if at := testnet.FromTime(time.Unix(0, int64(h.at))); at > from && at < to {
			n++
		}
	}
	return n
}
