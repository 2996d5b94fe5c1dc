package demo

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// watch notes when the virtual address appears on a host, by the kernel's own
// notification to its namespace.
type watch struct {
	socket *nl.NetlinkSocket
	stop   atomic.Bool
	done   chan struct{}

	mu    sync.Mutex
	added []vrrp.Instant
}

func watchAddress(h *testnet.Host) (*watch, error) {
	w := &watch{done: make(chan struct{})}
	err := h.Do(func() (err error) {
		w.socket, err = nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_IPV4_IFADDR)
		return err
	})
	if err != nil {
		return nil, err
	}
	go w.run()
	return w, nil
}

// run waits on a thread of its own, not in Go's poller: netlink puts no stamps
// on messages, so each must be taken when it comes.
func (w *watch) run() {
	defer close(w.done)
	realtimeThread()
	ready := []unix.PollFd{{Fd: int32(w.socket.GetFd()), Events: unix.POLLIN}}
	for !w.stop.Load() {
		// -1 is EINTR, as when a daemon of the demo ends: nothing is there to
		// receive, and to receive would wait past stop.
		if n, _ := unix.Poll(ready, 50); n <= 0 {
			continue
		}
		at := testnet.Now()
		msgs, _, err := w.socket.Receive()
		if err != nil {
			continue // an overrun of the socket; the next message counts
		}
		for _, m := range msgs {
			if m.Header.Type == unix.RTM_NEWADDR && hasVIP(m.Data) {
				w.mu.Lock()
				w.added = append(w.added, at)
				w.mu.Unlock()
			}
		}
	}
}

// hasVIP tells whether an address message is about the virtual address.
func hasVIP(msg []byte) bool {
	if len(msg) < unix.SizeofIfAddrmsg {
		return false
	}
	attrs, err := nl.ParseRouteAttr(msg[unix.SizeofIfAddrmsg:])
	if err != nil {
		return false
	}
	for _, a := range attrs {
		if a.Attr.Type == unix.IFA_LOCAL && net.IP(a.Value).Equal(net.ParseIP(vip)) {
			return true
		}
	}
	return false
}

// firstAfter returns when the address first appeared after an instant, zero if
// it has not.
func (w *watch) firstAfter(t vrrp.Instant) vrrp.Instant {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.IndexFunc(w.added, func(at vrrp.Instant) bool { return at > t }); i >= 0 {
		return w.added[i]
	}
	return 0
}

func (w *watch) close() {
	w.stop.Store(true)
	<-w.done
	w.socket.Close()
}
