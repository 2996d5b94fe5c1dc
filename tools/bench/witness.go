package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/heldcpu"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/tools/bench/meter"
	"github.com/vrrpx/vrrpx/vrrp"
)

// accountEvery is how often the hypervisor's account is read. That takes 5 us.
const accountEvery = 50 * time.Millisecond

// A witness sees when the processors stood, and reads what the hypervisor says that
// it took from each. Where it cannot be had, why says so, and nothing is held
// against the host.
type witness struct {
	why   string
	watch *heldcpu.Watch
	cpus  []int

	mu     sync.Mutex
	stands []meter.Stand
	steals []meter.Steal
	err    error

	end, ended chan struct{}
}

// startWitness starts one for the processors that this process may use.
func startWitness() *witness {
	w := &witness{end: make(chan struct{}), ended: make(chan struct{})}
	var set unix.CPUSet
	err := unix.SchedGetaffinity(0, &set)
	if err == nil {
		for cpu := range 64 * len(set) {
			if set.IsSet(cpu) {
				w.cpus = append(w.cpus, cpu)
			}
		}
		w.watch, err = heldcpu.NewWatch(w.cpus, func(s heldcpu.Stand) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.stands = append(w.stands, meter.Stand{CPU: s.CPU, From: s.From, To: s.To, Doubtful: s.Doubtful})
		})
	}
	if err != nil {
		return &witness{why: err.Error()}
	}
	go w.account()
	return w
}

// account reads the steal of each processor.
func (w *witness) account() {
	defer close(w.ended)
	tick := time.NewTicker(accountEvery)
	defer tick.Stop()
	var was map[int]time.Duration
	for from := vrrp.Instant(0); ; {
		at := testnet.Now()
		now, err := meter.ReadStolen()
		w.mu.Lock()
		w.err = err
		for cpu, stolen := range now {
			if before, ok := was[cpu]; ok && stolen > before {
				w.steals = append(w.steals, meter.Steal{CPU: cpu, From: from, To: at, Stolen: stolen - before})
			}
		}
		w.mu.Unlock()
		was, from = now, at
		select {
		case <-w.end:
			return
		case <-tick.C:
		}
	}
}

func (w *witness) stop() {
	if w.why == "" {
		close(w.end)
		<-w.ended
		_ = w.watch.Close() // it ends with this process anyway
	}
}

// seen is what it saw until now.
func (w *witness) seen(ctx context.Context) (seen, error) {
	if w.why != "" {
		return seen{why: w.why}, nil
	}
	if err := Sleep(ctx, 4*accountEvery); err != nil { // the account is some time behind
		return seen{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return seen{Stands: meter.Blame(w.stands, w.steals, w.cpus)}, w.err
}

// seen is what a witness saw.
type seen struct {
	meter.Stands
	why string // there was none
}

func (s seen) between(from, to vrrp.Instant) seen { return seen{s.Between(from, to), s.why} }

// longest is the host's longest stand, for a cell.
func (s seen) longest() any {
	if s.why != "" {
		return "-"
	}
	_, longest, _ := s.Of(meter.ByHost)
	return longest
}

// text is what the summary says of it.
func (s seen) text() string {
	if s.why != "" {
		return "Nobody watched whether the processors stood: " + s.why + "."
	}
	line := func(c meter.Cause, who string) string {
		n, longest, sum := s.Of(c)
		if n == 0 {
			return who + ": never"
		}
		return fmt.Sprintf("%s: %d times, %.1f ms at the most, %.0f ms together", who, n, ms(longest), ms(sum))
	}
	return "Stands of 2 ms or more, of each of the " + fmt.Sprint(len(s.CPUs)) + " processors, while it was measured: " +
		strings.Join([]string{line(meter.ByHost, "the host held it, by its account"), line(meter.Together, "all stood at once, and the account does not have it"),
			line(meter.ByOthers, "one stood alone, or was idle, and the account does not have it")}, "; ") + "."
}

// rows are the stands for raw data.
func (s seen) rows(from vrrp.Instant, add func(cpu string, at, length, stolen time.Duration, cause meter.Cause)) {
	for _, d := range s.All {
		add(fmt.Sprintf("cpu%d", d.CPU), d.From.Sub(from), d.To.Sub(d.From), d.Stolen, d.Cause)
	}
}

// excuses of a master's gaps of limit or more.
func (s seen) excuses(at []vrrp.Instant, from, to vrrp.Instant, changes []meter.Change, limit time.Duration) (e meter.Excused) {
	for _, g := range meter.LongGaps(at, from, to, limit) {
		e[s.ExcuseSilence(g, changes, fromA, ladderDown, limit)]++
	}
	return e
}

// excuseOf counts.
func excuseOf(all []meter.Excuse) (e meter.Excused) {
	for _, x := range all {
		e[x]++
	}
	return e
}

// heldCells are a number of which some have an excuse, for a table: how many do and how
// many do not.
func (s seen) heldCells(e meter.Excused) []any {
	if s.why != "" {
		return []any{"-", "-"}
	}
	return []any{e.Held(), e[meter.NoExcuse]}
}
