package preflight

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/script"
)

// CheckHost tells what this host lacks of what a configuration needs: its
// interfaces, the subnets of its addresses, its programs. It changes nothing and
// finds warnings alone, because the host that will run the file may be another.
func CheckHost(cfg *config.Config) ([]config.Diagnostic, error) {
	h, err := lookAtHost()
	if err != nil {
		return nil, err
	}
	c := hostCheck{surroundings: h, missing: map[string]bool{}, told: map[uint8]bool{}}
	for i := range cfg.Routers {
		c.interfaces(&cfg.Routers[i])
		c.addresses(&cfg.Routers[i])
	}
	c.listeners(cfg)
	c.programs(cfg)
	slices.SortStableFunc(c.found, func(a, b config.Diagnostic) int {
		return cmp.Or(strings.Compare(a.Pos.File, b.Pos.File), a.Pos.Line-b.Pos.Line, a.Pos.Col-b.Pos.Col)
	})
	return c.found, nil
}

// HasInterfaceOf tells whether this host has an interface of a router of the
// configuration: else the file is another host's, or for another namespace of
// this one.
func HasInterfaceOf(cfg *config.Config) bool {
	return cfg.Global.Namespace == "" && slices.ContainsFunc(cfg.Routers, func(r config.Router) bool {
		_, err := net.InterfaceByName(r.Interface)
		return err == nil
	})
}

// surroundings are what is looked at.
type surroundings struct {
	subnets  map[string][]netip.Prefix // of each interface, by name
	nonlocal map[uint8]bool            // ip_nonlocal_bind of each family
}

func lookAtHost() (surroundings, error) {
	h := surroundings{map[string][]netip.Prefix{}, map[uint8]bool{}}
	all, err := net.Interfaces()
	if err != nil {
		return h, err
	}
	for _, dev := range all {
		h.subnets[dev.Name] = nil
		addrs, err := dev.Addrs()
		if err != nil {
			return h, fmt.Errorf("addresses of %s: %w", dev.Name, err)
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				h.subnets[dev.Name] = append(h.subnets[dev.Name], p)
			}
		}
	}
	for family, file := range map[uint8]string{4: "ipv4", 6: "ipv6"} {
		b, err := os.ReadFile("/proc/sys/net/" + file + "/ip_nonlocal_bind")
		h.nonlocal[family] = err != nil || strings.TrimSpace(string(b)) != "0" // what cannot be read is not complained of
	}
	return h, nil
}

type hostCheck struct {
	surroundings
	found   []config.Diagnostic
	missing map[string]bool // interfaces that have been complained of
	told    map[uint8]bool  // families of which ip_nonlocal_bind has been told
}

func (c *hostCheck) say(severity config.Severity, pos config.Pos, hint, format string, args ...any) {
	c.found = append(c.found, config.Diagnostic{Severity: severity, Pos: pos, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *hostCheck) interfaces(r *config.Router) {
	need := func(pos config.Pos, name string) {
		if _, ok := c.subnets[name]; !ok && !ownVMAC(r, name) && !c.missing[name] {
			c.missing[name] = true
			c.say(config.Warning, pos, "ip link shows what there is", "(%s) this host has no interface %s", r.Name, name)
		}
	}
	need(r.Pos, r.Interface)
	for _, t := range r.Interfaces {
		need(t.Pos, t.Name)
	}
	for _, a := range r.All() {
		need(a.Pos, a.Device)
	}
}

func ownVMAC(r *config.Router, name string) bool {
	return slices.ContainsFunc(r.VMACs, func(m config.VMAC) bool { return m.Name == name })
}

// addresses looks for those that no neighbour expects on the network: of one
// host each (a longer prefix is a subnet itself), and in none of the device's.
func (c *hostCheck) addresses(r *config.Router) {
	type place struct {
		device string
		six    bool
	}
	lost := map[place][]config.Address{}
	for _, a := range r.All() {
		subnets, ok := c.subnets[a.Device]
		if !ok || !a.Prefix.IsSingleIP() || a.Peer.IsValid() {
			continue
		}
		addr := a.Prefix.Addr()
		if !slices.ContainsFunc(subnets, func(p netip.Prefix) bool { return !p.IsSingleIP() && p.Contains(addr) }) {
			at := place{a.Device, addr.Is6()}
			lost[at] = append(lost[at], a)
		}
	}
	for at, list := range lost {
		family, more := uint8(4), ""
		if at.six {
			family = 6
		}
		if !c.nonlocal[family] {
			c.told[family] = true
			more = fmt.Sprintf("; and while another host holds it no service here can listen on it, since net.ipv%d.ip_nonlocal_bind is 0", family)
		}
		names := list[0].Prefix.Addr().String()
		if n := len(list) - 1; n > 0 {
			names += fmt.Sprintf(" (and %d more)", n)
		}
		c.say(config.Warning, list[0].Pos, "write the length of its subnet behind it, or correct it, or the dev",
			"(%s) %s is in no subnet of %s (%s): neighbours reach it by a route alone%s", r.Name, names, at.device, show(c.subnets[at.device], at.six), more)
	}
}

func show(subnets []netip.Prefix, six bool) string {
	var text []string
	for _, p := range subnets {
		if !p.IsSingleIP() && p.Addr().Is6() == six {
			text = append(text, p.String())
		}
	}
	if len(text) == 0 {
		return "which has none"
	}
	return strings.Join(text, ", ")
}

// listeners tells what keeps a service from being started on the host that does
// not hold the address.
func (c *hostCheck) listeners(cfg *config.Config) {
	for family, on := range c.nonlocal {
		for i := range cfg.Routers {
			if r := &cfg.Routers[i]; !on && !c.told[family] && r.Family == family && r.Priority != 255 && len(r.Addresses) > 0 {
				a := r.Addresses[0]
				c.say(config.Notice, a.Pos, fmt.Sprintf("sysctl -w net.ipv%d.ip_nonlocal_bind=1, or let it listen on every address", family),
					"net.ipv%d.ip_nonlocal_bind is 0: a service that listens on %s itself does not start here while another host holds it", family, a.Prefix.Addr())
				break
			}
		}
	}
}

// programs looks at the scripts that are tracked and the programs that are told.
func (c *hostCheck) programs(cfg *config.Config) {
	p := NewPrograms(&cfg.Global)
	used, seen := map[string]bool{}, map[config.Pos]bool{}
	for i := range cfg.Routers {
		for _, t := range cfg.Routers[i].Scripts {
			used[t.Name] = true
		}
	}
	for _, s := range cfg.Scripts {
		if used[s.Name] {
			c.program(p, s.Command)
		}
	}
	for _, f := range cfg.TrackedFiles() {
		if info, err := os.Stat(filepath.Dir(f.Path)); err != nil || !info.IsDir() {
			c.say(config.Warning, f.Pos, "make the directory, at every boot where it is in /run", "track_file %s: there is no directory %s, and the file counts as 0", f.Name, filepath.Dir(f.Path))
		}
	}
	g := &cfg.Global
	told := []config.Command{g.NotifyAlarm, g.NotifyFIFO.Script, g.VRRPNotifyFIFO.Script}
	add := func(n *config.Notify) {
		told = append(told, n.Master, n.Backup, n.Fault, n.Stop, n.Any, n.MasterHearsLower, n.Alarm)
	}
	for i := range cfg.Groups {
		add(&cfg.Groups[i].Notify)
	}
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		add(&r.Notify)
		if r.SplitBrain != nil {
			told = append(told, r.SplitBrain.Script)
		}
	}
	for _, command := range told {
		if !seen[command.Pos] { // one for all is in each router
			seen[command.Pos] = true
			c.program(p, command)
		}
	}
}

func (c *hostCheck) program(p *Programs, from config.Command) {
	if len(from.Argv) == 0 {
		return
	}
	command, err := p.Command(from)
	if e, ok := err.(*ProgramError); ok {
		c.say(config.Warning, e.Pos, e.Hint, "%s: %v: vrrpx run does not start with it", e.What, e.Cause)
		return
	}
	if err == nil && command.User.UID == 0 {
		if err := script.Untrusted(command.Argv[0]); err != nil {
			c.say(config.Warning, from.Pos, "give it to root and take the right to write from others, or run it as another user (user, script_user)",
				"%q runs as root, and others can change it: %v", from.Argv[0], err)
		}
	}
}
