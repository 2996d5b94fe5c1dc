package netio

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

func joinOn(t *testing.T, h *testnet.Host, group netip.Addr) *Membership {
	t.Helper()
	var m *Membership
	err := h.Do(func() (err error) {
		m, err = Join(h.Ifindex, group)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// member tells whether a host's eth0 is in the group, by the kernel's lists.
func member(t *testing.T, h *testnet.Host, group netip.Addr) bool {
	t.Helper()
	file, want := "/proc/thread-self/net/igmp", fmt.Sprintf("%02X%02X%02X%02X", group.As16()[15], group.As16()[14], group.As16()[13], group.As16()[12])
	if group.Is6() {
		file, want = "/proc/thread-self/net/igmp6", fmt.Sprintf("eth0            %x", group.As16())
	}
	var text []byte
	if err := h.Do(func() (err error) {
		text, err = os.ReadFile(file)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), want)
}

func TestMembershipIsHeldUntilClosed(t *testing.T) {
	h := testnet.ForTest(t, "a").Host("a")
	for _, group := range []netip.Addr{group4, group6} {
		if member(t, h, group) {
			t.Fatalf("in %v before Join", group)
		}
		m := joinOn(t, h, group)
		if !member(t, h, group) {
			t.Errorf("not in %v after Join", group)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if member(t, h, group) {
			t.Errorf("still in %v after Close", group)
		}
	}
}

// TestMembershipSilencesProtocolUnreachable sends a unicast VRRP packet: a host
// without a socket for protocol 112 answers with ICMP.
func TestMembershipSilencesProtocolUnreachable(t *testing.T) {
	lan := testnet.ForTest(t, "a", "b")
	a, b := lan.Host("a"), lan.Host("b")
	fd := -1
	if err := b.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, vrrp.Protocol)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: a.Addr.As4()}); err != nil {
		t.Fatal(err)
	}
	// An unreachable comes back as an error of the connected socket.
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1); err != nil {
		t.Fatal(err)
	}
	refused := func(wait time.Duration) bool {
		t.Helper()
		if _, err := unix.Write(fd, message(t, 51, 100, b.Addr, "10.99.0.100")); err != nil {
			t.Fatal(err)
		}
		return testnet.WaitFor(wait, func() bool {
			errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
			return err == nil && unix.Errno(errno) == unix.ENOPROTOOPT
		})
	}
	if !refused(patience) {
		t.Fatal("no ICMP protocol unreachable without membership: the test proves nothing")
	}
	m := joinOn(t, a, group4)
	if refused(300 * time.Millisecond) {
		t.Error("ICMP protocol unreachable although the membership is held")
	}
	if readable(m.fd, 0) {
		t.Error("the membership queued a packet")
	}
	_ = m.Close()
	if !refused(patience) {
		t.Error("no ICMP protocol unreachable after Close")
	}
}

func TestJoinTellsWhatIsWrong(t *testing.T) {
	h := testnet.ForTest(t, "a").Host("a")
	for name, group := range map[string]netip.Addr{"unicast": netip.MustParseAddr("10.0.0.1"), "nothing": {}} {
		err := h.Do(func() error {
			_, err := Join(h.Ifindex, group)
			return err
		})
		if err == nil {
			t.Errorf("%s: joined", name)
		}
	}
	if err := h.Do(func() error {
		_, err := Join(4711, group4)
		return err
	}); err == nil || !strings.Contains(err.Error(), "4711") {
		t.Errorf("absent interface: %v", err)
	}
}
