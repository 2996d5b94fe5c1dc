package loader

import (
	"net"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// pair is a veth pair in a network namespace of the test's own, in which the
// test's goroutine stays.
type pair struct {
	ours, theirs int // interface indices
	wire         int // packet socket on theirs
}

func newPair(t testing.TB) pair {
	t.Helper()
	testnet.Need(t, "root")
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	here, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		here.Close()
		if err := netns.Set(home); err != nil {
			t.Error(err) // the thread stays locked and dies with the goroutine
			return
		}
		home.Close()
		runtime.UnlockOSThread()
	})
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "ours"
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "theirs"}); err != nil {
		t.Fatal(err)
	}
	p := pair{wire: -1}
	for name, index := range map[string]*int{"ours": &p.ours, "theirs": &p.theirs} {
		l, err := netlink.LinkByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.LinkSetUp(l); err != nil {
			t.Fatal(err)
		}
		*index = l.Attrs().Index
	}
	p.wire, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(p.wire) })
	return p
}

// send puts a frame on the wire to ours.
func (p pair) send(t *testing.T, frame []byte) {
	t.Helper()
	if err := unix.Sendto(p.wire, frame, 0, &unix.SockaddrLinklayer{Ifindex: p.theirs}); err != nil {
		t.Fatal(err)
	}
}

// listen opens a packet socket that sees what ours lets through.
func (p pair) listen(t testing.TB) int {
	t.Helper()
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, all)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: p.ours, Protocol: all}); err != nil {
		t.Fatal(err)
	}
	return fd
}

func (p pair) remove(t *testing.T) {
	t.Helper()
	l, err := netlink.LinkByIndex(p.ours)
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkDel(l); err != nil {
		t.Fatal(err)
	}
	if _, err := net.InterfaceByIndex(p.ours); err == nil {
		t.Fatal("the interface is still there")
	}
}
