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
