package fair

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// queue tells for how long the calling thread, of which it is, could have run and others did.
type queue struct {
	stat *os.File // nil: the kernel does not say
	read [128]byte
}

// newQueue locks the goroutine to its thread.
func newQueue() *queue {
	runtime.LockOSThread()                         // never unlocked
	f, _ := os.Open("/proc/thread-self/schedstat") // a kernel without CONFIG_SCHED_INFO
	return &queue{stat: f}
}

// waited is that time so far; 0 when the kernel does not say.
func (q *queue) waited() time.Duration {
	if q.stat == nil {
		return 0
	}
	n, _ := unix.Pread(int(q.stat.Fd()), q.read[:], 0)
	return parseWaited(q.read[:max(n, 0)])
}

// parseWaited has the second of three numbers: ns on a CPU, ns waiting for one, how often
// (Documentation/scheduler/sched-stats.rst).
func parseWaited(b []byte) time.Duration {
	_, b, _ = bytes.Cut(b, []byte(" "))
	b, _, _ = bytes.Cut(b, []byte(" "))
	ns, _ := strconv.ParseInt(string(b), 10, 64)
	return time.Duration(ns)
}
