package vip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
)

// Options say where a Manager keeps its state and whom it tells.
type Options struct {
	// StateFile is rewritten whenever the addresses change that a kill could
	// leave behind. One Manager at a time may use its directory.
	StateFile string
	// Events, if set, is called from the manager's goroutines, one call at a time. It
	// must not block: nothing is done for addresses and links meanwhile. It
	// may call the Manager, but for Close.
	Events func(Event)
}

// Open removes what a killed process has left, and starts. It is an error when
// the state file cannot be trusted or written, or another process uses it.
func Open(o Options) (m *Manager, err error) {
	if err := os.MkdirAll(filepath.Dir(o.StateFile), 0o755); err != nil {
		return nil, fmt.Errorf("directory of the state file: %w", err)
	}
	m = &Manager{
		stateFile: o.StateFile,
		events:    o.Events,
		done:      make(chan struct{}),
		owners:    map[string]*owner{},
		entries:   map[netip.Prefix][]*entry{},
		devices:   map[string]*macvlan{},
		bases:     map[string]*base{},
		watched:   map[string]own{},
		sources:   map[Source]bool{},
	}
	if m.events == nil {
		m.events = func(Event) {}
	}
	var undo []func()
	defer func() {
		if err != nil {
			for _, f := range slices.Backward(undo) {
				f()
			}
			m = nil
		}
	}()
	if m.lock, err = lockFor(o.StateFile); err != nil {
		return
	}
	undo = append(undo, func() { m.lock.Close() })
	if m.state, err = newState(); err != nil {
		return
	}
	if m.sysctls, err = openSysctls(); err != nil {
		return
	}
	undo = append(undo, m.sysctls.close)
	removed, err := clean(o.StateFile, m.state)
	if err != nil {
		return
	}
	for _, what := range removed {
		m.out = append(m.out, Event{Kind: Cleaned, What: what})
	}
	if err = m.state.save(o.StateFile); err != nil {
		return
	}
	if m.bell, err = newBell(); err != nil {
		return
	}
	undo = append(undo, m.bell.close)
	if m.kernel, err = openRequester(); err != nil {
		return
	}
	undo = append(undo, m.kernel.close)
	if m.monitor, err = openSocket(groupIPv4 | groupIPv6 | groupLink); err != nil {
		return
	}
	undo = append(undo, m.monitor.close)
	if m.dumper, err = openDumper(); err != nil {
		return
	}
	undo = append(undo, m.dumper.close)
	if m.links, err = openLinks(m.linkEvent); err != nil {
		return
	}
	undo = append(undo, m.links.close)
	if m.routing, err = openRouting(m); err != nil {
		return
	}
	undo = append(undo, func() { m.routing.bell.close(); m.routing.closeSockets() })
	if err = m.resync(); err != nil {
		return
	}
	go m.links.run()
	go m.routing.run()
	go m.run()
	return
}

// Close releases every address of ours, removes the state file and stops. An
// error says what is left on the host; then the state file stays, for Cleanup.
// When ctx ends first, the work goes on, and the answer says so.
func (m *Manager) Close(ctx context.Context) error {
	m.enter()
	m.words.close()
	if !m.closing {
		m.closing = true
		m.routing.close()
		for _, o := range m.owners {
			m.stir(o)
		}
		m.bell.ring()
	}
	m.mu.Unlock()
	select {
	case <-m.done:
		return m.closeErr
	case <-ctx.Done():
		return fmt.Errorf("the kernel has not removed all addresses yet: %w", ctx.Err())
	}
}

// finish ends the goroutine of the manager.
func (m *Manager) finish() {
	<-m.routing.done
	m.routing.bell.close()
	m.links.stop()
	left := append(m.removeDevices(), m.dropBases())
	left = append(left, m.routing.left...)
	m.mu.Lock()
	for _, o := range m.owners {
		for _, e := range o.entries {
			if e.ours && m.isOnHost(e) {
				left = append(left, AddressError{e.Address, cmp.Or(e.err, errNoAnswer)})
			}
		}
	}
	m.mu.Unlock()
	if err := errors.Join(left...); err != nil {
		m.closeErr = fmt.Errorf("left on the host, `vrrpx cleanup` tries again: %w", err)
	} else if err := os.Remove(m.stateFile); err != nil {
		m.closeErr = fmt.Errorf("state file: %w", err)
	}
	m.dumper.close()
	m.monitor.close()
	m.kernel.close()
	m.sysctls.close()
	m.bell.close()
	m.lock.Close()
	close(m.done)
}
