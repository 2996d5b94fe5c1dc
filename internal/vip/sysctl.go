package vip

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// sysctls reads and writes net.ipv4.conf and net.ipv6.conf of one network
// namespace, that of the thread that called openSysctls. /proc/sys/net shows the
// namespace of the thread that looks, and a goroutine may run on any.
type sysctls struct{ ns *os.File }

func openSysctls() (sysctls, error) {
	ns, err := os.Open(threadNS)
	if err != nil {
		return sysctls{}, fmt.Errorf("own network namespace: %w", err)
	}
	return sysctls{ns}, nil
}

const threadNS = "/proc/thread-self/ns/net"

func (s sysctls) close() { s.ns.Close() }

// do runs f in the namespace. In a daemon, all of whose threads are there, no
// thread moves, so that no privilege is needed to.
func (s sysctls) do(f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open(threadNS)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("own network namespace: %w", err)
	}
	defer home.Close()
	here, err1 := home.Stat()
	there, err2 := s.ns.Stat()
	if err1 == nil && err2 == nil && os.SameFile(here, there) {
		defer runtime.UnlockOSThread()
		return f()
	}
	if err := unix.Setns(int(s.ns.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("entering the network namespace: %w", err)
	}
	defer func() {
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread() // else the thread dies with its goroutine
		}
	}()
	return f()
}

// sysctl is one setting of a device.
type sysctl struct{ Family, Device, Name string } // as in net.ipv4.conf.eth0.arp_ignore

func (s sysctl) String() string { return "net." + s.Family + ".conf." + s.Device + "." + s.Name }

func (s sysctl) path() string {
	return "/proc/sys/net/" + s.Family + "/conf/" + s.Device + "/" + s.Name
}

func (s sysctl) read() (int, error) {
	b, err := os.ReadFile(s.path())
	if err != nil {
		return 0, s.fault(err)
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

func (s sysctl) write(value int) error {
	f, err := os.OpenFile(s.path(), os.O_WRONLY, 0)
	if err != nil {
		return s.fault(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strconv.Itoa(value)); err != nil {
		return s.fault(err)
	}
	return nil
}

// fault leaves the path out, which says the same in another way.
func (s sysctl) fault(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("sysctl %s: %w", s, err)
}

// set is a setting to be made.
type set struct {
	sysctl
	value int
}

// ofDevice are the settings of a MACVLAN. They go with it.
//
// arp_ignore and arp_announce: it speaks for its own addresses alone, since
// whatever it says of another, the base's included, leads there by its MAC.
// rp_filter: what comes in by it goes out by the base, where the route is; loose
// stays loose whatever "all" says, of which the kernel takes the higher.
// accept_ra: an address from an advertised prefix would be made of the MAC
// (RFC 9568 section 7.4), as would a link-local one: addr_gen_mode.
// forwarding: what the base may forward, so may it (section 6.4.3).
func (v MACVLAN) settings() ([]set, error) {
	var all []set
	add := func(family, name string, value int) {
		all = append(all, set{sysctl{family, v.Name, name}, value})
	}
	asBase := func(family string) error {
		value, err := sysctl{family, v.Base, "forwarding"}.read()
		add(family, "forwarding", value)
		return err
	}
	add("ipv4", "arp_ignore", 1)
	add("ipv4", "arp_announce", 2)
	add("ipv4", "rp_filter", 2)
	add("ipv4", "promote_secondaries", 1)
	if err := asBase("ipv4"); err != nil {
		return nil, err
	}
	if !v.IPv6 {
		if _, err := os.Stat(sysctl{"ipv6", v.Name, "disable_ipv6"}.path()); err == nil { // else the kernel has no IPv6
			add("ipv6", "disable_ipv6", 1)
		}
		return all, nil
	}
	add("ipv6", "disable_ipv6", 0)
	add("ipv6", "addr_gen_mode", 1) // IN6_ADDR_GEN_MODE_NONE
	add("ipv6", "accept_ra", 0)
	return all, asBase("ipv6")
}

// ofBase are the settings of a device under a MACVLAN that carries IPv4: of the
// MACVLAN's addresses it must neither answer nor ask, since its MAC is another
// (RFC 9568 section 8.1.2). The kernel takes the higher of "all" and its own.
var ofBase = []struct {
	name  string
	value int
	does  []int // the values that will do
}{
	{"arp_ignore", 1, []int{1, 2, 8}},
	{"arp_announce", 2, []int{2}},
}
