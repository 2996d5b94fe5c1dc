package heldcpu

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestAProcessorIsHeld(t *testing.T) {
	testnet.Need(t, "root")
	c, err := Open(0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		asked := testnet.Now()
		from, to, err := c.Hold(30 * time.Millisecond)
		if held := to.Sub(from); err != nil || from < asked || held < 30*time.Millisecond || to > testnet.Now() {
			t.Fatalf("held for %v, %v after it was asked for: %v", held, from.Sub(asked), err)
		}
	}
	for _, d := range []time.Duration{0, Longest + 1} {
		if _, _, err := c.Hold(d); err == nil {
			t.Errorf("held for %v", d)
		}
	}
	if _, err := Open(1 << 20); err == nil {
		t.Error("a processor that is not there was opened")
	}
}

func TestALookThatCameOnTimeIsToldApart(t *testing.T) {
	for late, want := range map[time.Duration]bool{
		6 * time.Millisecond: true, 5990 * time.Microsecond: true, 42050 * time.Microsecond: true,
		7 * time.Millisecond: false, 6200 * time.Microsecond: false, 45777 * time.Microsecond: false,
	} {
		if got := onTime(late); got != want {
			t.Errorf("%v: %v", late, got)
		}
	}
}
