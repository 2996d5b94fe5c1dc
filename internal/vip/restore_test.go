package vip

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestDeletedAddressIsPutBackAndTheCulpritNamed(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24", "192.0.2.4/24"))
	hold(t, m, r, "VI_1")

	t.Run("by a process that lives on", func(t *testing.T) {
		cmd := command("-batch -")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		h.do(t, func() {
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
		})
		if _, err := io.WriteString(in, "address del 192.0.2.3/24 dev vip0\n"); err != nil {
			t.Fatal(err)
		}
		ev := r.take(t, Restored)
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		if want := fmt.Sprintf("port id %d (ip)", cmd.Process.Pid); ev.Culprit != want {
			t.Errorf("culprit %q, want %q", ev.Culprit, want)
		}
		if ev.Owner != "VI_1" || ev.Address.Prefix.String() != "192.0.2.3/24" || ev.Took <= 0 {
			t.Errorf("told %+v", ev)
		}
	})
	t.Run("by a process that exits", func(t *testing.T) {
		cmd := command("address del 192.0.2.4/24 dev vip0")
		h.do(t, func() {
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
		})
		ev := r.take(t, Restored)
		if want := fmt.Sprintf("port id %d (", cmd.Process.Pid); !strings.HasPrefix(ev.Culprit, want) {
			t.Errorf("culprit %q, want %q...", ev.Culprit, want)
		}
	})
	if !h.has(t, "192.0.2.3/24") || !h.has(t, "192.0.2.4/24") {
		t.Errorf("the host has %v", h.addresses(t))
	}
	release(t, m, r, "VI_1")
	if h.has(t, "192.0.2.3/24") || h.has(t, "192.0.2.4/24") {
		t.Errorf("what was put back was not removed: %v", h.addresses(t))
	}
}

func TestCulpritSaysWhatNetlinkKnows(t *testing.T) {
	self := uint32(os.Getpid())
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	dead := uint32(gone.Process.Pid)
	for _, test := range []struct {
		name string
		port uint32
		want string
	}{
		{"the kernel", 0, "the kernel, or a program that uses ioctl like ifconfig (port id 0)"},
		{"first socket", self, fmt.Sprintf("port id %d (vip.test)", self)},
		{"further socket of libnl", self | 5<<22, fmt.Sprintf("port id %d (vip.test)", self|5<<22)},
		{"further socket", 0xfffff000, "port id 4294963200 (not the first socket of a process, so netlink does not name it)"},
		{"gone", dead, fmt.Sprintf("port id %d (a process that has already gone)", dead)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := culprit(test.port); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestWarOverAnAddressIsSlowedDownButNotGivenUp(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	sent := countSends(m)

	begun := time.Now()
	for range 2*burst + 1 {
		h.ip(t, "address del 192.0.2.3/24 dev vip0")
		r.take(t, Restored)
	}
	if took, least := time.Since(begun), time.Second; took < least {
		t.Errorf("%d puttings-back took %v, want %v or more", 2*burst+1, took, least)
	}
	if !h.has(t, "192.0.2.3/24") {
		t.Error("given up")
	}
	if n := sent.Load(); n != 2*burst+1 {
		t.Errorf("%d requests, want %d", n, 2*burst+1)
	}
}

func TestSecondariesLostWithOurPrimaryAddress(t *testing.T) {
	h := newHost(t)
	h.ip(t, "address flush dev vip0")
	h.do(t, func() { // /proc/sys/net shows the namespace of the thread that opens
		for _, of := range []string{"all", device} {
			if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+of+"/promote_secondaries", []byte("0"), 0); err != nil {
				t.Fatal(err)
			}
		}
	})
	m, r := h.start(t)
	declare(t, m, "first", addrs("203.0.113.1/24"))
	declare(t, m, "second", addrs("203.0.113.2/24"))
	hold(t, m, r, "first")
	hold(t, m, r, "second")
	h.ip(t, "address add 203.0.113.9/24 dev vip0") // a stranger's, secondary as well

	m.Release("first")
	if ev := r.take(t, Lost); ev.Address.String() != "203.0.113.9/24 dev vip0" {
		t.Errorf("lost: %+v", ev)
	}
	if ev := r.take(t, Restored); ev.Address.Prefix.String() != "203.0.113.2/24" || !strings.Contains(ev.Culprit, "promote_secondaries") {
		t.Errorf("restored: %+v", ev)
	}
	if got := h.addresses(t); len(got) != 1 || got[0] != "203.0.113.2/24" {
		t.Errorf("the host has %v", got)
	}
}

func TestRefusedAddressIsTriedAgain(t *testing.T) {
	h := newHost(t)
	m, r := h.start(t)
	all := addrs("192.0.2.3/24")
	all[0].Scope = 253 // refused while 192.0.2.1/24 has another scope
	declare(t, m, "VI_1", all)
	m.Hold("VI_1")
	if ev := r.take(t, Held); len(ev.Errors) != 1 {
		t.Fatalf("told %+v", ev)
	}
	if ev := r.take(t, Trouble); ev.Owner != "VI_1" || ev.Address != all[0] || ev.Err == nil {
		t.Errorf("told %+v", ev)
	}
	h.ip(t, "address del 192.0.2.1/24 dev vip0")
	eventually(t, "the address after what was in its way has gone", func() bool { return h.has(t, "192.0.2.3/24") })
}
