package vip

import "net/netip"

// Source is an address from which something is to be sent.
type Source struct {
	Device string
	Addr   netip.Addr
}

// WatchSources sets the addresses whose coming and going are wanted as events,
// in place of those named before, of which none is lost. The devices are ones of
// Watch.
func (m *Manager) WatchSources(sources ...Source) {
	m.mu.Lock()
	defer m.mu.Unlock()
	watched := map[Source]bool{}
	for _, s := range sources {
		told, ok := m.sources[s]
		if !ok {
			told = m.has(s)
		}
		watched[s] = told
	}
	m.sources = watched
}

// Has tells whether an address is on its device and fit to send from: not
// tentative. Who put it there does not matter.
func (m *Manager) Has(s Source) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.has(s)
}

func (m *Manager) has(s Source) bool {
	index := m.links.index(s.Device)
	for at, seen := range m.host {
		if at.index == index && at.prefix.Addr() == s.Addr && !seen.tentative {
			return true
		}
	}
	return false
}

func (m *Manager) isSource(a netip.Addr) bool {
	for s := range m.sources {
		if s.Addr == a {
			return true
		}
	}
	return false
}

// tellSources compares with what was last told. The caller holds m.mu.
func (m *Manager) tellSources() {
	for s, old := range m.sources {
		now := m.has(s)
		if now == old {
			continue
		}
		m.sources[s] = now
		kind := SourceWent
		if now {
			kind = SourceCame
		}
		m.out = append(m.out, Event{Kind: kind, Link: Link{Name: s.Device}, Source: s})
	}
}
