package netio

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many frames one sendmmsg takes at most.
const batchSize = 64

// mmsghdr is struct mmsghdr of sendmmsg(2), which x/sys/unix lacks.
type mmsghdr struct {
	hdr  unix.Msghdr
	sent uint32
}

// SendAll hands the frames to the interface in their order, many in one system
// call, and returns how many it took. Like Send it never blocks, does not
// allocate, and any goroutine may call it; a frame that is refused is counted
// by its cause and passed over.
func (s *Sender) SendAll(frames [][]byte) (sent int) {
	sent, _ = s.sendAll(frames, nil, false)
	return sent
}

// SendEach is SendAll that tells which frames were refused: their places in frames
// are appended to refused.
func (s *Sender) SendEach(frames [][]byte, refused []int) []int {
	_, refused = s.sendAll(frames, refused, true)
	return refused
}

func (s *Sender) sendAll(frames [][]byte, refused []int, tell bool) (sent int, _ []int) {
	var iov [batchSize]unix.Iovec
	var msgs [batchSize]mmsghdr
	for at := 0; at < len(frames); {
		n := min(len(frames)-at, batchSize)
		for i, f := range frames[at : at+n] {
			iov[i].Base = unsafe.SliceData(f)
			iov[i].SetLen(len(f))
			msgs[i].hdr.Iov = &iov[i]
			msgs[i].hdr.SetIovlen(1)
		}
		took, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&msgs[0])), uintptr(n), 0, 0, 0)
		if errno != 0 {
			// The error is that of the first: those behind it may still go.
			_ = s.count(errno)
			if tell {
				refused = append(refused, at)
			}
			at++
			continue
		}
		s.sent.Add(uint64(took))
		sent += int(took)
		at += int(took)
	}
	return sent, refused
}
