package e2e

import (
	"context"
	"strings"
	"testing"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

//vrrp:row 53
func TestLinkDownIsFaultAndUpIsBackup(t *testing.T) {
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			tap := l.TapForTest(t)
			startPair(t, v3, mode, a, b)
			onlyHolder(t, tap, a, b)

			must(t, l.Cut("a"))
			awaitState(t, a, "FAULT")
			if r := router(t, a); !strings.Contains(r.Reason, "eth0") {
				t.Errorf("reason of FAULT: %q", r.Reason)
			}
			onlyHolder(t, tap, b, a)

			before := len(router(t, a).History)
			must(t, l.Join("a"))
			onlyHolder(t, tap, a, b)
			var states []string
			for _, tr := range router(t, a).History[before:] {
				states = append(states, tr.To)
			}
			if got := strings.Join(states, " "); got != "BACKUP MASTER" {
				t.Errorf("after the link came up: %s, want BACKUP MASTER", got)
			}
		})
	}
}

//vrrp:row 53
func TestInterfaceThatVanishesAndReturns(t *testing.T) {
	testnet.Need(t, "root", "ip")
	for _, mode := range []string{"native", "generic", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b")
			a, b := l.Host("a"), l.Host("b")
			tap := l.TapForTest(t)
			startPair(t, v3, mode, a, b)
			onlyHolder(t, tap, a, b)
			sw := strings.TrimSuffix(a.Namespace, "a") + "sw"
			ip := func(ns, args string) {
				t.Helper()
				out, err := a.Command(context.Background(), "ip", append([]string{"-n", ns}, strings.Fields(args)...)...).CombinedOutput()
				if err != nil {
					t.Fatalf("ip -n %s %s: %v: %s", ns, args, err, out)
				}
			}

			ip(a.Namespace, "link del eth0")
			awaitState(t, a, "FAULT")
			onlyHolder(t, tap, b, a)

			ip(sw, "link add p0-1 type veth peer name eth0 netns "+a.Namespace)
			ip(sw, "link set p0-1 master br0 up")
			ip(a.Namespace, "link set eth0 up")
			ip(a.Namespace, "addr add "+a.Links[0].Addrs[0].String()+" dev eth0")
			onlyHolder(t, tap, a, b)
			if got := status(t, a).Interfaces[0].XDP; got != mode {
				t.Errorf("XDP %s on the interface that returned, want %s", got, mode)
			}
			if n := len(xdpPrograms(t, a)); mode != "off" && n != 1 {
				t.Errorf("%d XDP programs attached", n)
			}
		})
	}
}

// foreignXDP attaches a program that passes everything, as another's.
func foreignXDP(t *testing.T, h *testnet.Host) (name string) {
	t.Helper()
	insns := [2]uint64{2<<32 | 0xb7, 0x95} // r0 = XDP_PASS; exit
	license := []byte("GPL\x00")
	attr := struct {
		progType, insnCnt   uint32
		insns, license      uint64
		logLevel, logSize   uint32
		logBuf              uint64
		kernVersion, flags  uint32
		name                [16]byte
		ifindex, attachType uint32
	}{
		progType: unix.BPF_PROG_TYPE_XDP, insnCnt: 2,
		insns: uint64(uintptr(unsafe.Pointer(&insns))), license: uint64(uintptr(unsafe.Pointer(&license[0]))),
		name: [16]byte{'s', 'o', 'm', 'e', 'o', 'n', 'e', 's'},
	}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		t.Fatalf("bpf: %v", errno)
	}
	defer unix.Close(int(fd))
	must(t, h.Do(func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.LinkSetXdpFd(link, int(fd))
	}))
	return "someones"
}

func TestForeignXDPProgramIsNamedAndLeftAlone(t *testing.T) {
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	name := foreignXDP(t, a)
	for _, mode := range []string{"native", "generic"} {
		out, code := vrrpx(t, a, "run", "--xdp="+mode, "-i", "eth0", "--vrid", "51", "--vip", vip)
		if code != 1 || !strings.Contains(out, name) {
			t.Errorf("--xdp=%s: exit %d, want 1 and %q: %s", mode, code, name, out)
		}
	}

	da, _ := startPair(t, v3, "auto", a, b)
	if i := status(t, a).Interfaces[0]; i.XDP != "off" || !strings.Contains(i.XDPNote, name) {
		t.Errorf("beside a foreign program: XDP %s (%s)", i.XDP, i.XDPNote)
	}
	if i := status(t, b).Interfaces[0]; i.XDP != "native" {
		t.Errorf("with none: XDP %s (%s)", i.XDP, i.XDPNote)
	}
	onlyHolder(t, tap, a, b)
	must(t, da.Stop())
	onlyHolder(t, tap, b, a)
	if n := len(xdpPrograms(t, a)); n != 1 {
		t.Errorf("%d XDP programs are left, want the foreign one", n)
	}
}
