package main

import (
	"context"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// The instruments on a LAN of their own: no daemon runs.
func TestCaptureSeesBurstsAndAnswers(t *testing.T) {
	testnet.Need(t, "root")
	lab, err := (&Env{}).newLab("t-bench-")
	if err != nil {
		t.Fatal(err)
	}
	defer lab.Close()
	wire, err := lab.Capture()
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Close()
	look := func() (adverts map[uint8]int, replies int) {
		frames, err := wire.Frames()
		if err != nil {
			t.Fatal(err)
		}
		adverts = map[uint8]int{}
		for i, f := range frames {
			if i > 0 && f.At.Sub(frames[i-1].At) < -time.Millisecond { // stamped where it is sent, on either CPU
				t.Errorf("frame %d is stamped %v before the one in front of it", i, frames[i-1].At.Sub(f.At))
			}
			if a, ok := f.Advert(); ok {
				adverts[a.VRID]++
			}
			if isEchoReply(f) && f.SrcMAC().String() == lab.B.MAC.String() {
				replies++
			}
		}
		return adverts, replies
	}
	burst, err := lab.Burst(Routers(3, 2, masterPriority, 10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	stop, err := lab.Ping(lab.B.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	if !Wait(context.Background(), patience, func() bool { a, r := look(); return a[3] >= 10 && r >= 10 }) {
		a, r := look()
		t.Fatalf("adverts %v, %d answers", a, r)
	}
	stop()
	if err := burst.Stop(); err != nil {
		t.Fatal(err)
	}
	before, _ := look()
	if before[1] != before[2] || before[2] != before[3] {
		t.Errorf("a burst was cut short: %v", before)
	}
	if err := lab.LAN.Block("a"); err != nil {
		t.Fatal(err)
	}
	if burst, err = lab.Burst(Routers(3, 2, masterPriority, 10*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(30 * time.Millisecond)
	if err := burst.Stop(); err != nil {
		t.Fatal(err)
	}
	if after, _ := look(); after[1] != before[1] {
		t.Errorf("a host that is cut off is on the wire: %v, then %v", before, after)
	}
}
