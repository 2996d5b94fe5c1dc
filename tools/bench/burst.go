package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"golang.org/x/sys/unix"
)

// Burst is a master that the bench plays itself: every interval the adverts of
// all routers leave a host at once. So whoever is the backup has the same
// deadlines, and all of them at the same time.
type Burst struct {
	ended atomic.Bool
	done  chan error
}

// Burst starts it on host A. It has no addresses.
func (l *Lab) Burst(routers []Router) (*Burst, error) {
	var fd int
	err := l.A.Do(func() (err error) {
		// Protocol 0: it hears nothing.
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: l.A.Ifindex})
	})
	if err != nil {
		return nil, fmt.Errorf("burst: %w", err)
	}
	var frames [][]byte
	for _, r := range routers {
		frames = append(frames, r.advert(l.A))
	}
	b := &Burst{done: make(chan error, 1)}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer unix.Close(fd)
		next := time.Now()
		for !b.ended.Load() {
			for _, f := range frames {
				if _, err := unix.Write(fd, f); err != nil {
					b.done <- fmt.Errorf("burst: %w", err)
					return
				}
			}
			next = next.Add(routers[0].Interval)
			time.Sleep(time.Until(next))
		}
		b.done <- nil
	}()
	return b, nil
}

// Stop ends it after a whole burst.
func (b *Burst) Stop() error {
	b.ended.Store(true)
	err := <-b.done
	b.done <- nil // for another Stop
	return err
}

// advert is the router's frame: VRRPv3 over IPv4 (RFC 9568 section 5), written
// out here because the measured program's own must not measure it.
func (r Router) advert(from *testnet.Host) []byte {
	vrrp := []byte{0x31, byte(r.VRID), byte(r.Priority), byte(len(r.VIPs)), 0, 0, 0, 0}
	binary.BigEndian.PutUint16(vrrp[4:], uint16(r.Interval/(10*time.Millisecond)))
	for _, vip := range r.VIPs {
		vrrp = append(vrrp, netip.MustParseAddr(vip).AsSlice()...)
	}
	src, group := from.Addr.AsSlice(), []byte{224, 0, 0, 18}
	pseudo := slices.Concat(src, group, []byte{0, 112, byte(len(vrrp) >> 8), byte(len(vrrp))})
	binary.BigEndian.PutUint16(vrrp[6:], testnet.Checksum(slices.Concat(pseudo, vrrp)))
	return from.GroupFrame(from.Addr, 255, 112, vrrp)
}
