package loader

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"

	"github.com/vrrpx/vrrpx/vrrp"
)

// addPeers lets the rule's unicast peers in, before the rule asks for them.
// forget then takes those out that the rule no longer has. Peers are known to
// be those in the map by the address of their Unicast.
func (k *Kernel) addPeers(key Key, u *vrrp.Unicast) (forget func() error, err error) {
	old := k.peersOf[key]
	if u == old {
		return func() error { return nil }, nil
	}
	had, wanted := addrsOf(old), addrsOf(u)
	if u != nil {
		for _, p := range u.Peers {
			raw, err := rawPeer(key, p.Addr)
			if err == nil {
				err = k.peers.Put(&raw, &vrrpxPeer{MinTtl: p.MinTTL, MaxTtl: p.MaxTTL})
			}
			if err != nil {
				return nil, errors.Join(fmt.Errorf("peer %v: %w", p.Addr, err), k.forgetPeers(key, u, had))
			}
		}
	}
	return func() error {
		if u == nil {
			delete(k.peersOf, key)
		} else {
			k.peersOf[key] = u
		}
		return k.forgetPeers(key, old, wanted)
	}, nil
}

func addrsOf(u *vrrp.Unicast) map[netip.Addr]bool {
	addrs := map[netip.Addr]bool{}
	if u != nil {
		for _, p := range u.Peers {
			addrs[p.Addr] = true
		}
	}
	return addrs
}

// forgetPeers takes the peers of u out of the map, but for those to keep.
func (k *Kernel) forgetPeers(key Key, u *vrrp.Unicast, keep map[netip.Addr]bool) error {
	if u == nil {
		return nil
	}
	var errs []error
	for _, p := range u.Peers {
		raw, err := rawPeer(key, p.Addr)
		if err != nil || keep[p.Addr] {
			continue // that one was never in
		}
		if err := k.peers.Delete(&raw); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			errs = append(errs, fmt.Errorf("forget peer %v: %w", p.Addr, err))
		}
	}
	return errors.Join(errs...)
}

func rawPeer(key Key, a netip.Addr) (raw vrrpxPeerKey, err error) {
	raw.Router = key.raw()
	raw.Src, err = rawAddr(a, key.Family)
	return raw, err
}

// unicast fills in the part of a rule that is about peers.
func (raw *vrrpxRule) unicast(u *vrrp.Unicast, f vrrp.Family) (err error) {
	raw.Unicast = 1
	if u.AnySource {
		raw.AnySource = 1
	} else if len(u.Peers) == 0 {
		return errors.New("unicast without peers hears nobody")
	}
	if u.OldGroup.IsValid() {
		raw.OldForm = 1
		if raw.OldGroup, err = rawAddr(u.OldGroup, f); err != nil {
			return fmt.Errorf("group of the old checksum: %w", err)
		}
	}
	return nil
}
