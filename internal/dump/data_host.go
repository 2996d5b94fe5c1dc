package dump

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/vrrpx/vrrpx/internal/config"
)

func hostname() string {
	name, _ := os.Hostname() // empty without one
	return name
}

// sockets lists the interfaces that are listened on. keepalived has a pair of
// sockets for each, of which it shows the numbers; vrrpx has none as long as
// XDP hears.
func (t *text) sockets(routers []router) {
	type socket struct{ device, family, protocol, kind, source string }
	var order []socket
	of := map[socket][]*router{}
	for i := range routers {
		r := &routers[i]
		k := socket{r.Interface, "IPv4", "VRRP", "Multicast", ""}
		if own, ok := r.OwnVMAC(); ok && !r.XmitBase {
			k.device = own.Name
		}
		if r.Family == 6 {
			k.family = "IPv6"
		}
		if r.Auth.Type == config.AuthAH {
			k.protocol = "AH"
		}
		if r.Unicast() {
			k.kind, k.source = "Unicast", r.now.Source
		}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], r)
	}
	t.line("------< VRRP Sockpool >------")
	for _, k := range order {
		t.line("   Interface = %s", k.device)
		t.line("   Family = %s", k.family)
		t.line("   Protocol = %s", k.protocol)
		t.line("   Type = %s", k.kind)
		if k.source != "" {
			t.line("   Address = %s", k.source)
		}
		t.line("   Rx buf size = 0")
		t.line("   VRRP instances")
		for _, r := range of[k] {
			t.line("     %s vrid %d", r.Name, r.VRID)
		}
	}
}

// programs lists who is told of transitions.
func (t *text) programs(s *Snapshot, n *config.Notify) {
	for _, c := range []struct {
		name string
		of   config.Command
	}{
		{"Backup", n.Backup}, {"Master", n.Master}, {"Fault", n.Fault}, {"Stop", n.Stop}, {"Generic", n.Any},
		{"Master rx lower pri", n.MasterHearsLower},
	} {
		if len(c.of.Argv) > 0 {
			t.line("   %s state transition script = %s, uid:gid %s", c.name, quoted(c.of.Argv), s.user(c.of))
		}
	}
}

// groups lists the sync groups. What a group tracks is shown with its members.
func (t *text) groups(s *Snapshot) {
	if len(s.Config.Groups) == 0 {
		return
	}
	now, state := map[string]string{}, map[string]string{}
	for _, g := range s.Status.Groups {
		now[g.Name] = g.State
	}
	for i := range s.Status.Routers {
		state[s.Status.Routers[i].Name] = s.Status.Routers[i].State
	}
	t.line("------< VRRP Sync groups >------")
	for _, g := range s.Config.Groups {
		fault, begins := 0, 0
		for _, m := range g.Members {
			switch state[m.Name] {
			case "FAULT":
				fault++
			case "INIT":
				begins++
			}
		}
		t.line(" VRRP Sync Group = %s, %s", g.Name, orElse(now[g.Name], "INIT"))
		t.line("   Num member fault %d, num member init %d", fault, begins)
		t.line("   VRRP member instances :")
		for _, m := range g.Members {
			t.line("     %s", m.Name)
		}
		if g.TrackingWeight {
			t.line("   sync group tracking weight set")
		}
		t.line("   Using smtp notification = %s", word(g.SMTPAlert, "yes", "no"))
		t.programs(s, &g.Notify)
	}
}

func (t *text) scripts(s *Snapshot, routers []router) {
	if len(s.Config.Scripts) == 0 {
		return
	}
	t.line("------< VRRP Scripts >------")
	for _, c := range s.Config.Scripts {
		t.line(" VRRP Script = %s", c.Name)
		t.line("   Command = %s", quoted(c.Command.Argv))
		t.line("   Interval = %d sec", seconds(c.Interval))
		t.line("   Timeout = %d sec", seconds(c.Timeout))
		t.line("   Weight = %d%s", c.Weight.N, word(c.Weight.Reverse, " reverse", ""))
		t.line("   Rise = %d", c.Rise)
		t.line("   Fall = %d", c.Fall)
		t.line("   Insecure = no") // vrrpx does not start with one that is
		status := "INIT"
		for _, r := range routers {
			for _, tr := range r.now.Tracked {
				if tr.Name == "script "+c.Name {
					status = map[string]string{"up": "GOOD", "down": "BAD"}[tr.State]
					status = orElse(status, "INIT")
				}
			}
		}
		t.line("   Init state = %s", word(c.InitFail, "bad", "unknown"))
		t.line("   Status = %s", status)
		t.line("   Script uid:gid = %s", s.user(c.Command))
		t.line("   VRRP instances :")
		t.line("   Tracking instances :")
		for _, r := range routers {
			for _, tr := range r.Scripts {
				if tr.Name == c.Name {
					t.line("     %s, weight %d%s", r.Name, tr.Weight.N, word(tr.Weight.Reverse, " reverse", ""))
				}
			}
		}
	}
}

// interfaces lists those of the host. It asks the kernel now.
func (t *text) interfaces(routers []router) {
	t.line("------< Interfaces >------")
	all, err := net.Interfaces()
	if err != nil {
		return
	}
	virtual := map[netip.Addr]bool{}
	for _, r := range routers {
		for _, a := range r.All() {
			virtual[a.Prefix.Addr()] = true
		}
	}
	for _, i := range all {
		t.line(" Name = %s", i.Name)
		t.line("   index = %d", i.Index)
		t.line("   IPv4 address = %s", first(i, false, virtual))
		t.line("   IPv6 address = %s", first(i, true, virtual))
		if len(i.HardwareAddr) > 0 {
			t.line("   MAC = %s", i.HardwareAddr)
		}
		t.line("   State = %s", state(i.Flags))
		t.line("   MTU = %d", i.MTU)
		tracked := ""
		for _, r := range routers {
			own, vmac := r.OwnVMAC()
			switch {
			case r.Interface == i.Name && r.UntrackedOwn:
				tracked += fmt.Sprintf("     %s, weight 255\n", r.Name) // keepalived's word for: not tracked
			case r.Interface == i.Name || vmac && own.Name == i.Name:
				tracked += fmt.Sprintf("     %s, weight 0\n", r.Name)
			}
			for _, tr := range r.Interfaces {
				if tr.Name == i.Name && tr.Name != r.Interface {
					tracked += fmt.Sprintf("     %s, weight %d%s\n", r.Name, tr.Weight.N, word(tr.Weight.Reverse, " reverse", ""))
				}
			}
		}
		if tracked != "" {
			t.line("   Tracking VRRP instances :")
			t.WriteString(tracked)
		}
	}
}

func state(f net.Flags) string {
	words := []string{word(f&net.FlagUp != 0, "UP", "DOWN"), word(f&net.FlagRunning != 0, "RUNNING", "not RUNNING")}
	for _, w := range []struct {
		set  bool
		word string
	}{
		{f&net.FlagBroadcast == 0, "no broadcast"}, {f&net.FlagLoopback != 0, "loopback"},
		{f&net.FlagPointToPoint != 0, "point to point"}, {f&net.FlagMulticast == 0, "no multicast"},
	} {
		if w.set {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ", ")
}

// first is the interface's own address, not a virtual one: over IPv6 the
// link-local one.
func first(i net.Interface, six bool, virtual map[netip.Addr]bool) string {
	addrs, _ := i.Addrs() // it may just have gone
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || (n.IP.To4() == nil) != six || six && !n.IP.IsLinkLocalUnicast() {
			continue
		}
		if ip, ok := netip.AddrFromSlice(n.IP); ok && !virtual[ip.Unmap()] {
			return ip.Unmap().String()
		}
	}
	return "(none)"
}
