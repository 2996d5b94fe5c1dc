package fair

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// page is the memory that the daemon and its watch have in common.
type page struct {
	beat  atomic.Int64 // when the event loop last ran, CLOCK_MONOTONIC in ns
	limit atomic.Int64 // how long ago that may be, ns; 0: nothing depends on it
	owes  atomic.Bool  // it is to run whenever a file of Watch.Wakes is ready

	fair    atomic.Bool   // the threads are SCHED_OTHER
	changes atomic.Uint64 // how often they became so
	age     atomic.Int64  // of the beat then, ns
}

// newPage also returns the file by which another process maps it.
func newPage() (*page, *os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL { // before Linux 6.3
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	err = f.Truncate(int64(unsafe.Sizeof(page{})))
	var p *page
	if err == nil {
		p, err = mapPage(f)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return p, f, nil
}

// mapPage maps it for the rest of the process's life.
func mapPage(f *os.File) (*page, error) {
	mem, err := unix.Mmap(int(f.Fd()), 0, int(unsafe.Sizeof(page{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	return (*page)(unsafe.Pointer(&mem[0])), nil
}
