package vip

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// macvlan is a MACVLAN that an owner declared, as the kernel has told of it.
type macvlan struct {
	MACVLAN
	owner   *owner
	gone    bool // no longer declared: to be removed
	index   int  // 0 while it is not there
	up      bool // IFF_UP
	spoilt  bool // its name, MAC or base is not the declared one: to be made anew
	foreign bool // somebody else's has the name
	busy    bool // in the request under way
	missed  bool // its absence has been told
	err     error

	lostAt time.Time // someone else changed or removed it; zero when nobody did
	pace   pace
}

// wantedThere and wantedUp tell whether it shall exist, and be up.
func (m *Manager) wantedThere(d *macvlan) bool { return !d.gone && !m.closing }
func (m *Manager) wantedUp(d *macvlan) bool    { return d.owner.held && m.wantedThere(d) }

// unsettledDevice tells whether it is not as wanted, and can be.
func (m *Manager) unsettledDevice(d *macvlan) bool {
	switch {
	case d.index == 0:
		return m.wantedThere(d) && m.links.index(d.Base) != 0 // without a base, LinkNew comes first
	case d.spoilt || d.gone:
		return true
	}
	return d.up != m.wantedUp(d)
}

// index is that of the device of that name; of one that we are to make, only
// when it is ours.
func (m *Manager) index(name string) int {
	if d := m.devices[name]; d != nil {
		return d.index
	}
	return m.links.index(name)
}

// checkDevices tells why the owner cannot have these. The caller holds m.mu.
func (m *Manager) checkDevices(owner string, devices []MACVLAN) error {
	for i, v := range devices {
		if err := v.check(); err != nil {
			return fmt.Errorf("%s: %w", owner, err)
		}
		same := func(w MACVLAN) bool { return w.Name == v.Name }
		if d := m.devices[v.Name]; d != nil && !d.gone && d.owner.name != owner || slices.ContainsFunc(devices[:i], same) {
			return fmt.Errorf("%s: device %s is declared already", owner, v.Name)
		}
	}
	return nil
}

// declareDevices notes them in place of those before. The caller holds m.mu.
func (m *Manager) declareDevices(o *owner, devices []MACVLAN) {
	for _, d := range o.devices {
		d.gone = true
	}
	for _, v := range devices {
		d := m.devices[v.Name]
		if d == nil {
			d = &macvlan{owner: o, foreign: m.links.index(v.Name) != 0}
			m.devices[v.Name] = d
			o.devices = append(o.devices, d)
		} else if d.owner != o { // who forgot it, and has not removed it yet
			d.owner.devices = slices.DeleteFunc(d.owner.devices, func(x *macvlan) bool { return x == d })
			d.owner = o
			o.devices = append(o.devices, d)
		}
		d.spoilt = d.spoilt || d.index != 0 && d.MACVLAN != v
		d.MACVLAN, d.gone = v, false
	}
}

// hearLink takes in what the kernel says of a device of ours, in one order with
// what it says of addresses. The caller holds m.mu.
func (m *Manager) hearLink(msg syscall.NetlinkMessage) {
	if len(m.devices) == 0 {
		return
	}
	link, family, err := parseLink(msg.Data)
	if err != nil || family != unix.AF_UNSPEC {
		return // of what makes no sense, links tells
	}
	if msg.Header.Type == unix.RTM_DELLINK {
		m.deviceWent(link.Index)
	} else {
		m.deviceIs(link)
	}
}

func (m *Manager) deviceAt(index int) *macvlan {
	for _, d := range m.devices {
		if d.index == index {
			return d
		}
	}
	return nil
}

// deviceIs notes the state of a device, if it is one of ours.
func (m *Manager) deviceIs(link Link) {
	d := m.deviceAt(link.Index)
	if d == nil {
		if d = m.devices[link.Name]; d == nil || !d.busy || !link.private {
			return
		}
		d.index = link.Index // the one that was asked for
	}
	before, base := *d, m.links.index(d.Base)
	d.up = link.Flags&unix.IFF_UP != 0
	d.spoilt = link.Name != d.Name || !bytes.Equal(link.MAC, d.MAC[:]) || base != 0 && link.parent != base
	if d.spoilt && !before.spoilt || d.up != before.up && d.up != m.wantedUp(d) {
		m.disturbed(d)
	}
}

// deviceWent notes that it is no longer there.
func (m *Manager) deviceWent(index int) {
	if d := m.deviceAt(index); d != nil {
		d.index, d.up, d.spoilt = 0, false, false
		m.disturbed(d)
	}
}

// disturbed has someone else's change undone. Whose it was the kernel does not
// say: what it tells of devices has no port id.
func (m *Manager) disturbed(d *macvlan) {
	if d.busy || !m.wantedThere(d) {
		return // by us
	}
	if d.lostAt.IsZero() {
		d.lostAt = time.Now()
	}
	m.enqueue(d.owner)
}

// resyncDevices compares with all interfaces that there are.
func (m *Manager) resyncDevices(links map[int]Link) {
	for _, d := range m.devices {
		if _, ok := links[d.index]; d.index != 0 && !ok {
			m.deviceWent(d.index)
		}
	}
	for _, l := range links {
		m.deviceIs(l)
	}
}

// restored tells that a device is as wanted again. The caller holds m.mu.
func (m *Manager) restored(d *macvlan) {
	d.pace.wait, d.err = 0, nil
	if d.missed || !d.lostAt.IsZero() {
		ev := Event{Kind: Made, Owner: d.owner.name, Device: d.Name}
		if !d.lostAt.IsZero() {
			ev.Took = time.Since(d.lostAt)
		}
		m.out = append(m.out, ev)
	}
	d.missed, d.lostAt = false, time.Time{}
}

// planDevices lists what sets the owner's devices up, or down: before their
// addresses come, so that nothing is announced twice, and before they go, so
// that no goodbye of theirs leaves by a MAC that is another host's by then.
func (m *Manager) planDevices(o *owner, now time.Time, asked bool) (ops []op) {
	for _, d := range o.devices {
		up := m.wantedUp(d)
		switch {
		case d.index == 0 || d.up == up:
		case !asked && d.pace.next.After(now):
			m.wake(d.pace.next)
		default:
			if !asked {
				d.pace.spend(now)
			}
			ops = append(ops, op{change: change{other: raising(d.index, up)}, device: d})
		}
	}
	return ops
}

// concludeDevice notes what the kernel said.
func (m *Manager) concludeDevice(op op, err error) {
	d := op.device
	d.busy = false
	if errors.Is(err, unix.ENODEV) { // it has just gone
		m.enqueue(d.owner)
		return
	}
	if err != nil {
		d.err = err
		d.pace.fail(time.Now())
		m.wake(d.pace.next)
		m.out = append(m.out, Event{Kind: Trouble, Owner: d.owner.name, Device: d.Name, Err: err})
		return
	}
	m.restored(d)
	if m.unsettledDevice(d) { // changed at the same time
		m.enqueue(d.owner)
	}
}
