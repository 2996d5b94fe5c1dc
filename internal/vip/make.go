package vip

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// prepare makes the owner's devices that are missing and removes those that
// are to go, one request each. It has no part in a takeover: they have long
// been there.
func (m *Manager) prepare(o *owner) {
	m.mu.Lock()
	devices := slices.Clone(o.devices)
	m.mu.Unlock()
	for _, d := range devices {
		m.mu.Lock()
		remove := d.index != 0 && (d.spoilt || d.gone)
		build := m.wantedThere(d) && (d.index == 0 || remove)
		base := m.links.index(d.Base)
		if build && d.pace.next.After(time.Now()) {
			m.wake(d.pace.next)
			build, remove = false, false
		}
		if build && !d.lostAt.IsZero() {
			d.pace.spend(time.Now())
		}
		m.mu.Unlock()
		if remove {
			m.removeDevice(d)
		}
		if remove && d.gone {
			if err := m.dropBases(); err != nil {
				m.trouble(Event{Owner: o.name, Device: d.Name, Err: err})
			}
		}
		if build {
			m.makeDevice(d, base)
		}
	}
}

// makeDevice makes it, with its settings, down.
func (m *Manager) makeDevice(d *macvlan, base int) {
	m.mu.Lock()
	d.busy = true
	m.mu.Unlock()
	err := fmt.Errorf("interface %s does not exist", d.Base)
	if base != 0 {
		err = m.tryDevice(d, base)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d.busy = false
	if err == nil {
		m.restored(d)
		return
	}
	d.err = err
	if base != 0 && !errors.Is(err, unix.ENODEV) { // else LinkNew of the base comes first
		d.pace.fail(time.Now())
		m.wake(d.pace.next)
	}
	if !d.missed {
		m.out = append(m.out, Event{Kind: Missing, Owner: d.owner.name, Device: d.Name, Err: err})
	}
	d.missed, d.lostAt = true, time.Time{}
}

func (m *Manager) tryDevice(d *macvlan, base int) error {
	if err := m.settleBase(d.MACVLAN, base); err != nil {
		return err
	}
	err := m.kernel.apply([]change{{other: d.request(base)}})[0]
	if errors.Is(err, errNoAnswer) {
		m.stale = true
	}
	m.listen() // which tells its index
	m.mu.Lock()
	made := d.index != 0
	d.foreign = !made && errors.Is(err, unix.EEXIST)
	m.unsaved = m.unsaved || d.foreign
	m.mu.Unlock()
	switch {
	case d.foreign:
		return fmt.Errorf("there is a device %s already, and it is not ours: remove it (`ip link delete %s`), or give use_vmac another name", d.Name, d.Name)
	case !made && err == nil:
		return errNoAnswer
	case !made:
		return err
	}
	if err := m.configure(d); err != nil {
		m.removeDevice(d)
		return err
	}
	return nil
}

// configure makes a device's settings. It is down yet.
func (m *Manager) configure(d *macvlan) error {
	return m.sysctls.do(func() error {
		all, err := d.settings()
		if err != nil {
			return err
		}
		for _, s := range all {
			if err := s.write(s.value); err != nil {
				return err
			}
		}
		return nil
	})
}

// removeDevice removes a device of ours; what it carries goes with it.
func (m *Manager) removeDevice(d *macvlan) {
	m.mu.Lock()
	index, busy := d.index, d.busy
	d.busy = true
	m.mu.Unlock()
	err := m.kernel.apply([]change{{other: removing(index)}})[0]
	m.listen()
	m.mu.Lock()
	defer m.mu.Unlock()
	d.busy = busy
	if err != nil && !errors.Is(err, unix.ENODEV) {
		d.err = err
		d.pace.fail(time.Now())
		m.wake(d.pace.next)
		m.out = append(m.out, Event{Kind: Trouble, Owner: d.owner.name, Device: d.Name, Err: err})
	}
}

// removeDevices is for a manager that closes: all in one request, since each
// takes the kernel some time. It returns the errors of those that stay.
func (m *Manager) removeDevices() (left []error) {
	m.mu.Lock()
	var changes []change
	var devices []*macvlan
	for _, d := range m.devices {
		if d.index != 0 {
			devices = append(devices, d)
			changes = append(changes, change{other: removing(d.index)})
		}
	}
	m.mu.Unlock()
	for i, err := range m.kernel.apply(changes) {
		if err != nil && !errors.Is(err, unix.ENODEV) {
			left = append(left, fmt.Errorf("device %s: %w", devices[i].Name, err))
		}
	}
	return left
}
