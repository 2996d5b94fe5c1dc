package fair

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/sched"
)

// threads are those of the daemon.
type threads struct {
	dir string // /proc/PID/task
}

// The nice value of threads that the watch made SCHED_OTHER, by which it knows them.
const (
	fairNice = -20 // what little there is goes to us first
	markNice = 1   // where that is refused
)

// list is empty when the daemon has ended.
func (t *threads) list() (tids []int) {
	tasks, _ := os.ReadDir(t.dir)
	for _, task := range tasks {
		if tid, err := strconv.Atoi(task.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids
}

// change makes the threads SCHED_OTHER, or those of them realtime that it had made so.
// It tells whether it changed any, and whether one was refused.
func (t *threads) change(fair bool) (did, refused bool) {
	for range 8 { // a thread may start another while we look
		changed := false
		for _, tid := range t.list() {
			is, err := unix.SchedGetAttr(tid, 0)
			switch {
			case err != nil: // it has ended
				continue
			case fair && sched.IsRealtime(is):
				err = makeOrdinary(tid, markNice)
			case !fair && is.Policy == unix.SCHED_NORMAL && (is.Nice == fairNice || is.Nice == markNice):
				err = sched.MakeRealtime(tid)
			default:
				continue
			}
			changed = changed || err == nil
			refused = refused || err != nil && err != unix.ESRCH
		}
		if !changed {
			break
		}
		did = true
	}
	return did, refused
}

// makeOrdinary makes a thread SCHED_OTHER, of a nice value that is not refused.
func makeOrdinary(tid int, otherwise int32) error {
	err := sched.MakeOrdinary(tid, fairNice)
	if err == unix.EPERM {
		err = sched.MakeOrdinary(tid, otherwise)
	}
	return err
}

// starved tells whether a realtime thread of the daemon would run and does not: one that
// is stopped, or waits, is helped by nothing.
func (t *threads) starved() bool {
	for _, tid := range t.list() {
		if is, err := unix.SchedGetAttr(tid, 0); err == nil && sched.IsRealtime(is) && t.state(tid) == 'R' {
			return true
		}
	}
	return false
}

// state is the letter of the thread's state (proc_pid_stat(5)); 0 when it has ended.
func (t *threads) state(tid int) byte {
	b, err := os.ReadFile(t.dir + "/" + strconv.Itoa(tid) + "/stat")
	if err != nil {
		return 0
	}
	// The name before it, in parentheses, may hold anything.
	if i := bytes.LastIndexByte(b, ')'); i >= 0 && i+2 < len(b) {
		return b[i+2]
	}
	return 0
}
