package preflight

import (
	"errors"
	"net"

	"github.com/vrrpx/vrrpx/internal/config"
)

// Missing says what a configuration names and this host does not have: an
// interface (*NoInterfaceError), a program or a user (*ProgramError), all of
// them joined. A daemon would not start.
func Missing(cfg *config.Config) error {
	var errs []error
	for _, r := range cfg.Routers {
		if _, err := net.InterfaceByName(r.Interface); err != nil {
			errs = append(errs, &NoInterfaceError{Name: r.Interface, Router: r.Name})
		}
	}
	p := NewPrograms(&cfg.Global)
	for _, c := range cfg.Commands() {
		if _, err := p.Command(c); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// RunsAsRoot is the first program of a configuration that would run as root on
// this host; empty for none.
func RunsAsRoot(cfg *config.Config) string {
	p := NewPrograms(&cfg.Global)
	for _, c := range cfg.Commands() {
		if u, err := p.User(c); err == nil && u.UID == 0 {
			return c.Argv[0]
		}
	}
	return ""
}
