package loader

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is the reading end of a BPF ring buffer (kernel/bpf/ringbuf.c). It is
// ours rather than cilium's Reader because that one copies and goes through an
// epoll of its own; the event loop has its own and wants neither.
type ring struct {
	consumerPage, dataPages []byte   // mappings
	consumer, producer      *uintptr // positions, which only grow
	data                    []byte   // twice in a row, so that no record wraps
	mask                    uintptr
}

// The header in front of each record: its length, with two flags.
const (
	recordHeader  = 8
	recordBusy    = 1 << 31 // reserved but not yet submitted
	recordDiscard = 1 << 30
)

func openRing(fd, size int) (*ring, error) {
	page := os.Getpagesize()
	c, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the ring's consumer page: %w", err)
	}
	d, err := unix.Mmap(fd, int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		_ = unix.Munmap(c)
		return nil, fmt.Errorf("map the ring's data: %w", err)
	}
	return &ring{
		consumerPage: c, dataPages: d,
		consumer: (*uintptr)(unsafe.Pointer(&c[0])),
		producer: (*uintptr)(unsafe.Pointer(&d[0])),
		data:     d[page:],
		mask:     uintptr(size - 1),
	}, nil
}

// peek returns the next record in place, until advance gives it back; ok is
// false when there is none, or it is still being written.
func (r *ring) peek() (rec []byte, ok bool) {
	for {
		at := atomic.LoadUintptr(r.consumer)
		if at == atomic.LoadUintptr(r.producer) {
			return nil, false
		}
		start := at & r.mask
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[start])))
		if header&recordBusy != 0 {
			return nil, false
		}
		n := uintptr(header &^ recordDiscard)
		rec = r.data[start+recordHeader : start+recordHeader+n]
		if header&recordDiscard == 0 {
			return rec, true
		}
		r.advance(rec)
	}
}

// advance gives the record that peek returned back to the kernel.
func (r *ring) advance(rec []byte) {
	n := (uintptr(len(rec)) + recordHeader + 7) &^ 7
	atomic.StoreUintptr(r.consumer, atomic.LoadUintptr(r.consumer)+n)
}

func (r *ring) close() error {
	return errors.Join(unix.Munmap(r.consumerPage), unix.Munmap(r.dataPages))
}
