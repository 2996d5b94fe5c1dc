package vip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ranks declares n owners of each addresses each, and returns their names.
func ranks(t testing.TB, m *Manager, n, each int) (names []string) {
	t.Helper()
	for i := range n {
		var all []string
		for j := range each {
			all = append(all, fmt.Sprintf("198.18.%d.%d/32", i+j/250, j%250+1))
		}
		names = append(names, fmt.Sprintf("VI_%d", i))
		declare(t, m, names[i], addrs(all...))
	}
	return names
}

// answersTo collects the answers of owners, which come in their order.
func answersTo(t *testing.T, r *recorder, kind Kind, names []string) map[string][]AddressError {
	t.Helper()
	errs := map[string][]AddressError{}
	for _, name := range names {
		ev := r.take(t, kind)
		if ev.Owner != name {
			t.Errorf("%v of %s, want that of %s", kind, ev.Owner, name)
		}
		errs[ev.Owner] = ev.Errors
	}
	return errs
}

func TestRoutersThatMoveTogetherShareASendmsg(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct{ routers, each, sends int }{{255, 1, 1}, {64, 4, 1}, {65, 4, 2}, {2, 100, 1}, {1, 300, 2}} {
		t.Run(fmt.Sprintf("%dx%d", c.routers, c.each), func(t *testing.T) {
			m, r := h.start(t)
			names := ranks(t, m, c.routers, c.each)
			eventually(t, "rest", func() bool { m.enter(); defer m.mu.Unlock(); return len(m.queue) == 0 })
			sends := countSends(m)
			for name, errs := range holdAll(t, m, r, names) {
				if len(errs) != 0 {
					t.Errorf("%s: %v", name, errs)
				}
			}
			if n, want := len(h.addresses(t)), 1+c.routers*c.each; n != want {
				t.Errorf("%d addresses on the host, want %d", n, want)
			}
			m.Release(names...)
			answersTo(t, r, Released, names)
			if n := len(h.addresses(t)); n != 1 {
				t.Errorf("%d addresses on the host, want its own", n)
			}
			if n := int(sends.Load()); n != 2*c.sends {
				t.Errorf("taken and released with %d calls of sendmsg, want %d", n, 2*c.sends)
			}
			shut(t, m)
		})
	}
}

func holdAll(t *testing.T, m *Manager, r *recorder, names []string) map[string][]AddressError {
	t.Helper()
	m.Hold(names...)
	return answersTo(t, r, Held, names)
}

// split cuts a sendmsg of netlink messages behind the first n.
func split(b []byte, n int) (first, rest []byte) {
	at := 0
	for range n {
		at += (int(binary.NativeEndian.Uint32(b[at:])) + 3) &^ 3
	}
	return b[:at], b[at:]
}

// One request for four owners: one address is there already, one is refused, and
// the interface of others vanishes between two of the messages.
func TestEachAddressOfABatchHasItsOwnOutcome(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	h.ip(t, "link add gone0 type veth peer name gone1")
	h.ip(t, "link set gone0 up")
	refused := addrs("192.0.2.4/24", "192.0.2.5/24")
	refused[0].Scope = unix.RT_SCOPE_LINK // in that subnet the kernel has another
	gone := addrs("198.18.0.1/32", "198.18.0.2/32")
	gone[0].Device, gone[1].Device = "gone0", "gone0"
	declare(t, m, "theirs", addrs("192.0.2.3/24", "192.0.2.6/24"))
	declare(t, m, "refused", refused)
	declare(t, m, "gone", gone)
	declare(t, m, "good", addrs("198.18.0.3/32"))
	eventually(t, "the interface", func() bool { _, ok := m.Link("gone0"); return ok })
	undo := intercept(m, func(send func([]byte) error, b []byte) error {
		h.do(t, func() {
			if out, err := command("address add 192.0.2.3/24 dev vip0").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
		first, rest := split(b, 5) // theirs, refused, one of gone
		err := send(first)
		h.do(t, func() {
			if out, err := command("link del gone0").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
		return errors.Join(err, send(rest))
	})
	names := []string{"theirs", "refused", "gone", "good"}
	errs := holdAll(t, m, r, names)
	undo()
	for name, want := range map[string][]string{
		"theirs": nil, "good": nil,
		"refused": {"192.0.2.4/24 dev vip0: invalid argument"},
		"gone":    {"198.18.0.2/32 dev gone0: " + errNoDevice.Error()},
	} {
		var got []string
		for _, e := range errs[name] {
			got = append(got, e.Address.String()+": "+plain(e.Err))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, a := range []string{"192.0.2.6/24", "192.0.2.5/24", "198.18.0.3/32"} {
		if !h.has(t, a) {
			t.Errorf("%s is not there", a)
		}
	}
	m.Release(names...)
	answersTo(t, r, Released, names)
	if got := h.addresses(t); !slices.Equal(got, []string{"192.0.2.1/24", "192.0.2.3/24"}) {
		t.Errorf("left on the host: %v", got)
	}
}

// plain is an error without what some kernels add to it.
func plain(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

func TestRequestTooLargeForTheSocketIsHalved(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	names := ranks(t, m, 10, 1)
	eventually(t, "rest", func() bool { m.enter(); defer m.mu.Unlock(); return len(m.queue) == 0 })
	var sizes []int
	undo := intercept(m, func(send func([]byte) error, b []byte) error {
		n := 0
		for rest := b; len(rest) > 0; n++ {
			_, rest = split(rest, 1)
		}
		if n > 3 {
			return unix.ENOBUFS
		}
		sizes = append(sizes, n)
		return send(b)
	})
	for name, errs := range holdAll(t, m, r, names) {
		if len(errs) != 0 {
			t.Errorf("%s: %v", name, errs)
		}
	}
	undo()
	if !slices.Equal(sizes, []int{2, 3, 2, 3}) {
		t.Errorf("sent %v", sizes)
	}
}

// What lets go is settled before what takes, whatever was said first; and no word
// waits for the manager.
func TestReleasesGoFirst(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	names := ranks(t, m, 4, 1)
	holdAll(t, m, r, names[:2])
	m.mu.Lock() // as long as a batch is concluded
	said := make(chan struct{})
	go func() {
		m.Hold(names[2:]...)
		m.Release(names[:2]...)
		close(said)
	}()
	select {
	case <-said:
	case <-time.After(patience):
		t.Error("a word waited for the manager")
	}
	m.mu.Unlock()
	<-said
	var order []string
	for range 4 {
		ev := r.take(t, Held, Released)
		order = append(order, fmt.Sprint(ev.Kind, " ", ev.Owner))
	}
	if want := []string{"released VI_0", "released VI_1", "held VI_2", "held VI_3"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}
