package track

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// The process connector (linux/cn_proc.h): its address, and the events that count.
const (
	cnProc      = 1 // CN_IDX_PROC, CN_VAL_PROC and the multicast group
	mcastListen = 1

	eventFork = 0x1
	eventExec = 0x2
	eventComm = 0x200
	eventExit = 0x80000000
)

// Sizes of what goes before an event: struct nlmsghdr, cn_msg, and the head of
// proc_event.
const (
	nlHeader    = 16
	cnHeader    = 20
	eventHeader = 16
)

// answerTime is how long the kernel has to say that it will tell.
const answerTime = 500 * time.Millisecond

// connect has the kernel tell of processes. Only a host does, not a container: the
// connector is that of the first namespaces, into which we look where we may.
func connect() (*os.File, error) {
	type opened struct {
		fd  int
		err error
	}
	c := make(chan opened)
	go func() {
		runtime.LockOSThread() // never unlocked: a thread that has changed its namespace ends here
		if ns, err := unix.Open("/proc/1/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			_ = unix.Setns(ns, unix.CLONE_NEWNET) // else it may be ours already
			_ = unix.Close(ns)
		}
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
		c <- opened{fd, err}
	}()
	o := <-c
	if o.err != nil {
		return nil, fmt.Errorf("netlink: %w", o.err)
	}
	if err := subscribe(o.fd); err != nil {
		_ = unix.Close(o.fd)
		return nil, fmt.Errorf("netlink: %w", err)
	}
	return os.NewFile(uintptr(o.fd), "process connector"), nil
}

// subscribe asks for events and waits for the first, which is the answer.
func subscribe(fd int) error {
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20) // what it will grant
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: cnProc}); err != nil {
		return err
	}
	b := make([]byte, nlHeader+cnHeader+4)
	order := binary.NativeEndian
	order.PutUint32(b, uint32(len(b)))
	order.PutUint16(b[4:], unix.NLMSG_DONE)
	order.PutUint32(b[nlHeader:], cnProc)
	order.PutUint32(b[nlHeader+4:], cnProc)
	order.PutUint16(b[nlHeader+16:], 4)
	order.PutUint32(b[nlHeader+cnHeader:], mcastListen)
	if err := unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	for end := time.Now().Add(answerTime); ; {
		left := time.Until(end)
		if left <= 0 {
			return errors.New("no answer")
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if n > 0 {
			return nil
		}
		if err != nil && err != unix.EINTR {
			return err
		}
	}
}

// listen takes the kernel's events.
func (p *Processes) listen() {
	b := make([]byte, 1<<16)
	for {
		n, err := p.news.Read(b)
		var list []event
		switch {
		case errors.Is(err, unix.ENOBUFS):
			list = []event{{kind: lost}}
		case err != nil:
			return // closed
		default:
			list = parseEvents(b[:n])
		}
		if len(list) == 0 {
			continue
		}
		select {
		case p.events <- list:
		case <-p.quit:
			return
		}
	}
}

// parseEvents takes the events of whole processes out of a datagram.
func parseEvents(b []byte) (list []event) {
	order := binary.NativeEndian
	for len(b) >= nlHeader+cnHeader+eventHeader+16 {
		length := int(order.Uint32(b))
		if length < nlHeader+cnHeader+eventHeader+16 || length > len(b) {
			return list
		}
		m := b[nlHeader+cnHeader : length]
		if order.Uint32(b[nlHeader:]) == cnProc {
			word := func(i int) int { return int(int32(order.Uint32(m[eventHeader+4*i:]))) }
			// Of a thread the two ids differ.
			switch order.Uint32(m) {
			case eventFork:
				if word(2) == word(3) {
					list = append(list, event{forked, word(1), word(3)})
				}
			case eventExec, eventComm:
				if word(0) == word(1) {
					list = append(list, event{kind: renamed, pid: word(1)})
				}
			case eventExit:
				if word(0) == word(1) {
					list = append(list, event{kind: exited, pid: word(1)})
				}
			}
		}
		b = b[min((length+3)&^3, len(b)):]
	}
	return list
}
