package vip

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// overflow makes a socket's receive buffer so small that the next burst is
// lost, as the kernel does it: with ENOBUFS.
func overflow(t *testing.T, s *socket) {
	t.Helper()
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1); err != nil {
		t.Fatal(err)
	}
}

func TestLostNotificationsAreMadeUpFor(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")

	overflow(t, m.monitor)
	m.mu.Lock() // keeps the manager from listening
	h.ip(t, "address add 198.51.100.1/24 dev vip0")
	for range 50 {
		h.ip(t, "address add 203.0.113.1/24 dev vip0")
		h.ip(t, "address del 203.0.113.1/24 dev vip0")
	}
	h.ip(t, "address del 192.0.2.3/24 dev vip0")
	h.ip(t, "address del 192.0.2.1/24 dev vip0")
	m.mu.Unlock()

	ev := r.take(t, Restored)
	if ev.Address.Prefix.String() != "192.0.2.3/24" || ev.Culprit != unheard {
		t.Errorf("told %+v", ev)
	}
	if !h.has(t, "192.0.2.3/24") {
		t.Error("not put back")
	}
	if n := r.count(Trouble); n != 0 {
		t.Errorf("a loss that was made up for was told as trouble: %v", r.all)
	}
	eventually(t, "the primary address that came unheard", func() bool {
		p, _ := m.PrimaryIPv4("vip0")
		return p.String() == "198.51.100.1/24"
	})
}

func TestLostLinkNotificationsAreMadeUpFor(t *testing.T) {
	h := newHost(t)
	h.ip(t, "link add old0 type veth peer name old1")
	m, r := h.start(t)
	m.Watch("vip0", "old0", "new0")
	overflow(t, m.links.monitor)
	m.links.mu.Lock()
	for range 20 {
		h.ip(t, "link set vip0 mtu 1400")
		h.ip(t, "link set vip0 mtu 1500")
	}
	h.ip(t, "link del old0")
	h.ip(t, "link add new0 type veth peer name new1")
	h.ip(t, "link set vip0 down")
	m.links.mu.Unlock()
	// In the order of the resync: what has gone, then the rest in any order.
	if ev := r.take(t, LinkGone); ev.Link.Name != "old0" {
		t.Errorf("told %+v", ev)
	}
	eventually(t, "the rest", func() bool { return r.count(LinkNew) == 1 && r.count(LinkDown) == 1 })
	if l, ok := m.Link("vip0"); !ok || l.Up {
		t.Errorf("vip0: %+v", l)
	}
}

// The answers of a whole batch are lost: what is on the host tells which of its
// addresses were taken.
func TestLostAnswersAreReadFromTheHost(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	bad := addrs("192.0.2.4/24")
	bad[0].Scope = unix.RT_SCOPE_LINK // which the kernel refuses in that subnet
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	declare(t, m, "VI_2", bad)
	overflow(t, m.monitor)
	for i := range 50 { // more than fits, while the manager is in sendmsg
		h.ip(t, fmt.Sprintf("address add 203.0.113.%d/24 dev vip0", i+1))
	}
	undo := intercept(m, func(send func([]byte) error, b []byte) error {
		h.do(t, func() {
			if out, err := command("address flush to 203.0.113.0/24 dev vip0").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
		err := send(b)
		for msgs, _ := m.kernel.receive(); msgs != nil; msgs, _ = m.kernel.receive() {
		}
		return err
	})
	m.Hold("VI_1", "VI_2")
	if ev := r.take(t, Held); ev.Owner != "VI_1" || len(ev.Errors) != 0 {
		t.Errorf("told %+v", ev)
	}
	if ev := r.take(t, Held); ev.Owner != "VI_2" || len(ev.Errors) != 1 || !errors.Is(ev.Errors[0], errNoAnswer) {
		t.Errorf("told %+v", ev)
	}
	if s := m.Snapshot()[0]; !s.Present || s.Foreign || s.Err != nil {
		t.Errorf("%+v", s)
	}
	undo()
	eventually(t, "the kernel's word on the other", func() bool { return errors.Is(m.Snapshot()[1].Err, unix.EINVAL) })
	release(t, m, r, "VI_1")
	if h.has(t, "192.0.2.3/24") {
		t.Error("left on the host")
	}
}

func TestRubbishFromTheKernelIsAnError(t *testing.T) {
	for _, body := range []string{"", "\x02", strings.Repeat("\x00", 7), strings.Repeat("\x00", 8),
		"\x02\x18\x00\x00\x01\x00\x00\x00\x03\x00\x02\x00", "\x02\x18\x00\x00\x01\x00\x00\x00\x09\x00\x02\x00\x0a\x00\x00\x03",
		"\x02\xff\x00\x00\x01\x00\x00\x00\x08\x00\x02\x00\x0a\x00\x00\x03", "\x02\x18\x00\x00\x01\x00\x00\x00\x05\x00\x02\x00\x0a"} {
		if a, err := parseAddress([]byte(body)); !errors.Is(err, errMessage) {
			t.Errorf("address from %q: %v, %v", body, a, err)
		}
	}
	for _, body := range []string{"", "\x00", strings.Repeat("\x00", 15), strings.Repeat("\x00", 16) + "\x01\x00\x03\x00"} {
		if l, _, err := parseLink([]byte(body)); !errors.Is(err, errMessage) {
			t.Errorf("link from %q: %v, %v", body, l, err)
		}
	}
	for _, test := range []struct {
		body  string
		flags uint16
		want  error
	}{
		{"", 0, errMessage},
		{strings.Repeat("\x00", 20), 0, nil},
		{"\xef\xff\xff\xff" + strings.Repeat("\x00", 16), 0, syscall.EEXIST},
		{"\xef\xff\xff\xff\xff\xff\xff\xff" + strings.Repeat("\x00", 12), unix.NLM_F_ACK_TLVS, syscall.EEXIST},
		{"\xef\xff\xff\xff" + strings.Repeat("\x00", 16) + "\x01\x00", unix.NLM_F_ACK_TLVS | unix.NLM_F_CAPPED, syscall.EEXIST},
	} {
		if err := parseError([]byte(test.body), test.flags); !errors.Is(err, test.want) {
			t.Errorf("error from %q: %v, want %v", test.body, err, test.want)
		}
	}
}
