package loader

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Key names a virtual router: VRIDs are per interface and address family.
type Key struct {
	Ifindex uint32
	VRID    uint8
	Family  vrrp.Family
}

func (k Key) String() string {
	return fmt.Sprintf("interface %d VRID %d %v", k.Ifindex, k.VRID, k.Family)
}

func (k Key) raw() vrrpxRouterKey {
	return vrrpxRouterKey{Ifindex: k.Ifindex, Vrid: k.VRID, Family: uint8(k.Family)}
}

// Auth is the authentication type that a router demands.
type Auth = vrrp.AuthType

// Rule is what the kernel program demands of a router's adverts, and which of
// them it keeps to itself.
type Rule struct {
	Version uint8 // 2 or 3; 2 only for IPv4
	Auth    Auth  // AH or not is judged, and the type that a v2 advert states; no secret is
	// Interval is the Adver Int in seconds that a v2 advert must carry, 0 for
	// any. v3 learns its interval and ignores this.
	Interval uint16
	Own      netip.Addr // own primary address: from there it is our own advert; zero for none yet
	Group    netip.Addr // the destination that adverts must have
	// Unicast is set of a router with unicast peers; Group is then Own. It must
	// not change afterwards: a router with other peers has another.
	Unicast *vrrp.Unicast
	// Priority is the effective one of the router. Adverts of this priority,
	// above it or of 0 are bounded apart from the lesser ones.
	Priority uint8
	// Elide is the advert that is stamped and counted but not sent up; nil
	// sends every one. Not with AH, of which only user space can tell whether
	// an advert is genuine.
	Elide *Match
	// Master, of a router without Elide, is whose adverts have a bound of their
	// own, so that no flood of others hides them.
	Master *Speaker
	// Router is set of a heartbeat line: the interface of the router that it
	// belongs to. What is elided on the line refreshes that router's deadline and
	// LastMatch, if it has a rule, and counts as the line's own in State.
	Router uint32
	// Slot is that of the advert clock which sends the router's adverts, plus one;
	// 0 for none.
	Slot uint32
	// UpRate and UpBurst bound the adverts of each class that are sent up: per
	// second, and at once. Both at least 1.
	UpRate, UpBurst uint32
}

// Match is an advert seen before: that of the master.
type Match struct {
	Src      netip.Addr
	Priority uint8
	Interval uint16 // the field as on the wire: seconds in v2, centiseconds in v3
	Digest   uint64 // of its Event
}

// Speaker tells whose advert one is, as far as that shows before it is verified.
type Speaker struct {
	Src      netip.Addr
	MAC      [6]byte
	Priority uint8
}

// SetRule adds a router or replaces its rule, at once and whole; what was
// counted stays. It fails on a rule that contradicts itself, and with
// unix.E2BIG beyond 4096 routers.
func (k *Kernel) SetRule(key Key, r Rule) error {
	raw, err := r.raw(key)
	if err != nil {
		return fmt.Errorf("rule of %v: %w", key, err)
	}
	rawKey := key.raw()
	if err := k.addRouter(&rawKey); err != nil {
		return fmt.Errorf("add %v: %w", key, err)
	}
	forget, err := k.addPeers(key, r.Unicast)
	if err != nil {
		return fmt.Errorf("set rule of %v: %w", key, err)
	}
	if err := k.routers.Put(&rawKey, &raw); err != nil {
		return fmt.Errorf("set rule of %v: %w", key, err)
	}
	return forget()
}

// addRouter makes what the program writes for a router, unless it is there.
// It comes before the rule: a rule alone the program takes for no router.
func (k *Kernel) addRouter(key *vrrpxRouterKey) error {
	if err := k.state.Update(key, &vrrpxRouterState{}, ebpf.UpdateNoExist); err != nil {
		if errors.Is(err, ebpf.ErrKeyExist) {
			return nil
		}
		return err
	}
	return k.buckets.Put(key, &vrrpxBuckets{})
}

// Remove forgets a router, its counters and its deadline. An event of it may
// still be on the ring. To remove one that is not there is no error.
func (k *Kernel) Remove(key Key) error {
	rawKey := key.raw()
	// The rule first: from then on nothing else of the router is used.
	maps := []*ebpf.Map{k.routers, k.buckets, k.state}
	if k.deadlines != nil {
		maps = append(maps, k.deadlines) // its timer is cancelled
	}
	var errs []error
	defer delete(k.peersOf, key)
	for _, m := range maps {
		if err := m.Delete(&rawKey); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			errs = append(errs, fmt.Errorf("remove %v: %w", key, err))
		}
	}
	errs = append(errs, k.forgetPeers(key, k.peersOf[key], nil))
	return errors.Join(errs...)
}

func (r *Rule) raw(key Key) (vrrpxRule, error) {
	raw := vrrpxRule{
		Version: r.Version, Auth: vrrpxAuth(r.Auth), Interval: r.Interval, Priority: r.Priority,
		UpRate: r.UpRate, UpBurst: r.UpBurst, RouterIfindex: r.Router,
		Slot: r.Slot, SinceNs: uint64(clock.Now()),
	}
	switch {
	case key.Family != vrrp.IPv4 && key.Family != vrrp.IPv6:
		return raw, fmt.Errorf("family is %d, not 4 or 6", key.Family)
	case r.Version != 3 && (r.Version != 2 || key.Family != vrrp.IPv4):
		return raw, fmt.Errorf("no version %d over %v", r.Version, key.Family)
	case r.Auth > vrrp.AuthAH:
		return raw, fmt.Errorf("no authentication type %d", r.Auth)
	case r.UpRate == 0 || r.UpBurst == 0:
		return raw, errors.New("UpRate and UpBurst must be at least 1")
	case r.Elide != nil && r.Auth == vrrp.AuthAH:
		return raw, errors.New("adverts with AH cannot be elided: they must be verified")
	case r.Router == key.Ifindex && r.Router != 0:
		return raw, errors.New("a line of a router on its own interface")
	case r.Elide != nil && r.Master != nil:
		return raw, errors.New("a rule has Elide or Master, not both")
	}
	var err error
	if raw.Group, err = rawAddr(r.Group, key.Family); err != nil {
		return raw, fmt.Errorf("group: %w", err)
	}
	if r.Own.IsValid() {
		if raw.Own, err = rawAddr(r.Own, key.Family); err != nil {
			return raw, fmt.Errorf("own address: %w", err)
		}
	}
	if r.Unicast != nil {
		if err = raw.unicast(r.Unicast, key.Family); err != nil {
			return raw, err
		}
	}
	if m := r.Elide; m != nil {
		raw.Elide = 1
		raw.MatchPriority, raw.MatchInterval, raw.MatchDigest = m.Priority, m.Interval, m.Digest
		if raw.MatchSrc, err = rawAddr(m.Src, key.Family); err != nil {
			return raw, fmt.Errorf("source to elide: %w", err)
		}
	}
	if m := r.Master; m != nil {
		raw.Bound = 1
		raw.MatchPriority, raw.MatchMac = m.Priority, m.MAC
		if raw.MatchSrc, err = rawAddr(m.Src, key.Family); err != nil {
			return raw, fmt.Errorf("source of the master: %w", err)
		}
	}
	return raw, nil
}

// rawAddr is an address as the program has it: IPv4 in the first four bytes.
func rawAddr(a netip.Addr, f vrrp.Family) (raw [16]uint8, err error) {
	if !a.IsValid() || a.Is4() != (f == vrrp.IPv4) {
		return raw, fmt.Errorf("%v is not %v", a, f)
	}
	copy(raw[:], a.AsSlice())
	return raw, nil
}
