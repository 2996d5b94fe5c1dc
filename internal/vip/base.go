package vip

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// base is an interface under MACVLANs, of which some settings were changed:
// what it had before is put back when no MACVLAN needs it.
type base struct {
	index int
	was   []changedSetting
}

// changedSetting is a setting that we changed. It is put back only from New:
// from anything else, somebody has changed it since.
type changedSetting struct {
	sysctl
	Old, New int
}

// isOurs tells whether it is a setting that we could have changed: what the
// state file says is written as root.
func (s changedSetting) isOurs() bool {
	if s.Family != "ipv4" || s.Device == "" || s.Device == "." || s.Device == ".." || strings.Contains(s.Device, "/") {
		return false
	}
	for _, of := range ofBase {
		if s.Name == of.name {
			return true
		}
	}
	return false
}

// settleBase makes the settings that a MACVLAN needs of its base. They are in
// the state file first.
func (m *Manager) settleBase(v MACVLAN, index int) error {
	m.mu.Lock()
	b := m.bases[v.Base]
	m.mu.Unlock()
	if !v.IPv4 || b != nil && b.index == index {
		return nil
	}
	return m.sysctls.do(func() error {
		b, err := planBase(v.Base, index)
		if err != nil {
			return err
		}
		m.mu.Lock()
		m.bases[v.Base], m.unsaved = b, true
		m.mu.Unlock()
		m.save()
		for _, s := range b.was {
			if err := s.write(s.New); err != nil {
				m.mu.Lock()
				delete(m.bases, v.Base)
				m.mu.Unlock()
				return errors.Join(err, b.restore())
			}
		}
		return nil
	})
}

// planBase finds what has to be changed. Of a setting, the kernel takes the
// higher of the interface's and that of "all".
func planBase(name string, index int) (*base, error) {
	b := &base{index: index}
	for _, want := range ofBase {
		s := sysctl{"ipv4", name, want.name}
		own, err := s.read()
		if err != nil {
			return nil, err
		}
		all, err := sysctl{"ipv4", "all", want.name}.read()
		if err != nil {
			return nil, err
		}
		if slices.Contains(want.does, max(own, all)) {
			continue
		}
		if !slices.Contains(want.does, max(want.value, all)) {
			return nil, fmt.Errorf("net.ipv4.conf.all.%s is %d: with use_vmac it must be %d or lower", want.name, all, want.value)
		}
		b.was = append(b.was, changedSetting{s, own, want.value})
	}
	return b, nil
}

// restore puts the settings back. The caller is in the namespace.
func (b *base) restore() error {
	var errs []error
	for _, s := range b.was {
		if _, err := s.restore(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// restore puts one back, if it is there and nobody has changed it since.
func (s changedSetting) restore() (done bool, err error) {
	if now, err := s.read(); err != nil || now != s.New {
		return false, nil
	}
	return true, s.write(s.Old)
}

// dropBases puts back the settings of interfaces under which no MACVLAN is
// left.
func (m *Manager) dropBases() error {
	m.mu.Lock()
	var unused []*base
	for name, b := range m.bases {
		needed := false
		for _, d := range m.devices {
			needed = needed || m.wantedThere(d) && d.IPv4 && d.Base == name
		}
		if !needed {
			unused = append(unused, b)
			delete(m.bases, name)
			m.unsaved = true
		}
	}
	m.mu.Unlock()
	if len(unused) == 0 {
		return nil
	}
	return m.sysctls.do(func() error {
		var errs []error
		for _, b := range unused {
			errs = append(errs, b.restore())
		}
		return errors.Join(errs...)
	})
}
