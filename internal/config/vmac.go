package config

import (
	"fmt"
	"strconv"
	"strings"
)

// VMAC is a macvlan that carries addresses behind a virtual MAC address.
type VMAC struct {
	Pos  Pos    // of use_vmac, or of the first address on it
	Name string // unique in the configuration, and no interface of it
	MAC  MAC
	// Family is that of its addresses, 4 or 6, and, where it was not given, of its MAC:
	// 00:00:5e:00:01:VRID, over IPv6 00:00:5e:00:02:VRID (RFC 9568 section 7.3).
	Family uint8
}

// MAC is an Ethernet address, of one device and not of a group.
type MAC [6]byte

// String returns 00:00:5e:00:01:33.
func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// OwnVMAC is that of use_vmac, which adverts come from; false without it.
func (r *Router) OwnVMAC() (VMAC, bool) {
	if !r.UseVMAC {
		return VMAC{}, false
	}
	return r.VMACs[0], true
}

// QuietVMACs are those that no advert comes from, so that switches may forget
// where they are.
func (r *Router) QuietVMACs() []VMAC {
	if _, own := r.OwnVMAC(); own && !r.XmitBase {
		return r.VMACs[1:]
	}
	return r.VMACs
}

// vmacWords are the words of use_vmac: [[name] NAME] [MAC].
type vmacWords struct {
	pos  Pos
	name word
	mac  []byte // 5 or 6 octets; to 5 the VRID is added
	addr bool   // use_vmac_addr
}

func (in *interpreter) setVMAC(s *statement) {
	v := vmacWords{pos: s.pos(), addr: in.cur.vmac.addr}
	args := s.args()
	for i := 0; i < len(args); i++ {
		w := args[i]
		switch {
		case w.text == "group" || w.text == "netlink_notify_msg":
			in.diags.errorf(w.pos, "remove it", "use_vmac %s is not supported yet", w.text)
			return
		case w.text == "name" && i+1 < len(args):
			continue
		case strings.Contains(w.text, ":"):
			mac, ok := parseMAC(w.text)
			if !ok || v.mac != nil {
				in.diags.errorf(w.pos, "", "use_vmac %s: expected one MAC address, such as 00:00:5e:00:01:33, or its first 5 octets", quote(w.text))
				return
			}
			v.mac = mac
		case v.name.text != "":
			in.diags.errorf(w.pos, "", "use_vmac %s: expected [NAME] [MAC]", quote(w.text))
			return
		case !validInterface(w.text):
			in.diags.errorf(w.pos, "", "use_vmac %s: %s", quote(w.text), wantInterface)
			return
		default:
			v.name = w
		}
	}
	in.cur.vmac, in.cur.UseVMAC = v, true
}

// parseMAC reads 5 or 6 octets of one or two hexadecimal digits, of which the
// first is even: else it is a group's address.
func parseMAC(s string) (mac []byte, ok bool) {
	parts := strings.Split(s, ":")
	some := false
	for _, p := range parts {
		n, err := strconv.ParseUint(p, 16, 8)
		if err != nil || len(p) > 2 {
			return nil, false
		}
		some = some || n != 0
		mac = append(mac, byte(n))
	}
	return mac, (len(mac) == 5 || len(mac) == 6) && some && mac[0]&1 == 0
}

// resolveVMACs says which addresses are on which macvlan, and names these.
// Names that are given come first, so that those that are made up avoid them.
func (in *interpreter) resolveVMACs() {
	taken := map[string]bool{}
	for _, d := range in.drafts {
		taken[d.Interface] = true
		taken[d.vmac.name.text] = true
		for _, a := range d.All() {
			taken[a.Device] = true
		}
	}
	for _, d := range in.drafts {
		if d.UseVMAC {
			in.addVMAC(d, d.vmac.pos, d.Family, in.global.vmacPrefix, taken)
		}
		for _, list := range [][]Address{d.Addresses, d.Excluded} {
			for i := range list {
				in.resolveVMAC(d, &list[i], taken)
			}
		}
		if d.XmitBase && !d.UseVMAC {
			in.diags.warnf(d.seen["vmac_xmit_base"], "remove it", "(%s) vmac_xmit_base has no effect without use_vmac", plain(d.Name))
			d.XmitBase = false
		}
		if d.UseVMAC && len(d.Peers) > 0 && !d.XmitBase {
			// As in keepalived: a peer learns nothing from the source MAC.
			d.XmitBase = true
		}
		if d.XmitBase && d.Strict && len(d.Peers) == 0 {
			in.diags.warnf(d.seen["vmac_xmit_base"], "remove it, or vrrp_strict", "(%s) vrrp_strict: vmac_xmit_base is off", plain(d.Name))
			d.XmitBase = false
		}
	}
}

// resolveVMAC puts an address on a macvlan: without being told, on the router's
// own if it is of the router's family and interface.
func (in *interpreter) resolveVMAC(d *draft, a *Address, taken map[string]bool) {
	family := familyOf(a.Prefix.Addr())
	told := a.useVMAC || d.vmac.addr && (a.Device != d.Interface || family != d.Family)
	switch {
	case a.Device != d.Interface && told:
		in.diags.errorf(a.Pos, "give it to a vrrp_instance of its own on "+plain(a.Device)+", with use_vmac",
			"(%s) %s: use_vmac on another interface than %s is not supported yet", plain(d.Name), a.Prefix.Addr(), plain(d.Interface))
		return
	case a.Device != d.Interface || !told && (!d.UseVMAC || family != d.Family):
		return
	}
	for _, v := range d.VMACs {
		if v.Family == family {
			a.VMAC = v.Name
			return
		}
	}
	prefix := in.global.vmacAddrPrefix
	if prefix.text == "" {
		prefix = in.global.vmacPrefix
	}
	a.VMAC = in.addVMAC(d, a.Pos, family, prefix, taken)
}

// addVMAC gives a router one more macvlan.
func (in *interpreter) addVMAC(d *draft, pos Pos, family uint8, prefix word, taken map[string]bool) (name string) {
	v := VMAC{Pos: pos, Family: family, MAC: MAC{0, 0, 0x5e, 0, 1, d.VRID}}
	if family == 6 {
		v.MAC[4] = 2
	}
	if own := d.UseVMAC && len(d.VMACs) == 0; own {
		copy(v.MAC[:], d.vmac.mac)
		v.Name = d.vmac.name.text
	}
	for n := 0; v.Name == ""; n++ {
		if made := madeName(prefix.text, family, n, d.VRID); !taken[made] {
			v.Name = made
		}
	}
	taken[v.Name] = true
	d.VMACs = append(d.VMACs, v)
	return v.Name
}

const defaultVMACPrefix = "vrrp"

// madeName is keepalived's: vrrp.51, vrrp6.51, and where it is taken vrrp1.51. The
// prefix is cut where it is too long.
func madeName(prefix string, family uint8, n int, vrid uint8) string {
	if prefix == "" {
		prefix = defaultVMACPrefix
	}
	rest := "." + strconv.Itoa(int(vrid))
	if n > 0 {
		rest = strconv.Itoa(n) + rest
	}
	if family == 6 {
		rest = "6" + rest
	}
	return prefix[:min(len(prefix), maxInterface-len(rest))] + rest
}

// setVMACPrefix reads vmac_prefix or vmac_addr_prefix.
func (in *interpreter) setVMACPrefix(to *word, w word) {
	if !validInterface(w.text[:min(len(w.text), maxInterface)]) {
		in.diags.errorf(w.pos, "", "%s %s: %s", in.name, quote(w.text), wantInterface)
		return
	}
	if longest := maxInterface - len("6.255"); len(w.text) > longest {
		in.diags.warnf(w.pos, "shorten it", "%s %s is cut where a name would have over %d bytes: up to %d there is always room", in.name, quote(w.text), maxInterface, longest)
	}
	*to = w
}

// vmacs checks that devices and MAC addresses are told apart. A name of another
// interface would be taken from it.
func (v *validator) vmacs() {
	if v.UseVMAC && len(v.VMACs) == 0 {
		v.errorf(v.Pos, "", "use_vmac without a device")
	}
	on := map[string]bool{"": true}
	for _, m := range v.VMACs {
		on[m.Name] = true
		switch {
		case !validInterface(m.Name):
			v.errorf(m.Pos, "", "use_vmac %s: %s", quote(m.Name), wantInterface)
		case m.Name == v.Interface:
			v.errorf(m.Pos, "leave it out: a name is made", "use_vmac %s: it is the interface itself", quote(m.Name))
		case m.MAC == MAC{} || m.MAC[0]&1 != 0:
			v.errorf(m.Pos, "", "use_vmac: %s is no MAC address of one device", m.MAC)
		}
	}
	for _, a := range v.All() {
		if !on[a.VMAC] {
			v.errorf(a.Pos, "", "%s: no virtual MAC %s", a.Prefix, quote(a.VMAC))
		}
	}
}

// uniqueVMACs checks the routers' macvlans against each other and against the
// interfaces.
func uniqueVMACs(diags *diagnostics, cfg *Config) {
	type port struct {
		iface string
		mac   MAC
	}
	names, macs, devices := map[string]Pos{}, map[port]Pos{}, map[string]bool{}
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		devices[r.Interface] = true
		for _, a := range r.All() {
			devices[a.Device] = true
		}
	}
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		for _, v := range r.VMACs {
			if first, again := names[v.Name]; again {
				diags.errorf(v.Pos, "give each a name of its own, or none", "(%s) use_vmac %s: the name is taken at %s", plain(r.Name), quote(v.Name), first)
			} else if devices[v.Name] && v.Name != r.Interface {
				diags.errorf(v.Pos, "give it another name, or none", "(%s) use_vmac %s: it is an interface of this configuration", plain(r.Name), quote(v.Name))
			}
			names[v.Name] = v.Pos
			at := port{r.Interface, v.MAC}
			if first, again := macs[at]; again {
				diags.errorf(v.Pos, "give each router a MAC address of its own on an interface", "(%s) MAC address %s on %s is taken at %s", plain(r.Name), v.MAC, plain(r.Interface), first)
			}
			macs[at] = v.Pos
		}
	}
}
