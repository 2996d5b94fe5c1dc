package loader

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

func (h *harness) attachTo(ifindex int, mode Mode) (Mode, string) {
	h.Helper()
	got, note, err := h.Attach(ifindex, mode)
	if err != nil {
		h.Fatal(err)
	}
	return got, note
}

func wantOccupant(t *testing.T, ifindex int, name string, mode Mode) {
	t.Helper()
	o, err := occupant(ifindex)
	switch {
	case err != nil:
		t.Fatal(err)
	case name == "" && o != nil:
		t.Errorf("still on the interface: %v", o)
	case name != "" && (o == nil || o.Name != name || o.Mode != mode):
		t.Errorf("on the interface: %v, want %s (%v)", o, name, mode)
	}
}

func TestAdvertsFromTheWire(t *testing.T) {
	p := newPair(t)
	h := open(t, Options{NoTimer: true})
	for _, mode := range []Mode{Native, Generic} {
		// No subtest: its goroutine would be in another namespace.
		if got, note := h.attachTo(p.ours, mode); got != mode || note != "" {
			t.Fatalf("attached %v (%s), want %v", got, note, mode)
		}
		wantOccupant(t, p.ours, vrrpxProgVrrpxRx, mode)
		k := Key{uint32(p.ours), 51, vrrp.IPv4}
		h.set(k, v3rule())
		tcpdump := p.listen(t)
		p.send(t, v4frame(unhex(v3plain)))
		if e := h.wait(); e.Key != k || e.Src.String() != peer4 {
			t.Errorf("event of %v from %v", e.Key, e.Src)
		}
		buf := make([]byte, 2000)
		within(t, func() bool { // passed, so others may see it
			n, _, err := unix.Recvfrom(tcpdump, buf, 0)
			if err != nil && !errors.Is(err, unix.EAGAIN) {
				t.Fatal(err)
			}
			return err == nil && n > 35 && buf[14+9] == 112
		})
		ic, err := h.Interface(p.ours)
		if err != nil || ic.Frames != 1 || ic.Passed != 1 {
			t.Errorf("counted %+v, %v", ic, err)
		}
		if err := h.Detach(p.ours); err != nil {
			t.Fatal(err)
		}
		wantOccupant(t, p.ours, "", Off)
		if _, err := h.Interface(p.ours); !errors.Is(err, ebpf.ErrKeyNotExist) {
			t.Errorf("counters of a detached interface: %v", err)
		}
	}
}

func TestAutoIsNativeElseGeneric(t *testing.T) {
	p := newPair(t)
	h := open(t, Options{NoTimer: true})
	if got, note := h.attachTo(p.ours, Auto); got != Native || note != "" {
		t.Errorf("veth: %v (%s), want native", got, note)
	}
	const lo = 1 // has no native mode
	got, note := h.attachTo(lo, Auto)
	if got != Generic || !strings.Contains(note, "native XDP on interface 1: ") {
		t.Errorf("lo: %v (%q), want generic and why not native", got, note)
	}
	if _, _, err := h.Attach(lo, Native); err == nil {
		t.Error("lo took native mode")
	}
	wantOccupant(t, lo, "", Off) // asked for another mode, it has given up the first
}

func TestAttachAgain(t *testing.T) {
	p := newPair(t)
	h := open(t, Options{NoTimer: true})
	for _, c := range []struct{ ask, want Mode }{
		{Native, Native}, {Auto, Native}, {Generic, Generic}, {Generic, Generic}, {Auto, Generic}, {Native, Native},
	} {
		if got, _ := h.attachTo(p.ours, c.ask); got != c.want {
			t.Errorf("asked for %v: %v, want %v", c.ask, got, c.want)
		}
		wantOccupant(t, p.ours, vrrpxProgVrrpxRx, c.want)
	}
	if got, _ := h.attachTo(p.ours, Off); got != Off {
		t.Errorf("asked for off: %v", got)
	}
	wantOccupant(t, p.ours, "", Off)
	if err := h.Detach(p.ours); err != nil {
		t.Errorf("detach of what is not attached: %v", err)
	}
	// Who opens an interface anew is not deprived by who closes it as it was.
	for range 2 {
		h.attachTo(p.ours, Native)
	}
	for _, want := range []Mode{Native, Off} {
		if err := h.Detach(p.ours); err != nil {
			t.Error(err)
		}
		name := vrrpxProgVrrpxRx
		if want == Off {
			name = ""
		}
		wantOccupant(t, p.ours, name, want)
	}
}

// pass is another's program.
func pass(t *testing.T) *ebpf.Program {
	t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "their_xdp", Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, xdpPass), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	return prog
}

func TestForeignProgramIsNamedAndLeft(t *testing.T) {
	p := newPair(t)
	h := open(t, Options{NoTimer: true})
	prog := pass(t)
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	for theirs, flags := range map[Mode]link.XDPAttachFlags{Native: link.XDPDriverMode, Generic: link.XDPGenericMode} {
		l, err := link.AttachXDP(link.XDPOptions{Program: prog, Interface: p.ours, Flags: flags})
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range []Mode{Auto, Native, Generic} {
			_, _, err := h.Attach(p.ours, mode)
			var foreign *ForeignError
			if !errors.As(err, &foreign) {
				t.Fatalf("%v beside theirs in %v: %v", mode, theirs, err)
			}
			if foreign.Name != "their_xdp" || foreign.ID != uint32(id) || foreign.Mode != theirs || foreign.Ifindex != p.ours {
				t.Errorf("named %+v", foreign)
			}
			if me := fmt.Sprintf("(pid %d)", os.Getpid()); !strings.Contains(err.Error(), me) {
				t.Errorf("%q does not name the process %s", err, me)
			}
		}
		wantOccupant(t, p.ours, "their_xdp", theirs)
		if _, err := h.Interface(p.ours); !errors.Is(err, ebpf.ErrKeyNotExist) {
			t.Errorf("counters of an interface that is not attached: %v", err)
		}
		l.Close()
	}
}

func TestSecondOfUsIsRefused(t *testing.T) {
	p := newPair(t)
	first, second := open(t, Options{NoTimer: true}), open(t, Options{NoTimer: true})
	first.attachTo(p.ours, Native)
	_, _, err := second.Attach(p.ours, Auto)
	var foreign *ForeignError
	if !errors.As(err, &foreign) || foreign.Name != vrrpxProgVrrpxRx {
		t.Fatalf("second attach: %v", err)
	}
	wantOccupant(t, p.ours, vrrpxProgVrrpxRx, Native)
}

// A process that dies may hold the interface a little longer.
func TestAttachWaitsForOneOfUsThatGoes(t *testing.T) {
	p := newPair(t)
	first, second := open(t, Options{NoTimer: true}), open(t, Options{NoTimer: true})
	first.attachTo(p.ours, Native)
	time.AfterFunc(busyWait*3/2, func() { _ = first.Detach(p.ours) })
	second.attachTo(p.ours, Native)
}

func TestInterfaceThatGoesHarmsNoOther(t *testing.T) {
	p := newPair(t)
	h := open(t, Options{NoTimer: true})
	const lo = 1
	h.attachTo(lo, Generic)
	h.attachTo(p.ours, Native)
	p.remove(t)
	if got, _, err := h.Attach(p.ours, Native); err == nil {
		t.Errorf("attached to what is gone: %v", got)
	}
	if err := h.Detach(p.ours); err != nil {
		t.Errorf("detach from what is gone: %v", err)
	}
	wantOccupant(t, lo, vrrpxProgVrrpxRx, Generic)
	if _, err := h.Interface(lo); err != nil {
		t.Error(err)
	}
}

func TestAttachToNoInterface(t *testing.T) {
	newPair(t)
	h := open(t, Options{NoTimer: true})
	for _, ifindex := range []int{-1, 0, 4711} {
		if got, _, err := h.Attach(ifindex, Auto); err == nil {
			t.Errorf("attached to interface %d: %v", ifindex, got)
		}
	}
}

func TestModesHaveNames(t *testing.T) {
	for _, m := range []Mode{Auto, Native, Generic, Off} {
		if got, err := ParseMode(m.String()); got != m || err != nil {
			t.Errorf("%v is read as %v, %v", m, got, err)
		}
	}
	for _, s := range []string{"", "skb", "Native", "none"} {
		if m, err := ParseMode(s); err == nil {
			t.Errorf("%q is read as %v", s, m)
		}
	}
}
