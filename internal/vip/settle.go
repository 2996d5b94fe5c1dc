package vip

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// run is the goroutine that alone asks the kernel for addresses.
func (m *Manager) run() {
	defer m.finish()
	for {
		for m.step() {
		}
		if m.idle() {
			return
		}
		m.bell.wait(m.monitor.fd, m.timeout())
	}
}

// step takes in what happened and settles the owners whose turn it is. It tells
// whether there were any.
func (m *Manager) step() bool {
	m.listen()
	m.enter()
	m.requeue(time.Now())
	next := m.take()
	m.mu.Unlock()
	m.save()
	if len(next) > 0 {
		m.settle(next)
	}
	m.flush()
	return len(next) > 0
}

// idle tells whether a manager that closes has nothing more to do.
func (m *Manager) idle() bool {
	m.enter()
	defer m.mu.Unlock()
	return m.closing && len(m.queue) == 0
}

// wake has run look again at that time, if not before. The caller holds m.mu.
func (m *Manager) wake(at time.Time) {
	if m.retryAt.IsZero() || at.Before(m.retryAt) {
		m.retryAt = at
	}
}

// timeout is how long run may sleep; negative for ever.
func (m *Manager) timeout() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.retryAt.IsZero() {
		return -1
	}
	return max(0, time.Until(m.retryAt))
}

// requeue puts the owners of what had to wait into the queue again.
func (m *Manager) requeue(now time.Time) {
	if m.retryAt.IsZero() || now.Before(m.retryAt) {
		return
	}
	m.retryAt = time.Time{}
	for _, o := range m.owners {
		for _, d := range o.devices {
			if m.unsettledDevice(d) && d.pace.next.After(now) {
				m.wake(d.pace.next)
			} else if m.unsettledDevice(d) {
				m.enqueue(o)
			}
		}
		for _, e := range o.entries {
			if m.unsettled(e) && e.pace.next.After(now) {
				m.wake(e.pace.next)
			} else if m.unsettled(e) {
				m.enqueue(o)
				break
			}
		}
	}
}

// unsettled tells whether the host is not as wanted.
func (m *Manager) unsettled(e *entry) bool {
	if m.wanted(e) {
		return !m.isOnHost(e) && m.index(e.Device) != 0 // without a device, LinkNew comes first
	}
	return e.ours && m.isOnHost(e)
}

// save writes the state file before anything is added that it does not list.
// Should it fail, addresses come first: a service without a safety net.
func (m *Manager) save() {
	m.mu.Lock()
	if !m.unsaved {
		m.mu.Unlock()
		return
	}
	m.mu.Unlock()
	m.saving.Lock() // routes are recorded from another goroutine
	defer m.saving.Unlock()
	m.mu.Lock()
	m.unsaved = false
	next := m.state
	next.Addresses = []stateEntry{}
	next.Devices, next.Settings = m.stateDevices(), m.stateSettings()
	for _, o := range m.owners {
		for _, e := range o.entries {
			if e.ours || !m.isOnHost(e) {
				next.Addresses = append(next.Addresses, stateEntry{e.Prefix, e.Device, o.name})
			}
		}
	}
	next.Routes, next.Rules = m.routing.state()
	m.mu.Unlock()
	if err := next.save(m.stateFile); err != nil {
		m.trouble(Event{Err: err})
		m.mu.Lock()
		m.unsaved = true
		m.wake(time.Now().Add(time.Second))
		m.mu.Unlock()
	}
}

// resave writes the state file anew.
func (m *Manager) resave() {
	m.mu.Lock()
	m.unsaved = true
	m.mu.Unlock()
	m.save()
}

// op is a change under way.
type op struct {
	change
	entry   *entry
	device  *macvlan // of a change of a device, which has no entry
	lostAt  time.Time
	culprit string
}

// errNoDevice is the error of an address whose device does not exist now.
var errNoDevice = errors.New("no such device")

// plan lists what has to be done for the owner. The last address goes first:
// removing a subnet's primary address removes its secondaries. The caller
// holds m.mu.
func (m *Manager) plan(o *owner, now time.Time, asked bool) (ops []op, refused []AddressError) {
	for i := len(o.entries) - 1; i >= 0; i-- {
		e := o.entries[i]
		if m.wanted(e) || !e.ours {
			continue
		}
		switch {
		case !m.isOnHost(e):
			e.ours = false
		case e.pace.next.After(now):
			m.wake(e.pace.next)
		default:
			ops = append(ops, removal(e))
		}
	}
	for _, e := range o.entries {
		if !m.wanted(e) {
			continue
		}
		index, there := m.index(e.Device), m.isOnHost(e)
		if there && e.ours && (e.redo || e.index != index) { // or its device was renamed
			ops = append(ops, removal(e))
			there = false
		}
		switch {
		case there:
			e.err = nil
		case index == 0:
			e.err = errNoDevice
			if asked {
				refused = append(refused, AddressError{e.Address, e.err})
			}
		case e.pace.next.After(now):
			m.wake(e.pace.next)
		default:
			if !asked {
				e.pace.spend(now)
			}
			ops = append(ops, op{change: change{address: e.Address, index: index}, entry: e, lostAt: e.lostAt, culprit: e.culprit})
		}
	}
	return ops, refused
}

func removal(e *entry) op {
	return op{change: change{remove: true, address: e.Address, index: e.index}, entry: e}
}

// conclude notes what the kernel said. It returns what is worth telling.
func (m *Manager) conclude(op op, err error) error {
	e := op.entry
	e.busy = false
	if errors.Is(err, errNoAnswer) && !m.stale {
		// All addresses have been read since, and answer.
		if _, there := m.host[spot{op.index, e.Prefix}]; there != op.remove {
			err = nil
		}
	}
	switch {
	case op.remove && (err == nil || isAbsent(err)):
		e.err, e.redo, e.ours = nil, false, false
	case !op.remove && err == nil:
		e.err, e.ours, e.index = nil, true, op.index
		m.added(e)
		e.pace.wait = 0
		if !op.lostAt.IsZero() {
			m.out = append(m.out, Event{
				Kind: Restored, Owner: e.owner.name, Address: e.Address,
				Culprit: op.culprit, Took: time.Since(op.lostAt),
			})
		}
	case !op.remove && errors.Is(err, unix.EEXIST):
		e.err = nil
		if !e.ours {
			m.foreign(e, "")
		}
	case !op.remove && errors.Is(err, unix.ENODEV):
		e.err = errNoDevice // it will be tried when the device comes
		if m.devices[e.Device] != nil {
			return nil // of which more is told
		}
		return e.err
	default:
		e.err = err
		if errors.Is(err, errNoAnswer) && m.stale && !op.remove {
			e.ours, e.index = true, op.index // it was asked for, and was not there before
		}
	}
	if e.err != nil {
		e.pace.fail(time.Now())
		m.wake(e.pace.next)
	}
	return e.err
}

// tidy drops what is declared no longer and has gone. The caller holds m.mu.
func (m *Manager) tidy(o *owner) {
	kept := o.entries[:0]
	for _, e := range o.entries {
		if !e.gone || e.ours {
			kept = append(kept, e)
			continue
		}
		m.drop(e)
	}
	clear(o.entries[len(kept):])
	o.entries = kept
	o.devices = slices.DeleteFunc(o.devices, func(d *macvlan) bool {
		if !d.gone || d.index != 0 {
			return false
		}
		delete(m.devices, d.Name)
		m.unsaved = true
		return true
	})
	if o.gone && len(o.entries) == 0 && len(o.devices) == 0 {
		delete(m.owners, o.name)
	}
}

func (m *Manager) drop(e *entry) {
	rest := m.entries[e.Prefix][:0]
	for _, x := range m.entries[e.Prefix] {
		if x != e {
			rest = append(rest, x)
		}
	}
	if m.entries[e.Prefix] = rest; len(rest) == 0 {
		delete(m.entries, e.Prefix)
	}
}

// flush tells what has happened, without the lock.
func (m *Manager) flush() {
	m.mu.Lock()
	out := m.out
	m.out = nil
	m.mu.Unlock()
	for _, ev := range out {
		m.tell(ev)
	}
}
