package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/tools/bench/meter"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Of the witness.
const (
	witnessPriority = 99                    // nothing but the kernel's own stop and deadline classes is above it
	witnessEvery    = time.Millisecond      // a processor is looked at so often
	witnessLate     = 5 * time.Millisecond  // and has stood when the look came so late
	accountEvery    = 50 * time.Millisecond // /proc/stat is read so often: some 50 us
)

// A Witness sees when a processor stood: a thread of the highest SCHED_FIFO
// priority on each wakes every millisecond, and tells when it came late. Beside
// that it reads what the hypervisor says that it took from each processor
// ("steal" in /proc/stat), by which the stands of the host are told from those
// that the kernel itself has made.
type Witness struct {
	*Load
	mu     sync.Mutex
	stands []meter.Stand
	steals []meter.Steal
	err    error
}

// Watch starts a witness.
func Watch(ctx context.Context, o Options, limit time.Duration) (*Witness, error) {
	w := &Witness{}
	o.heard = w.hear
	l, err := run(ctx, o, 1, "witness", limit, func(int) []string { return []string{"-priority", strconv.Itoa(witnessPriority)} })
	w.Load = l
	return w, err
}

// hear takes a line of the child.
func (w *Witness) hear(line string) {
	var cpu int
	var from, to vrrp.Instant
	var ticks int
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := fmt.Sscanf(line, "stood %d %d %d", &cpu, &from, &to); err == nil {
		w.stands = append(w.stands, meter.Stand{CPU: cpu, From: from, To: to})
	} else if _, err := fmt.Sscanf(line, "stolen %d %d %d %d", &cpu, &from, &to, &ticks); err == nil {
		w.steals = append(w.steals, meter.Steal{CPU: cpu, From: from, To: to, Stolen: time.Duration(ticks) * meter.Tick})
	} else {
		w.err = fmt.Errorf("the witness said %q", line)
	}
}

// Seen is what the witness has seen so far; what was the moment before may still be
// missing. It fails if the witness has ended.
func (w *Witness) Seen() (meter.Stands, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && w.Ended() {
		w.err = errors.New("the witness has ended")
	}
	cpus, err := processors()
	return meter.Blame(w.stands, w.steals, cpus), errors.Join(w.err, err)
}

// witness is the child. The one line of a stand is written by the thread that saw it:
// nothing else has to run.
func witness(s settings) error {
	cpus, err := processors()
	if err != nil {
		return err
	}
	debug.SetGCPercent(-1) // it makes next to no garbage
	runtime.GOMAXPROCS(len(cpus) + 3)
	failed := make(chan error, len(cpus)+1)
	var waiting sync.WaitGroup
	urgently := func(cpus []int, f func() error) {
		waiting.Add(1)
		go func() {
			runtime.LockOSThread()
			var set unix.CPUSet
			for _, cpu := range cpus {
				set.Set(cpu)
			}
			err := errors.Join(unix.SchedSetaffinity(0, &set), makeFIFO(s.priority))
			waiting.Done()
			if err == nil {
				err = f()
			}
			failed <- err
		}()
	}
	for _, cpu := range cpus {
		urgently([]int{cpu}, func() error { return sample(cpu) })
	}
	urgently(cpus, account)
	waiting.Wait()
	select {
	case err := <-failed:
		return err
	case <-time.After(10 * time.Millisecond):
	}
	ready()
	return <-failed
}

// sample looks at a processor until its process ends.
func sample(cpu int) error {
	base, begun := monotonic(), time.Now() // which is read without a system call
	for next := base + int64(witnessEvery); ; {
		keepUntil(next)
		now := base + int64(time.Since(begun))
		if now-next > int64(witnessLate) {
			if err := say(fmt.Appendf(nil, "stood %d %d %d\n", cpu, next, now)); err != nil {
				return err
			}
		}
		if next += int64(witnessEvery); next <= now {
			next = now + int64(witnessEvery)
		}
	}
}

// say writes a line, which is short enough to be written whole.
func say(line []byte) error {
	_, err := unix.Write(unix.Stdout, line)
	return err
}

// account tells what the hypervisor took, between two readings.
func account() error {
	stat, err := os.Open("/proc/stat")
	if err != nil {
		return err
	}
	defer stat.Close()
	text := make([]byte, 1<<20)
	var was, now map[int]uint64 = nil, map[int]uint64{}
	for from, next := int64(0), monotonic(); ; next += int64(accountEvery) {
		keepUntil(next)
		at := monotonic()
		n, err := unix.Pread(int(stat.Fd()), text, 0)
		if err != nil {
			return err
		}
		stolen(text[:n], now)
		for cpu, ticks := range now {
			if before, ok := was[cpu]; ok && ticks > before {
				if err := say(fmt.Appendf(nil, "stolen %d %d %d %d\n", cpu, from, at, ticks-before)); err != nil {
					return err
				}
			}
		}
		if was == nil {
			was = map[int]uint64{}
		}
		was, now, from = now, was, at
	}
}

// stolen reads the steal of each processor in /proc/stat, in ticks.
func stolen(text []byte, to map[int]uint64) {
	for len(text) > 0 {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		if !bytes.HasPrefix(line, []byte("cpu")) {
			return // the processors come first
		}
		// cpuN user nice system idle iowait irq softirq steal
		var word [9][]byte
		for i := range word {
			line = bytes.TrimLeft(line, " ")
			end := bytes.IndexByte(line, ' ')
			if end < 0 {
				end = len(line)
			}
			word[i], line = line[:end], line[end:]
		}
		cpu, ok := number(word[0][len("cpu"):])
		if ticks, has := number(word[8]); ok && has {
			to[int(cpu)] = ticks
		}
	}
}

// number reads one without making garbage.
func number(text []byte) (n uint64, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(text) > 0
}
