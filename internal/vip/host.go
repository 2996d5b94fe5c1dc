package vip

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// spot is an address as the kernel places it.
type spot struct {
	index  int
	prefix netip.Prefix
}

// seen is what is known of an address on the host.
type seen struct {
	scope     uint8
	secondary bool
	tentative bool
	order     uint64 // of two, the one with the smaller order came first
}

// entry finds the declared address, nil when there is none.
func (m *Manager) entry(p place) *entry {
	for _, e := range m.entries[p.prefix] {
		if e.Device == p.device {
			return e
		}
	}
	return nil
}

// at is where the address is when it is ours, else where it would be.
func (m *Manager) at(e *entry) spot {
	if e.ours {
		return spot{e.index, e.Prefix}
	}
	return spot{m.index(e.Device), e.Prefix}
}

func (m *Manager) isOnHost(e *entry) bool {
	_, ok := m.host[m.at(e)]
	return ok
}

func (m *Manager) entryAt(s spot) *entry {
	for _, e := range m.entries[s.prefix] {
		if m.at(e) == s {
			return e
		}
	}
	return nil
}

// listen takes in the notifications that wait. After an error or a loss the
// picture may be wrong, and all is read anew.
func (m *Manager) listen() {
	for {
		msgs, err := m.monitor.receive()
		if err != nil {
			m.stale = true
			if errors.Is(err, errLost) {
				continue
			}
			m.trouble(Event{Err: err})
			break
		}
		if msgs == nil {
			break
		}
		m.mu.Lock()
		for _, msg := range msgs {
			m.hear(msg)
		}
		m.mu.Unlock()
	}
	if m.stale {
		if err := m.resync(); err != nil {
			m.trouble(Event{Err: err})
		}
	}
	m.mu.Lock()
	m.tellPrimaries()
	m.mu.Unlock()
}

func (m *Manager) hear(msg syscall.NetlinkMessage) {
	if msg.Header.Type == unix.RTM_NEWLINK || msg.Header.Type == unix.RTM_DELLINK {
		m.hearLink(msg)
		return
	}
	if msg.Header.Type != unix.RTM_NEWADDR && msg.Header.Type != unix.RTM_DELADDR {
		return
	}
	a, err := parseAddress(msg.Data)
	if err != nil {
		m.out = append(m.out, Event{Kind: Trouble, Err: err})
		return
	}
	ours := msg.Header.Pid == m.kernel.port
	who := func() string { return culprit(msg.Header.Pid) }
	if msg.Header.Type == unix.RTM_NEWADDR {
		m.came(a, ours, who)
	} else {
		m.went(spot{a.index, a.prefix}, ours, who)
	}
}

// came notes that an address is on the host, or that its flags changed.
func (m *Manager) came(a hostAddress, byUs bool, who func() string) {
	at := spot{a.index, a.prefix}
	old, known := m.host[at]
	now := seen{a.scope, a.secondary, a.tentative, old.order}
	if !known || old.secondary != a.secondary {
		m.arrival++ // the kernel, too, moves one that is promoted behind the others
		now.order = m.arrival
	}
	m.host[at] = now
	e := m.entryAt(at)
	if e == nil {
		m.moved = m.moved || m.mayBeOwn(at.prefix.Addr())
		return
	}
	e.lostAt, e.culprit = time.Time{}, ""
	if byUs {
		e.ours, e.index = true, a.index
	}
	m.moved = m.moved || e.owner.name == Host
	if e.ours {
		return
	}
	m.moved = true
	if !known && !e.busy { // of one that is busy, the answer tells
		m.foreign(e, who())
	}
}

// added notes that the kernel has taken an address, for which its word will do:
// of an IPv6 address without duplicate address detection the notification comes
// later, from a work queue (inet6_addr_add in net/ipv6/addrconf.c). Were it waited
// for, a Release before it would find nothing to remove.
func (m *Manager) added(e *entry) {
	at := m.at(e)
	if _, known := m.host[at]; known {
		return
	}
	if e.fled {
		e.lostAt, e.culprit = time.Now(), unheard
		m.enqueue(e.owner)
		return
	}
	m.arrival++
	m.host[at] = seen{scope: e.Scope, order: m.arrival}
}

// foreign notes that someone else has put the address there.
func (m *Manager) foreign(e *entry, who string) {
	m.unsaved, m.moved = true, true
	m.out = append(m.out, Event{Kind: Foreign, Owner: e.owner.name, Address: e.Address, Culprit: who})
}

// went notes that an address is no longer on the host. One that is wanted will
// be put back; who removed it is asked at once, before the process has gone.
func (m *Manager) went(at spot, byUs bool, who func() string) {
	if _, known := m.host[at]; !known {
		if e := m.entryAt(at); e != nil {
			e.fled = true
		}
		return
	}
	delete(m.host, at)
	e := m.entryAt(at)
	if e == nil {
		m.moved = m.moved || m.mayBeOwn(at.prefix.Addr())
		if byUs {
			a := Address{Prefix: at.prefix, Device: m.links.name(at.index)}
			m.out = append(m.out, Event{Kind: Lost, Address: a})
		}
		return
	}
	if !e.ours {
		m.unsaved, m.moved = true, true
	}
	m.moved = m.moved || e.owner.name == Host
	e.fled = e.fled || e.busy && !byUs
	switch {
	case byUs && e.busy: // asked for
	case m.wanted(e):
		e.lostAt = time.Now()
		if e.culprit = cascade; !byUs {
			e.culprit = who()
		}
		m.enqueue(e.owner)
		return
	}
	e.ours = e.redo && e.ours
}

const (
	cascade = "the kernel, together with the subnet's primary address, which was ours (see net.ipv4.conf.*.promote_secondaries)"
	unheard = "unknown, since netlink messages were lost"
)

// resync reads all addresses and treats what differs as if it had been heard.
func (m *Manager) resync() error {
	all, err := m.dumper.addresses()
	var links map[int]Link
	if err == nil {
		links, err = m.dumper.links()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stale = err != nil
	if err != nil {
		m.wake(time.Now().Add(time.Second))
		return err
	}
	if m.host == nil {
		m.host = make(map[spot]seen, len(all))
	}
	who := func() string { return unheard }
	m.resyncDevices(links)
	there := make(map[spot]bool, len(all))
	for _, a := range all {
		there[spot{a.index, a.prefix}] = true
	}
	for at := range m.host {
		if !there[at] {
			m.went(at, false, who)
		}
	}
	for _, a := range all {
		m.came(a, false, who)
	}
	return nil
}

// own are a device's own addresses, from which adverts come.
type own struct{ ipv4, linkLocal netip.Prefix }

// mayBeOwn tells the addresses that primary, linkLocal and has look at.
func (m *Manager) mayBeOwn(a netip.Addr) bool {
	return a.Is4() || a.IsLinkLocalUnicast() || m.isSource(a)
}

func (m *Manager) own(device string) own { return own{m.primary(device), m.linkLocal(device)} }

// primary is PrimaryIPv4 for one who holds m.mu.
func (m *Manager) primary(device string) netip.Prefix {
	return m.first(device, func(a netip.Addr, s seen) bool {
		return a.Is4() && !s.secondary && s.scope == unix.RT_SCOPE_UNIVERSE
	})
}

// linkLocal is LinkLocal for one who holds m.mu.
func (m *Manager) linkLocal(device string) netip.Prefix {
	return m.first(device, func(a netip.Addr, s seen) bool {
		return a.Is6() && a.IsLinkLocalUnicast() && !s.tentative
	})
}

// first is the device's oldest address that will do and is not ours.
func (m *Manager) first(device string, willDo func(netip.Addr, seen) bool) netip.Prefix {
	index := m.links.index(device)
	var first netip.Prefix
	var order uint64
	for at, s := range m.host {
		if at.index != index || !willDo(at.prefix.Addr(), s) {
			continue
		}
		if e := m.entryAt(at); e != nil && (e.ours || e.busy) && e.owner.name != Host {
			continue // busy: being added, and the kernel's word came before its answer
		}
		if !first.IsValid() || s.order < order {
			first, order = at.prefix, s.order
		}
	}
	return first
}

// tellPrimaries compares the watched devices' own addresses with those
// last told. A takeover, which moves our addresses only, does not come here.
func (m *Manager) tellPrimaries() {
	if !m.moved {
		return
	}
	m.moved = false
	m.tellSources()
	for device, old := range m.watched {
		now := m.own(device)
		if now == old {
			continue
		}
		m.watched[device] = now
		link, ok := m.links.link(device)
		if !ok {
			link = Link{Name: device}
		}
		if now.ipv4 != old.ipv4 {
			m.out = append(m.out, Event{Kind: PrimaryChanged, Link: link, Primary: now.ipv4})
		}
		if now.linkLocal != old.linkLocal {
			m.out = append(m.out, Event{Kind: LinkLocalChanged, Link: link, Primary: now.linkLocal})
		}
	}
}

// linkEvent is called by links. On a device that came or came back, what is
// wanted is tried again.
func (m *Manager) linkEvent(ev Event) {
	m.mu.Lock()
	_, watched := m.watched[ev.Link.Name]
	switch ev.Kind {
	case LinkNew, LinkUp:
		for _, o := range m.owners {
			on := func(e *entry) bool { return e.Device == ev.Link.Name && m.wanted(e) }
			over := func(d *macvlan) bool { return d.Base == ev.Link.Name }
			if slices.ContainsFunc(o.entries, on) || slices.ContainsFunc(o.devices, over) {
				for _, e := range o.entries {
					e.pace = pace{}
				}
				for _, d := range o.devices {
					d.pace = pace{}
				}
				m.enqueue(o)
			}
		}
		fallthrough
	case LinkGone:
		if d := m.devices[ev.Link.Name]; ev.Kind == LinkGone && d != nil && d.foreign { // somebody else's is out of the way
			d.foreign, d.pace, m.unsaved = false, pace{}, true
			m.enqueue(d.owner)
		}
		m.moved = true
		m.bell.ring()
	}
	m.mu.Unlock()
	if watched || ev.Kind == Trouble {
		m.tell(ev)
	}
}

// tell passes one event on.
func (m *Manager) tell(ev Event) {
	m.telling.Lock()
	defer m.telling.Unlock()
	m.events(ev)
}

// trouble notes it for people.
func (m *Manager) trouble(ev Event) {
	ev.Kind = Trouble
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out = append(m.out, ev)
}
