package loader

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// The kernel measures its own program: ns/run is without the system call.
func BenchmarkProgram(b *testing.B) {
	h := open(b, Options{NoTimer: true})
	k := h.key(51, vrrp.IPv4)
	kept := v4frame(unhex(v3plain))
	h.learn(k, v3rule(), kept)
	r := v6rule()
	h.learn(h.key(51, vrrp.IPv6), r, v6frame(unhex(v3ipv6)))
	r4 := v3rule()
	r4.UpRate, r4.UpBurst = 1, 1
	h.set(h.key(10, vrrp.IPv4), r4)
	for _, c := range []struct {
		name  string
		frame []byte
	}{
		{"kept", kept},
		{"kept IPv6", v6frame(unhex(v3ipv6))},
		{"over the bound", v4frame(unhex(v3two))},
		{"bad TTL", v4frame(unhex(v3plain), ttl(64))},
		{"bad checksum", v4frame(unhex("3133c80100644403c0000264"))},
		{"another VRID", v4frame(message(v3plain, set(1, 52)))},
		{"TCP", v4frame(unhex(v3plain), set(9, 6))},
		{"ARP", ether(0x0806, make([]byte, 46))},
	} {
		b.Run(c.name, func(b *testing.B) {
			_, d, err := h.rx.Benchmark(c.frame, max(b.N, 1000), b.ResetTimer)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(d), "ns/run")
		})
	}
}

func BenchmarkCalls(b *testing.B) {
	h := openTimers(b)
	k := h.key(51, vrrp.IPv4)
	r := h.learn(k, v3rule(), v4frame(unhex(v3plain)))
	now := testnet.Now()
	for name, call := range map[string]func() error{
		"SetRule":   func() error { return h.SetRule(k, r) },
		"Arm":       func() error { return h.Arm(k, Deadline{At: now.Add(time.Hour), Since: now, Down: time.Second}) },
		"LastMatch": func() error { _, err := h.LastMatch(k); return err },
		"State":     func() error { _, err := h.State(k); return err },
		"Drain":     func() error { _, err := h.Drain(now, func(*Event) {}); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// From the deadline to Go, asleep in poll until the Soon and again until then.
func BenchmarkDeadlineToGo(b *testing.B) {
	h := openTimers(b)
	k := h.key(51, vrrp.IPv4)
	h.set(k, v3rule())
	var timer, wake time.Duration
	n := 0
	for b.Loop() {
		now := testnet.Now()
		h.arm(k, Deadline{At: now.Add(2 * time.Millisecond), Since: now, Down: time.Second})
		for got := false; !got; {
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(h.FD()), Events: unix.POLLIN}}, 1000)
			_, _ = h.Drain(0, func(e *Event) {
				if e.Kind != Down {
					return
				}
				got = true
				timer += e.Now.Sub(e.At)
				wake += testnet.Now().Sub(e.Now)
			})
		}
		n++
	}
	b.ReportMetric(float64(timer.Microseconds())/float64(n), "us-late")
	b.ReportMetric(float64(wake.Microseconds())/float64(n), "us-to-Go")
}
