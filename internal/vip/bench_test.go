package vip

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkRequest is the cost of a batch without the manager: one sendmsg,
// and its answer. Reported per batch: ns/op is adding and removing.
func BenchmarkRequest(b *testing.B) {
	h := newHost(b)
	for _, n := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			var kernel *requester
			var index int
			h.do(b, func() {
				var err error
				if kernel, err = openRequester(); err != nil {
					b.Fatal(err)
				}
				link, err := LookupLink(device)
				if err != nil {
					b.Fatal(err)
				}
				index = link.Index
			})
			defer kernel.close()
			var adds, dels []change
			for _, a := range many(n) {
				adds = append(adds, change{address: a, index: index})
				dels = append(dels, change{remove: true, address: a, index: index})
			}
			var adding time.Duration
			for b.Loop() {
				begun := time.Now()
				errs := kernel.apply(adds)
				adding += time.Since(begun)
				for i, err := range append(errs, kernel.apply(dels)...) {
					if err != nil {
						b.Fatal(i, err)
					}
				}
			}
			b.ReportMetric(float64(adding.Microseconds())/float64(b.N), "us/add")
			b.ReportMetric(float64((b.Elapsed()-adding).Microseconds())/float64(b.N), "us/del")
		})
	}
}

// BenchmarkManager is the time from Hold, or Release, to its answer.
func BenchmarkManager(b *testing.B) {
	h := newHost(b)
	for _, n := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			answers := make(chan Event, 4)
			var m *Manager
			h.do(b, func() {
				var err error
				if m, err = Open(Options{StateFile: b.TempDir() + "/addresses.json", Events: func(ev Event) { answers <- ev }}); err != nil {
					b.Fatal(err)
				}
			})
			defer shut(b, m)
			declare(b, m, "VI_1", many(n))
			var adding, deleting time.Duration
			for b.Loop() {
				m.Hold("VI_1")
				adding += (<-answers).Took
				m.Release("VI_1")
				deleting += (<-answers).Took
			}
			b.ReportMetric(float64(adding.Microseconds())/float64(b.N), "us/hold")
			b.ReportMetric(float64(deleting.Microseconds())/float64(b.N), "us/release")
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	a := many(1)[0]
	b.ReportAllocs()
	for b.Loop() {
		a.message(unix.RTM_NEWADDR, 2).Serialize()
	}
}

// BenchmarkMassTakeover is 255 routers of 16 addresses held at once: the time
// to the last answer, per op.
func BenchmarkMassTakeover(b *testing.B) {
	h := newHost(b)
	const routers = 255
	answers := make(chan Event, 2*routers)
	var m *Manager
	h.do(b, func() {
		var err error
		if m, err = Open(Options{StateFile: b.TempDir() + "/addresses.json", Events: func(ev Event) { answers <- ev }}); err != nil {
			b.Fatal(err)
		}
	})
	defer shut(b, m)
	for i := range routers {
		var all []string
		for j := range 16 {
			all = append(all, fmt.Sprintf("10.0.%d.%d/32", i, j+1))
		}
		declare(b, m, fmt.Sprint(i), addrs(all...))
	}
	for b.Loop() {
		for i := range routers {
			m.Hold(fmt.Sprint(i))
		}
		for range routers {
			<-answers
		}
		b.StopTimer()
		for i := range routers {
			m.Release(fmt.Sprint(i))
		}
		for range routers {
			<-answers
		}
		b.StartTimer()
	}
}
