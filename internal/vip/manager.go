package vip

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"
)

// Manager keeps the virtual addresses of one network namespace, the one of the
// thread that called Open. Its methods may be called from any goroutine, and
// but for Close none of them waits for the kernel or a disk.
type Manager struct {
	stateFile string
	state     state
	lock      *os.File
	kernel    *requester
	monitor   *socket
	dumper    dumper
	links     *links
	sysctls   sysctls
	bell      bell
	routing   *routing
	saving    sync.Mutex // held while the state file is written; before mu
	done      chan struct{}
	closeErr  error // valid when done is closed

	words   words
	telling sync.Mutex
	events  func(Event)

	mu      sync.Mutex
	owners  map[string]*owner
	entries map[netip.Prefix][]*entry // those of one prefix, on several devices
	devices map[string]*macvlan       // by name
	bases   map[string]*base          // those with settings of ours
	queue   []*owner                  // to be settled, in the order of the last word on each
	host    map[spot]seen             // every address the host has
	watched map[string]own            // the addresses last told
	sources map[Source]bool           // likewise whether they are there
	out     []Event
	arrival uint64
	retryAt time.Time // when something is due that waits; zero for nothing
	unsaved bool
	stale   bool // host may be wrong
	moved   bool // a primary address may have changed
	closing bool
}

// Host is the owner of what the host has whoever is MASTER.
const Host = ""

// owner is one virtual router.
type owner struct {
	name    string
	entries []*entry
	devices []*macvlan
	held    bool
	gone    bool      // forgotten: goes when its addresses have gone
	asked   time.Time // of the Hold or Release not yet answered; zero when all are
}

// entry is one address of an owner.
type entry struct {
	Address
	owner *owner
	gone  bool // no longer declared: to be removed
	redo  bool // declared anew with another label or scope
	ours  bool // on the host, or was until someone removed it, because we added it
	index int  // of the device on which it is ours
	busy  bool // in the request under way
	fled  bool // removed by another since that request began
	err   error

	lostAt  time.Time // someone else removed it; zero when nobody did
	culprit string
	pace    pace
}

// wanted tells whether the address shall be on the host.
func (m *Manager) wanted(e *entry) bool { return e.owner.held && !e.gone && !m.closing }

// Declare says which addresses the owner may hold, and which devices of ours
// they are on where they are not on others, and replaces what was said before.
// Addresses that are on the host already, and not by us, are told as Foreign and
// stay. Devices are made at once; Made and Missing tell what becomes of them. It
// is an error, and nothing is changed, when an address or device is impossible,
// twice in the list or another owner's.
func (m *Manager) Declare(name string, addrs []Address, devices ...MACVLAN) error {
	if err := Check(map[string][]Address{name: addrs}); err != nil {
		return err
	}
	m.enter()
	defer m.mu.Unlock()
	if m.closing {
		return errors.New("the address manager is closed")
	}
	for _, a := range addrs {
		if e := m.entry(a.place()); e != nil && !e.gone && e.owner.name != name {
			return fmt.Errorf("%s: %s belongs to %s already", name, a, e.owner.name)
		}
	}
	if err := m.checkDevices(name, devices); err != nil {
		return err
	}
	o := m.owners[name]
	if o == nil {
		o = &owner{name: name}
		m.owners[name] = o
	}
	o.gone = false
	for _, e := range o.entries {
		e.gone = true
	}
	m.declareDevices(o, devices)
	for _, a := range addrs {
		m.declare(o, a)
	}
	m.unsaved = true
	m.enqueue(o)
	m.bell.ring()
	return nil
}

// Check tells what would keep all of these owners from declaring these addresses
// side by side.
func Check(owners map[string][]Address) error {
	whose := map[place]string{}
	for _, name := range slices.Sorted(maps.Keys(owners)) {
		for _, a := range owners[name] {
			if err := a.check(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			switch first, again := whose[a.place()]; {
			case again && first == name:
				return fmt.Errorf("%s: %s is listed twice", name, a)
			case again:
				return fmt.Errorf("%s: %s belongs to %s already", name, a, first)
			}
			whose[a.place()] = name
		}
	}
	return nil
}

// declare moves the address's entry to the end of the owner's, so that the
// order is that of the last declaration.
func (m *Manager) declare(o *owner, a Address) {
	e := m.entry(a.place())
	if e == nil {
		e = &entry{Address: a, owner: o}
		m.entries[a.Prefix] = append(m.entries[a.Prefix], e)
		if m.isOnHost(e) {
			m.out = append(m.out, Event{Kind: Foreign, Owner: o.name, Address: a})
		}
	} else {
		e.owner.entries = slices.DeleteFunc(e.owner.entries, func(x *entry) bool { return x == e })
		e.redo = e.redo || e.ours && e.Address != a
		e.owner, e.gone, e.Address = o, false, a
	}
	o.entries = append(o.entries, e)
}

// stir has the owner settled soon: a word from above does not wait for what
// was put off, and is no putting back. The caller holds m.mu.
func (m *Manager) stir(o *owner) {
	for _, e := range o.entries {
		e.pace, e.lostAt = pace{}, time.Time{}
	}
	for _, d := range o.devices {
		d.pace = pace{}
	}
	m.enqueue(o)
}

// enqueue puts the owner last. The caller holds m.mu.
func (m *Manager) enqueue(o *owner) {
	m.queue = slices.DeleteFunc(m.queue, func(x *owner) bool { return x == o })
	m.queue = append(m.queue, o)
}

// Status is one declared address as it stands.
type Status struct {
	Owner   string
	Address Address
	Wanted  bool
	Present bool
	Foreign bool  // present, and not by us
	Err     error // why it is not as wanted, where the kernel refused it
}

// Snapshot tells of all declared addresses, by owner's name and as declared.
func (m *Manager) Snapshot() []Status {
	m.enter()
	defer m.mu.Unlock()
	var all []Status
	for _, o := range m.owners {
		for _, e := range o.entries {
			s := Status{Owner: o.name, Address: e.Address, Wanted: m.wanted(e), Present: m.isOnHost(e)}
			s.Foreign = s.Present && !e.ours
			if s.Wanted != s.Present && !s.Foreign {
				s.Err = e.err
			}
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b Status) int { return cmp.Compare(a.Owner, b.Owner) })
	return all
}

// DeviceStatus is one declared device as it stands.
type DeviceStatus struct {
	MACVLAN
	Owner string
	There bool
	Up    bool
	Err   error // why it is not as wanted
}

// Devices tells of all declared devices, by name.
func (m *Manager) Devices() []DeviceStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []DeviceStatus
	for _, d := range m.devices {
		all = append(all, DeviceStatus{MACVLAN: d.MACVLAN, Owner: d.owner.name, There: d.index != 0, Up: d.up, Err: d.err})
	}
	slices.SortFunc(all, func(a, b DeviceStatus) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Watch sets the devices of which link and own-address events are wanted,
// in place of those named before, of which none is lost. They need not exist.
func (m *Manager) Watch(devices ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	watched := map[string]own{}
	for _, d := range devices {
		told, ok := m.watched[d]
		if !ok {
			told = m.own(d)
		}
		watched[d] = told
	}
	m.watched = watched
}

// Link is the interface of that name as last notified, and whether there is
// one. After Watch, no change can fall between its answer and the events.
func (m *Manager) Link(name string) (Link, bool) { return m.links.link(name) }

// PrimaryIPv4 is the device's first IPv4 address of global scope that is not
// secondary and not ours, with its prefix length, and whether there is one.
func (m *Manager) PrimaryIPv4(device string) (netip.Prefix, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.primary(device)
	return p, p.IsValid()
}

// LinkLocal is the device's oldest IPv6 link-local address that is not ours and
// has passed duplicate address detection, and whether there is one.
func (m *Manager) LinkLocal(device string) (netip.Prefix, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.linkLocal(device)
	return p, p.IsValid()
}
