package loader

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// A process of ours that was killed a moment ago may still hold the interface:
// the kernel frees a link late.
const (
	busyTries = 10
	busyWait  = 50 * time.Millisecond
)

// Attach puts the program on an interface and returns the mode it runs in;
// note says why a better one was refused. An interface that is attached
// already is attached afresh when another mode is asked for. Auto never
// returns Off: where neither mode is to be had it fails.
//
// As many calls of Detach end it as there were of Attach: who opens an interface
// anew need not know who closes what it was before.
//
// A program that is not ours is never replaced: that is *ForeignError. On a
// real driver attaching can reset the link, and waiting for a dying process of
// ours may take half a second. The kernel detaches by itself when this process
// dies.
func (k *Kernel) Attach(ifindex int, mode Mode) (Mode, string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.links[ifindex]
	if before != nil {
		if (mode == before.mode || mode == Auto) && before.alive() {
			before.users++
			return before.mode, before.note, nil
		}
		if err := k.detach(ifindex); err != nil {
			return Off, "", err
		}
	}
	if mode == Off {
		return Off, "", nil
	}
	err := k.interfaces.Update(uint32(ifindex), &vrrpxIfaceCounters{}, ebpf.UpdateAny)
	if err != nil {
		return Off, "", fmt.Errorf("counters of interface %d: %w", ifindex, err)
	}
	a, err := k.attach(ifindex, mode)
	if err != nil {
		_ = k.interfaces.Delete(uint32(ifindex)) // made above
		return Off, "", err
	}
	a.users = 1
	if before != nil {
		a.users += before.users
	}
	k.links[ifindex] = &a
	return a.mode, a.note, nil
}

func (k *Kernel) attach(ifindex int, mode Mode) (attachment, error) {
	if mode != Auto {
		l, err := k.link(ifindex, mode)
		return attachment{link: l, mode: mode}, err
	}
	l, native := k.link(ifindex, Native)
	if native == nil {
		return attachment{link: l, mode: Native}, nil
	}
	var foreign *ForeignError
	if errors.As(native, &foreign) {
		return attachment{}, native // it shuts out generic mode as well
	}
	l, err := k.link(ifindex, Generic)
	if err != nil {
		return attachment{}, errors.Join(native, err)
	}
	return attachment{link: l, mode: Generic, note: native.Error()}, nil
}

func (k *Kernel) link(ifindex int, mode Mode) (link.Link, error) {
	flags := link.XDPDriverMode
	if mode == Generic {
		flags = link.XDPGenericMode
	}
	for try := 1; ; try++ {
		l, err := link.AttachXDP(link.XDPOptions{Program: k.rx, Interface: ifindex, Flags: flags})
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.EEXIST) {
			return nil, fmt.Errorf("%v XDP on interface %d: %w", mode, ifindex, err)
		}
		other, lookup := occupant(ifindex)
		switch {
		case lookup != nil:
			return nil, errors.Join(err, lookup)
		case other != nil && (other.Name != vrrpxProgVrrpxRx || try == busyTries):
			return nil, other
		case try == busyTries:
			return nil, fmt.Errorf("%v XDP on interface %d: %w", mode, ifindex, err)
		}
		time.Sleep(busyWait)
	}
}

// alive tells whether the interface is still there: the kernel cuts the link
// of one that goes.
func (a attachment) alive() bool {
	info, err := a.link.Info()
	return err == nil && info.XDP() != nil && info.XDP().Ifindex != 0
}

// Detach ends one Attach. The last takes the program off the interface, which may
// be gone, and forgets its counters. One that is not attached is no error.
func (k *Kernel) Detach(ifindex int) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a := k.links[ifindex]; a != nil && a.users > 1 {
		a.users--
		return nil
	}
	return k.detach(ifindex)
}

func (k *Kernel) detach(ifindex int) error {
	a, ok := k.links[ifindex]
	if !ok {
		return nil
	}
	delete(k.links, ifindex)
	err := a.link.Close()
	return errors.Join(err, k.interfaces.Delete(uint32(ifindex)))
}
