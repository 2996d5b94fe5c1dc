package testnet

import (
	"errors"
	"fmt"
)

// Part cuts the line between these hosts: they do not hear each other any more,
// over any of their interfaces, and keep their carrier and the other hosts.
func (l *LAN) Part(hosts ...string) error { return l.isolate(true, hosts) }

// Unpart ends Part.
func (l *LAN) Unpart(hosts ...string) error { return l.isolate(false, hosts) }

// isolate: a bridge passes nothing from an isolated port to another.
func (l *LAN) isolate(on bool, hosts []string) error {
	var errs []error
	for _, h := range hosts {
		for _, p := range l.Host(h).Links {
			link, err := l.sw.nl.LinkByName(p.port)
			if err == nil {
				err = l.sw.nl.LinkSetIsolated(link, on)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("isolate %s of %s: %w", p.Name, h, err))
			}
		}
	}
	return errors.Join(errs...)
}
