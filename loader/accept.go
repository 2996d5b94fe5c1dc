package loader

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/cilium/ebpf"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Refusal is an address whose packets the host is not to get, but for ARP and
// neighbour discovery.
type Refusal struct {
	// Ifindex is where packets to a link-local IPv6 address come in. Any other
	// address is the whole host's and counts on every interface that is attached.
	Ifindex uint32
	Addr    netip.Addr
}

// refusals are those in force, and how many routers asked for each.
type refusals struct {
	mu      sync.Mutex // not the Kernel's, which whoever attaches holds for long
	packets *ebpf.Map
	count   *ebpf.Variable // of them, all that the program reads when it is 0
	users   map[vrrpxNoAcceptKey]int
}

func (r Refusal) raw() (raw vrrpxNoAcceptKey, err error) {
	if !r.Addr.IsValid() || r.Addr.Is4In6() {
		return raw, fmt.Errorf("%v is no address of a packet", r.Addr)
	}
	raw.Family = uint32(vrrp.IPv4)
	if r.Addr.Is6() {
		raw.Family = uint32(vrrp.IPv6)
		if r.Addr.IsLinkLocalUnicast() {
			raw.Ifindex = r.Ifindex
		}
	}
	copy(raw.Address[:], r.Addr.AsSlice())
	return raw, nil
}

// Refuse drops packets addressed to an address on every interface that is
// attached, from now until as many calls of Admit, or until this process ends.
// It costs about a microsecond and fails with unix.E2BIG beyond 16384
// addresses. Any goroutine may call it, as the two below.
func (k *Kernel) Refuse(r Refusal) error {
	raw, err := r.raw()
	if err != nil {
		return err
	}
	k.refusals.mu.Lock()
	defer k.refusals.mu.Unlock()
	if k.refusals.users[raw] == 0 {
		if err := k.refusals.packets.Put(&raw, &vrrpxNoAccept{}); err != nil {
			return fmt.Errorf("refuse packets to %s: %w", r.Addr, err)
		}
	}
	k.refusals.users[raw]++
	return k.refusals.tell()
}

// Admit ends one Refuse of the address. One that is not refused is no error.
func (k *Kernel) Admit(r Refusal) error {
	raw, err := r.raw()
	if err != nil {
		return err
	}
	k.refusals.mu.Lock()
	defer k.refusals.mu.Unlock()
	switch k.refusals.users[raw] {
	case 0:
		return nil
	case 1:
		delete(k.refusals.users, raw)
		if err := k.refusals.packets.Delete(&raw); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("admit packets to %s: %w", r.Addr, err)
		}
		return k.refusals.tell()
	}
	k.refusals.users[raw]--
	return nil
}

// Refused is how many packets to the address have been dropped since Refuse;
// 0 when it is not refused.
func (k *Kernel) Refused(r Refusal) uint64 {
	raw, err := r.raw()
	if err != nil {
		return 0
	}
	var n vrrpxNoAccept
	if k.refusals.packets.Lookup(&raw, &n) != nil {
		return 0
	}
	return n.Dropped
}

// tell lets the program look, or spares it.
func (r *refusals) tell() error {
	if err := r.count.Set(uint32(len(r.users))); err != nil {
		return fmt.Errorf("count of refused addresses: %w", err)
	}
	return nil
}
