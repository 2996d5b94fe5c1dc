package loader

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/cilium/ebpf"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Watch is an address that no other host is to answer for on an interface: one
// that this host holds, or is about to take.
type Watch struct {
	Ifindex uint32
	Addr    netip.Addr
	Own     [6]byte // the interface's MAC address: its claims are not told
}

// watches are the addresses that are watched.
type watches struct {
	mu     sync.Mutex
	claims *ebpf.Map
	count  *ebpf.Variable // of them, all that the program reads when it is 0
	known  map[vrrpxWatchedKey]int
}

func (w Watch) raw() (raw vrrpxWatchedKey, err error) {
	if !w.Addr.IsValid() || w.Addr.Is4In6() {
		return raw, fmt.Errorf("%v is no address of a packet", w.Addr)
	}
	raw.Ifindex, raw.Family = w.Ifindex, uint32(vrrp.IPv4)
	if w.Addr.Is6() {
		raw.Family = uint32(vrrp.IPv6)
	}
	copy(raw.Address[:], w.Addr.AsSlice())
	return raw, nil
}

// Watch makes Drain tell of frames by which others claim an address (Claim),
// from now until as many calls of Unwatch. It costs about a microsecond and
// fails with unix.E2BIG beyond 16384 addresses. Any goroutine may call it, as
// the two below.
func (k *Kernel) Watch(w Watch) error {
	raw, err := w.raw()
	if err != nil {
		return err
	}
	k.watches.mu.Lock()
	defer k.watches.mu.Unlock()
	if k.watches.known[raw] == 0 {
		if err := k.watches.claims.Put(&raw, &vrrpxWatched{Own: w.Own}); err != nil {
			return fmt.Errorf("watch %s: %w", w.Addr, err)
		}
	}
	k.watches.known[raw]++
	return k.watches.tell()
}

// Unwatch ends one Watch. An address that is not watched is no error.
func (k *Kernel) Unwatch(w Watch) error {
	raw, err := w.raw()
	if err != nil {
		return err
	}
	k.watches.mu.Lock()
	defer k.watches.mu.Unlock()
	switch k.watches.known[raw] {
	case 0:
		return nil
	case 1:
		delete(k.watches.known, raw)
		if err := k.watches.claims.Delete(&raw); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("no longer watch %s: %w", w.Addr, err)
		}
		return k.watches.tell()
	}
	k.watches.known[raw]--
	return nil
}

// Tie names the slot of the advert clock, plus one, of the router that has a watched
// address, 0 for none: while its gate is latched (GateYielded, GateLapsed,
// GateFrozen) the host is not asked for the address. One that is not watched is
// no error.
func (k *Kernel) Tie(w Watch, slot uint32) error {
	raw, err := w.raw()
	if err != nil {
		return err
	}
	k.watches.mu.Lock()
	defer k.watches.mu.Unlock()
	if k.watches.known[raw] == 0 {
		return nil
	}
	var value vrrpxWatched
	if err := k.watches.claims.Lookup(&raw, &value); err != nil {
		return fmt.Errorf("tie %s: %w", w.Addr, err)
	}
	if value.Slot == slot {
		return nil
	}
	value.Slot = slot // what is counted in this instant is lost
	if err := k.watches.claims.Put(&raw, &value); err != nil {
		return fmt.Errorf("tie %s: %w", w.Addr, err)
	}
	return nil
}

// Unanswered is how many questions for the address were dropped since Watch; 0 when
// it is not watched.
func (k *Kernel) Unanswered(w Watch) uint64 {
	raw, err := w.raw()
	if err != nil {
		return 0
	}
	var n vrrpxWatched
	if k.watches.claims.Lookup(&raw, &n) != nil {
		return 0
	}
	return n.Unanswered
}

// Claims is how many frames have claimed the address since Watch; 0 when it is
// not watched.
func (k *Kernel) Claims(w Watch) uint64 {
	raw, err := w.raw()
	if err != nil {
		return 0
	}
	var n vrrpxWatched
	if k.watches.claims.Lookup(&raw, &n) != nil {
		return 0
	}
	return n.Claims
}

// tell lets the program look, or spares it.
func (w *watches) tell() error {
	if err := w.count.Set(uint32(len(w.known))); err != nil {
		return fmt.Errorf("count of watched addresses: %w", err)
	}
	return nil
}
