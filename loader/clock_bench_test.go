package loader

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// The adverts' gaps as their receiver stamps them, and what the machine spends on
// them: on an idle machine, and with a SCHED_FIFO loop on every CPU (VRRPX_FIFO=1,
// which takes the machine for 3 s each).
func BenchmarkAdvertClock(b *testing.B) {
	for _, routers := range []int{0, 1, 64, 255} {
		for _, interval := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
			b.Run(fmt.Sprintf("%d routers, %v", routers, interval), func(b *testing.B) {
				measureClock(b, routers, interval, os.Getenv("VRRPX_FIFO") != "")
			})
		}
	}
}

func measureClock(b *testing.B, routers int, interval time.Duration, fifo bool) {
	c := openClock(b, ClockOptions{Filter: os.Getenv("VRRPX_FILTER") != ""})
	var slots []int
	for i := range routers {
		s := c.schedule(uint8(i+1), vrrp.IPv4, interval)
		if i%2 == 1 && os.Getenv("VRRPX_DUAL") != "" {
			s = c.schedule(uint8(i+1), vrrp.IPv6, interval)
		}
		slots = append(slots, c.add(s))
		if part, _ := strconv.Atoi(os.Getenv("VRRPX_EARLY")); part > 0 { // of the interval
			c.slots[slots[i]].EarlyNs = uint64(interval) / uint64(part)
		}
		time.Sleep(interval / time.Duration(routers)) // phases
	}
	const last = 3 * time.Second
	for end := time.Now().Add(2 * time.Second); c.loops[0].Cpu == c.loops[1].Cpu && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := c.Watch(clock.Now()); err != nil { // parts the loops
			b.Fatal(err)
		}
	}
	c.hear()
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		b.Fatal(err)
	}
	defer stats.Close()
	// The benchmark's own hearing is not to be measured.
	before := c.ClockCounts()
	work, stolen := busyTime(b)
	if fifo {
		hog(b, last)
	} else {
		time.Sleep(last)
	}
	after := c.ClockCounts()
	worked, stole := busyTime(b)
	program, err := c.lap.Stats()
	if err != nil {
		b.Fatal(err)
	}
	got := c.hear()
	by := map[byte][]time.Duration{}
	for _, h := range got {
		if len(h.frame) > 35 && h.frame[12] == 8 {
			by[h.frame[35]] = append(by[h.frame[35]], h.at)
		}
	}
	var gaps []time.Duration
	for _, at := range by {
		for i := 1; i < len(at); i++ {
			gaps = append(gaps, at[i]-at[i-1])
		}
	}
	var sum SlotCounts
	for _, n := range slots {
		k := c.Counts(n)
		sum.Failed, sum.Late, sum.Missed, sum.MaxLate = sum.Failed+k.Failed, sum.Late+k.Late, sum.Missed+k.Missed, max(sum.MaxLate, k.MaxLate)
	}
	slices.Sort(gaps)
	if n := len(gaps); n > 0 {
		b.ReportMetric(float64(gaps[n/2].Microseconds()), "p50-us")
		b.ReportMetric(float64(gaps[n*99/100].Microseconds()), "p99-us")
		b.ReportMetric(float64(gaps[n-1].Microseconds()), "max-us")
		b.ReportMetric(float64(gaps[0].Microseconds()), "min-us")
	}
	b.ReportMetric(float64(after.Laps-before.Laps)/last.Seconds(), "laps/s")
	b.ReportMetric(100*float64(worked-work)/float64(last), "%core")
	b.ReportMetric(100*float64(stole-stolen)/float64(last), "%stolen")
	b.ReportMetric(100*float64(program.Runtime)/float64(last), "%core-program")
	b.ReportMetric(float64(program.Runtime.Nanoseconds())/float64(max(program.RunCount, 1)), "ns/lap")
	b.ReportMetric(float64(sum.MaxLate.Microseconds()), "maxlate-us")
	b.ReportMetric(0, "ns/op")
	b.Logf("%d heard; slots %+v; clock %+v", len(got), sum, after)
}

// busyTime is what all CPUs have worked, softirqs included, and what the host of a
// virtual machine took from them.
func busyTime(b *testing.B) (busy, stolen time.Duration) {
	b.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Fatal(err)
	}
	var user, nice, system, idle, wait, irq, softirq, steal int64
	if _, err := fmt.Sscanf(string(text), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &softirq, &steal); err != nil {
		b.Fatal(err)
	}
	const tick = 10 * time.Millisecond // USER_HZ
	return time.Duration(user+nice+system+irq+softirq) * tick, time.Duration(steal) * tick
}

// hog takes every CPU with a realtime loop each. What ends them is of a higher
// priority: one of the same would never run.
func hog(b *testing.B, last time.Duration) {
	b.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		b.Fatal(err)
	}
	var hogs []*exec.Cmd
	for cpu := range 64 {
		if set.IsSet(cpu) {
			hogs = append(hogs, exec.Command("chrt", "-f", "60", "timeout", "-s", "KILL", fmt.Sprint(last.Seconds()),
				"taskset", "-c", strconv.Itoa(cpu), "chrt", "-f", "50", "sh", "-c", "while :; do :; done"))
		}
	}
	for _, h := range hogs {
		if err := h.Start(); err != nil {
			b.Fatal(err)
		}
	}
	for _, h := range hogs {
		_ = h.Wait() // killed
	}
}
