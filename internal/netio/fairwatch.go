package netio

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The code of the watch. It runs in a fork, where Go's runtime stands still: no
// allocation, no growth of the stack, no bounds that could fail, no call but raw
// ones. Hence nosplit all over, which the linker checks.

// fairWatch is the watch's own memory.
type fairWatch struct {
	tasks  uintptr // directory of the threads
	nice   int32   // of threads that the watch made SCHED_OTHER, by which it knows them
	attr   unix.SchedAttr
	cpus   [128]byte // affinity of a thread, up to 1024 CPUs
	here   [128]byte // the CPU of the watch alone
	now    unix.Timespec
	sleep  unix.Timespec
	path   [64]byte
	stat   [512]byte
	listed [4096]byte
}

const (
	ms = int64(1e6)

	// Threads are SCHED_FIFO again after holdLeast of punctual rounds, twice as much each
	// time that it was too early: they starved again within tooEarly.
	holdLeast = 2000 * ms
	holdMost  = 64000 * ms
	tooEarly  = 60000 * ms

	// ownLate is by how much the watch itself may be late without taking it that
	// others keep the CPUs.
	ownLate = 50 * ms
	// again is when a late loop is looked at once more: a host that stood still runs
	// everything again in that time.
	again = 2 * ms

	fairNice = -20 // what little there is goes to us first
	markNice = 1   // where that is refused
)

// forkWatch makes the process of the watch.
//
//go:noinline
//go:norace
//go:nocheckptr
func forkWatch(p *fairPage, tasks, parent uintptr) (pid uintptr, errno syscall.Errno) {
	// A signal must not find the fork with the handlers of Go.
	var all, old uint64 = ^uint64(0), 0
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&old)), 8, 0, 0)
	pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, 0, 0, 0, 0, 0, 0)
	if errno == 0 && pid == 0 {
		p.watch.tasks = tasks
		watchMain(p, parent)
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&old)), 0, 8, 0, 0)
	return pid, errno
}

//go:nosplit
//go:norace
//go:nocheckptr
func watchMain(p *fairPage, parent uintptr) {
	w := &p.watch
	name := [16]byte{'v', 'r', 'r', 'p', 'x', '-', 'f', 'a', 'i', 'r'}
	syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name)), 0, 0, 0, 0)
	syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0, 0)
	if ppid, _, _ := syscall.RawSyscall6(unix.SYS_GETPPID, 0, 0, 0, 0, 0, 0); ppid != parent {
		watchExit()
	}
	// Nothing of the daemon's is to live on by us: sockets, locks, BPF programs.
	if w.tasks > 0 {
		syscall.RawSyscall6(unix.SYS_CLOSE_RANGE, 0, w.tasks-1, 0, 0, 0, 0)
	}
	if _, _, e := syscall.RawSyscall6(unix.SYS_CLOSE_RANGE, w.tasks+1, 1<<31-1, 0, 0, 0, 0); e != 0 {
		watchExit() // before Linux 5.9 there is no clock in the kernel either
	}
	// The stack; the rest is in the page, which the daemon locks.
	syscall.RawSyscall6(unix.SYS_MLOCK, uintptr(unsafe.Pointer(&name))&^4095-4096, 8192, 0, 0, 0, 0)
	watchSet(w, 0, unix.SCHED_NORMAL, 0, fairNice)

	var calm, promoted int64 // since when
	hold := holdLeast
	for {
		gen := atomic.LoadUint32(&p.wake)
		if atomic.LoadUint32(&p.quit) != 0 {
			watchExit()
		}
		limit, fair := atomic.LoadInt64(&p.limit), atomic.LoadUint32(&p.fair) != 0
		if limit == 0 && !fair {
			syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&p.wake)), futexWait, uintptr(gen), 0, 0, 0)
			continue
		}
		tick := 200 * ms
		if limit > 0 && limit/4 < tick {
			tick = limit / 4
		}
		slept := watchNow(w)
		watchSleep(p, gen, tick)
		now := watchNow(w)
		age := now - atomic.LoadInt64(&p.beat)
		late := limit > 0 && age > limit
		switch {
		case !fair && late:
			// Twice, since one that runs is seen as runnable too.
			if !watchStarved(w) {
				continue
			}
			watchSleep(p, gen, again)
			now = watchNow(w)
			age = now - atomic.LoadInt64(&p.beat)
			if age <= limit || !watchStarved(w) {
				continue
			}
			if promoted != 0 && now-promoted < tooEarly {
				if hold *= 2; hold > holdMost {
					hold = holdMost
				}
			} else {
				hold = holdLeast
			}
			if did, _ := watchMake(w, true); did {
				atomic.StoreInt64(&p.age, age)
				atomic.AddUint64(&p.changes, 1)
				atomic.StoreUint32(&p.fair, 1)
				calm = now
			}
		case fair && (late || now-slept-tick > ownLate):
			calm = now
			watchMake(w, true) // what was being started meanwhile
		case fair && now-calm > hold:
			if _, refused := watchMake(w, false); refused {
				calm = now // later, then
				continue
			}
			promoted = now
			atomic.StoreUint32(&p.fair, 0)
		}
	}
}

// watchMake makes the threads of the daemon SCHED_OTHER, or those of them SCHED_FIFO
// that it had made so. It tells whether it changed any, and whether one was refused.
//
//go:nosplit
//go:norace
//go:nocheckptr
func watchMake(w *fairWatch, fair bool) (did, refused bool) {
	for range 8 { // a thread may start another while we look
		changed := false
		syscall.RawSyscall(unix.SYS_LSEEK, w.tasks, 0, 0)
		for {
			n := watchList(w)
			if n <= 0 {
				break
			}
			for at := uintptr(0); at < n; at += watchEntry(w, at) {
				tid := watchTid(w, at)
				if tid == 0 || !watchGet(w, tid) {
					continue
				}
				var e syscall.Errno
				switch {
				case fair && w.attr.Policy == unix.SCHED_FIFO && w.attr.Priority == rtPriority:
					if e = watchSet(w, tid, unix.SCHED_NORMAL, 0, fairNice); e == unix.EPERM {
						e = watchSet(w, tid, unix.SCHED_NORMAL, 0, markNice)
					}
				case !fair && w.attr.Policy == unix.SCHED_NORMAL && (w.attr.Nice == fairNice || w.attr.Nice == markNice):
					e = watchSet(w, tid, unix.SCHED_FIFO, rtPriority, 0)
				default:
					continue
				}
				if e == 0 {
					changed = true
				} else if e != unix.ESRCH { // it has ended
					refused = true
				}
			}
		}
		if !changed {
			break
		}
		did = true
	}
	return did, refused
}

// watchStarved tells whether a realtime thread of the daemon would run and does not:
// one that is stopped, or waits, is helped by nothing.
//
//go:nosplit
//go:norace
//go:nocheckptr
func watchStarved(w *fairWatch) bool {
	syscall.RawSyscall(unix.SYS_LSEEK, w.tasks, 0, 0)
	for {
		n := watchList(w)
		if n <= 0 {
			return false
		}
		for at := uintptr(0); at < n; at += watchEntry(w, at) {
			tid := watchTid(w, at)
			if tid == 0 || !watchGet(w, tid) || w.attr.Policy != unix.SCHED_FIFO {
				continue
			}
			if watchState(w, at) == 'R' {
				return true
			}
		}
	}
}

// watchState is the letter of the thread's state (proc_pid_stat(5)).
//
//go:nosplit
//go:norace
//go:nocheckptr
func watchState(w *fairWatch, at uintptr) byte {
	const stat = "/stat\x00"
	i := uintptr(0)
	for ; i < 20; i++ {
		c := *(*byte)(unsafe.Add(unsafe.Pointer(&w.listed), at+19+i))
		if c == 0 {
			break
		}
		*(*byte)(unsafe.Add(unsafe.Pointer(&w.path), i)) = c
	}
	for k := uintptr(0); k < uintptr(len(stat)); k++ {
		*(*byte)(unsafe.Add(unsafe.Pointer(&w.path), i+k)) = *(*byte)(unsafe.Add(unsafe.Pointer(unsafe.StringData(stat)), k))
	}
	fd, _, e := syscall.RawSyscall6(unix.SYS_OPENAT, w.tasks, uintptr(unsafe.Pointer(&w.path)), unix.O_RDONLY, 0, 0, 0)
	if e != 0 {
		return 0
	}
	n, _, e := syscall.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&w.stat)), unsafe.Sizeof(w.stat))
	syscall.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
	if e != 0 {
		return 0
	}
	for i := n; i > 2; i-- { // the name, in parentheses, may hold anything
		if *(*byte)(unsafe.Add(unsafe.Pointer(&w.stat), i-3)) == ')' {
			return *(*byte)(unsafe.Add(unsafe.Pointer(&w.stat), i-1))
		}
	}
	return 0
}

// watchList reads the next entries of the directory; 0 after the last.
//
//go:nosplit
//go:norace
func watchList(w *fairWatch) uintptr {
	n, _, e := syscall.RawSyscall(unix.SYS_GETDENTS64, w.tasks, uintptr(unsafe.Pointer(&w.listed)), unsafe.Sizeof(w.listed))
	if e != 0 {
		return 0
	}
	return n
}

// watchEntry is the length of the entry at an offset (getdents64(2)).
//
//go:nosplit
//go:norace
//go:nocheckptr
func watchEntry(w *fairWatch, at uintptr) uintptr {
	return uintptr(*(*uint16)(unsafe.Add(unsafe.Pointer(&w.listed), at+16)))
}

// watchTid is the thread that the entry names; 0 for "." and "..".
//
//go:nosplit
//go:norace
//go:nocheckptr
func watchTid(w *fairWatch, at uintptr) (tid uintptr) {
	for i := uintptr(0); i < 20; i++ {
		c := *(*byte)(unsafe.Add(unsafe.Pointer(&w.listed), at+19+i))
		if c == 0 {
			return tid
		}
		if c < '0' || c > '9' {
			return 0
		}
		tid = tid*10 + uintptr(c-'0')
	}
	return 0
}

//go:nosplit
//go:norace
func watchGet(w *fairWatch, tid uintptr) bool {
	_, _, e := syscall.RawSyscall6(unix.SYS_SCHED_GETATTR, tid, uintptr(unsafe.Pointer(&w.attr)), unix.SizeofSchedAttr, 0, 0, 0)
	return e == 0
}

//go:nosplit
//go:norace
func watchSet(w *fairWatch, tid uintptr, policy, priority uint32, nice int32) syscall.Errno {
	w.attr = unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Priority: priority, Nice: nice}
	_, _, e := syscall.RawSyscall(unix.SYS_SCHED_SETATTR, tid, uintptr(unsafe.Pointer(&w.attr)), 0)
	return e
}

//go:nosplit
//go:norace
func watchNow(w *fairWatch) int64 {
	syscall.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&w.now)), 0)
	return int64(w.now.Sec)*1e9 + int64(w.now.Nsec)
}

// watchSleep sleeps, at most until the daemon wakes it.
//
//go:nosplit
//go:norace
func watchSleep(p *fairPage, gen uint32, d int64) {
	w := &p.watch
	w.sleep.Sec, w.sleep.Nsec = d/1e9, d%1e9
	syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&p.wake)), futexWait, uintptr(gen), uintptr(unsafe.Pointer(&w.sleep)), 0, 0)
}

//go:nosplit
//go:norace
func watchExit() {
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
}
