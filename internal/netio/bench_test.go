package netio

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// lateness sends on a real interface and notes how far past its slot each
// frame was handed over.
type lateness struct {
	*Sender
	base vrrp.Instant
	late []time.Duration
}

const benchInterval = 10 * time.Millisecond

func (l *lateness) Send(frame []byte) error {
	if len(l.late) < cap(l.late) {
		l.late = append(l.late, clock.Now().Sub(l.base)%benchInterval)
	}
	return l.Sender.Send(frame)
}

// BenchmarkPacerLateness paces routers at 10 ms for three seconds each; an
// iteration means nothing, the reported quantiles do. "spread" gives every
// router its own phase, "together" one instant to all.
func BenchmarkPacerLateness(b *testing.B) {
	a := testnet.ForTest(b, "a").Host("a")
	s := senderOn(b, a)
	frame := AdvertFrame(a.MAC, a.Addr, group4, 255, message(b, 51, 150, a.Addr, "10.99.0.100"))
	for _, c := range []struct {
		name    string
		routers int
		spread  bool
	}{{"1", 1, false}, {"255 spread", 255, true}, {"255 together", 255, false}} {
		b.Run(c.name, func(b *testing.B) {
			p := pacerForTest(b)
			base := clock.Now().Add(50 * time.Millisecond)
			txs := make([]*lateness, c.routers)
			for i := range txs {
				at := base
				if c.spread {
					at = at.Add(time.Duration(i) * benchInterval / time.Duration(c.routers))
				}
				txs[i] = &lateness{Sender: s, base: at, late: make([]time.Duration, 0, 300)}
				p.Set(fmt.Sprint(i), Schedule{Sender: txs[i], Frames: [][]byte{frame}, Interval: benchInterval, Next: at})
			}
			time.Sleep(3 * time.Second)
			var all []time.Duration
			for i, tx := range txs {
				p.Stop(fmt.Sprint(i))
				all = append(all, tx.late...)
			}
			slices.Sort(all)
			us := func(q float64) float64 {
				return float64(all[int(q*float64(len(all)-1))]) / float64(time.Microsecond)
			}
			b.ReportMetric(us(0.5), "us-p50")
			b.ReportMetric(us(0.99), "us-p99")
			b.ReportMetric(us(1), "us-max")
			b.ReportMetric(float64(p.Status().Missed), "missed")
			b.ReportMetric(0, "ns/op")
		})
	}
}
