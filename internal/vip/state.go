package vip

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/iproute"
	"github.com/vrrpx/vrrpx/internal/netns"
)

// stateVersion changes when an older program could misread the file.
const stateVersion = 3

// state is the file that outlives a killed process: every address, device, route
// and rule that the process may have put on the host and none that was there
// without it, and the settings that it may have changed.
type state struct {
	Version   int          `json:"version"`
	BootID    string       `json:"boot_id"`
	Netns     uint64       `json:"netns"`
	PID       int          `json:"pid"`
	Addresses []stateEntry `json:"addresses"`
	Devices   []MACVLAN    `json:"devices,omitempty"`
	// Settings are those of interfaces that were there without the process.
	Settings []changedSetting `json:"settings,omitempty"`
	Routes   []iproute.Route  `json:"routes,omitempty"`
	Rules    []iproute.Rule   `json:"rules,omitempty"`
}

type stateEntry struct {
	Address netip.Prefix `json:"address"`
	Device  string       `json:"device"`
	Owner   string       `json:"owner"`
}

// newState is an empty state of this process, boot and network namespace.
func newState() (state, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return state{}, fmt.Errorf("boot id: %w", err)
	}
	cookie, err := netns.Cookie()
	if err != nil {
		return state{}, err
	}
	return state{
		Version:   stateVersion,
		BootID:    strings.TrimSpace(string(boot)),
		Netns:     cookie,
		PID:       os.Getpid(),
		Addresses: []stateEntry{},
	}, nil
}

// stateDevices are those that are ours, or will be. The caller holds m.mu, also
// of stateSettings.
func (m *Manager) stateDevices() (all []MACVLAN) {
	for _, d := range m.devices {
		if !d.foreign {
			all = append(all, d.MACVLAN)
		}
	}
	return all
}

func (m *Manager) stateSettings() (all []changedSetting) {
	for _, b := range m.bases {
		all = append(all, b.was...)
	}
	return all
}

// state lists what is ours, or will be.
func (r *routing) state() (routes []iproute.Route, rules []iproute.Rule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.objects {
		switch {
		case o.there && !o.ours:
		case o.route != nil:
			routes = append(routes, *o.route)
		default:
			rules = append(rules, *o.rule)
		}
	}
	return routes, rules
}

// save replaces the file in one step: a reader, or the next process after a
// kill, finds the old content or the new one whole.
func (s state) save(file string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("state file %s: %w", file, err)
	}
	next := file + ".new"
	if err := os.WriteFile(next, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	if err := os.Rename(next, file); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
}

// load reads what a process has left, os.ErrNotExist where none has. It
// refuses a file that it cannot be sure of, since addresses are removed on the
// strength of it.
func load(file string, here state) (state, error) {
	f, err := os.Open(file)
	if err != nil {
		return state{}, fmt.Errorf("state file: %w", err)
	}
	defer f.Close()
	refuse := func(why string, args ...any) (state, error) {
		return state{}, fmt.Errorf("state file %s %s: no address is removed on the strength of it; "+
			"look with `ip address` for addresses that a killed process left, then delete the file",
			file, fmt.Sprintf(why, args...))
	}
	var info unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &info); err != nil {
		return state{}, fmt.Errorf("state file %s: %w", file, err)
	}
	if info.Uid != uint32(os.Geteuid()) || info.Mode&0o022 != 0 {
		return refuse("can be written by others (owner %d, mode %04o)", info.Uid, info.Mode&0o7777)
	}
	var s state
	if err := json.NewDecoder(f).Decode(&s); err != nil {
		return refuse("is damaged (%v)", err)
	}
	if s.Version < 1 || s.Version > stateVersion { // 1 has addresses only, 2 no routes
		return refuse("is of version %d, not %d", s.Version, stateVersion)
	}
	if s.BootID != here.BootID {
		s.Addresses, s.Devices, s.Settings, s.Routes, s.Rules = nil, nil, nil, nil, nil // a reboot has removed them
		return s, nil
	}
	if s.Netns != here.Netns {
		return refuse("belongs to another network namespace")
	}
	for _, a := range s.Addresses {
		if err := (Address{Prefix: a.Address, Device: a.Device}).check(); err != nil {
			return refuse("is damaged (%v)", err)
		}
	}
	for _, d := range s.Devices {
		if err := d.check(); err != nil {
			return refuse("is damaged (%v)", err)
		}
	}
	for _, r := range s.Routes {
		if !r.Dst.IsValid() || r.Family != 4 && r.Family != 6 || r.Family == 4 != r.Dst.Addr().Is4() {
			return refuse("is damaged (a route to %v)", r.Dst)
		}
	}
	for _, r := range s.Rules {
		if r.Family != 4 && r.Family != 6 {
			return refuse("is damaged (rule %v)", r)
		}
	}
	for _, c := range s.Settings {
		if !c.isOurs() {
			return refuse("is damaged (setting %v)", c.sysctl)
		}
	}
	return s, nil
}

// lockFor takes the directory of the state file for this process, until the
// returned file is closed or the process dies. It is what tells a killed
// process from one that lives, in whatever PID namespace.
func lockFor(stateFile string) (*os.File, error) {
	dir, err := os.Open(filepath.Dir(stateFile))
	if err != nil {
		return nil, fmt.Errorf("directory of the state file: %w", err)
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		dir.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s is in use by a running vrrpx%s: stop it first", filepath.Dir(stateFile), holder(stateFile))
		}
		return nil, fmt.Errorf("locking %s: %w", filepath.Dir(stateFile), err)
	}
	return dir, nil
}

// holder names the process that wrote the file, as far as the file can be read.
func holder(stateFile string) string {
	var s state
	b, err := os.ReadFile(stateFile)
	if err != nil || json.Unmarshal(b, &s) != nil || s.PID == 0 {
		return ""
	}
	return fmt.Sprintf(" (PID %d)", s.PID)
}
