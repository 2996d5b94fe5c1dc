package config

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scope is an address's scope as rtnetlink has it (rtm_scope in
// linux/rtnetlink.h): the range in which the address is valid.
type Scope uint8

// The scopes with names; any other number is the administrator's.
const (
	ScopeGlobal  Scope = 0
	ScopeSite    Scope = 200
	ScopeLink    Scope = 253
	ScopeHost    Scope = 254
	ScopeNowhere Scope = 255
)

var scopes = map[string]Scope{
	"global": ScopeGlobal, "site": ScopeSite, "link": ScopeLink, "host": ScopeHost, "nowhere": ScopeNowhere,
}

// String returns the name, or the number where there is none.
func (s Scope) String() string {
	for name, scope := range scopes {
		if scope == s {
			return name
		}
	}
	return strconv.Itoa(int(s))
}

// setAddresses reads the lines of virtual_ipaddress and of
// virtual_ipaddress_excluded:
//
//	ADDRESS[/LENGTH] [dev NAME] [label NAME] [scope SCOPE] [brd ADDRESS|+|-]
//	    [noprefixroute] [preferred_lft SECONDS|forever] [use_vmac] [no_track]
//	    [peer ADDRESS] [-nodad] [home] [mngtmpaddr]
func (in *interpreter) setAddresses(s *statement) {
	if len(s.block) == 0 && s.name() != excluded {
		in.diags.errorf(s.pos(), "", "%s: expected at least one address", s.name())
	}
	to := &in.cur.Addresses
	if s.name() == excluded {
		to = &in.cur.Excluded
	}
	for _, line := range s.block {
		in.files.line()
		if slices.Contains(where[line.name()], inBlock("vrrp_instance")) {
			in.diags.errorf(line.pos(), "a } is missing before it", "%s in %s: expected an address", line.name(), s.name())
			in.forgive(line.name(), line.pos())
			continue
		}
		if line.hasBlock() {
			in.diags.errorf(line.open, "", "%s: unexpected {: expected an address a line", s.name())
			continue
		}
		if a, ok := in.address(line); ok {
			*to = append(*to, a)
		}
	}
}

const excluded = "virtual_ipaddress_excluded"

func (in *interpreter) address(line *statement) (a Address, ok bool) {
	first := line.words[0]
	prefix, ok := in.prefix(first)
	if !ok {
		return a, false
	}
	a = Address{Pos: first.pos, Prefix: prefix}
	given := map[string]bool{}
	for i := 1; i < len(line.words); i++ {
		option := line.words[i]
		name := option.text
		switch name {
		case "broadcast":
			name = "brd"
		case "dev", "label", "scope", "brd", "preferred_lft", "peer":
		case "-nodad", "home", "mngtmpaddr":
			in.setFlag6(&a, option)
			continue
		case "noprefixroute":
			a.NoPrefixRoute = true
			continue
		case "use_vmac":
			if in.cur == nil {
				in.diags.errorf(option.pos, "remove it", "use_vmac of a static address: a vrrp_instance has virtual MACs, the host has none")
				return a, false
			}
			a.useVMAC = true
			continue
		case "track_group":
			if in.cur != nil {
				in.unknownOption(option)
				return a, false
			}
		case "no_track":
			a.NoTrack = true
			continue
		default:
			in.unknownOption(option)
			return a, false
		}
		if given[name] {
			in.diags.errorf(option.pos, "remove one of the two", "%s is given twice for %s", name, prefix)
			return a, false
		}
		given[name] = true
		if i++; i == len(line.words) {
			in.diags.errorf(option.pos, "", "%s: expected a value after it", option.text)
			return a, false
		}
		if !in.addressOption(&a, name, line.words[i]) {
			return a, false
		}
	}
	return a, true
}

// addressOption applies one option of an address.
func (in *interpreter) addressOption(a *Address, name string, w word) bool {
	switch name {
	case "dev":
		if !validInterface(w.text) {
			in.diags.errorf(w.pos, "", "dev %s: %s", quote(w.text), wantInterface)
			return false
		}
		a.Device = w.text
	case "track_group":
		a.group = w
	case "label":
		a.Label = w.text // for Validate
	case "peer":
		return in.setPeerOf(a, w)
	case "scope":
		if !a.Prefix.Addr().Is4() {
			in.diags.errorf(w.pos, "remove it: the kernel derives it", "scope of %s: an IPv6 address is given none", a.Prefix)
			return false
		}
		scope, ok := scopes[w.text]
		if !ok {
			n, err := strconv.ParseUint(w.text, 0, 8)
			if err != nil {
				in.diags.errorf(w.pos, "", "scope %s: expected global, site, link, host, nowhere or a number from 0 to 255", quote(w.text))
				return false
			}
			scope = Scope(n)
		}
		a.Scope = scope
	case "preferred_lft":
		life, ok := lifetime(w.text)
		if !ok {
			in.diags.errorf(w.pos, "", "preferred_lft %s: expected forever or a whole number of seconds from 0 to 4294967294", quote(w.text))
			return false
		}
		a.Preferred = life
	case "brd":
		if !a.Prefix.Addr().Is4() {
			in.diags.errorf(w.pos, "remove it", "brd of %s: IPv6 has no broadcast", a.Prefix)
			return false
		}
		brd, ok := broadcast(a.Prefix, w.text)
		if !ok {
			in.diags.errorf(w.pos, "+ and - need a prefix of at most /30", "brd %s of %s: expected an IPv4 address, + or -", quote(w.text), a.Prefix)
			return false
		}
		a.Broadcast = brd
	}
	return true
}

// setFlag6 sets what IPv6 addresses alone have. keepalived takes it of IPv4 too,
// and the kernel makes nothing of it.
func (in *interpreter) setFlag6(a *Address, option word) {
	switch {
	case a.Prefix.Addr().Is4():
		in.diags.warnf(option.pos, "remove it", "%s of %s has no effect: it is for IPv6", option.text, a.Prefix)
	case option.text == "-nodad":
		a.DAD = true
	case option.text == "home":
		a.Home = true
	default:
		a.ManageTemp = true // Validate knows the length
	}
}

// setPeerOf reads the other end's address.
func (in *interpreter) setPeerOf(a *Address, w word) bool {
	peer, err := netip.ParseAddr(w.text)
	switch {
	case err != nil || peer.Zone() != "" || peer.BitLen() != a.Prefix.Addr().BitLen():
		in.diags.errorf(w.pos, "without a length", "peer %s of %s: expected an address of its family", quote(w.text), a.Prefix)
		return false
	case !a.Prefix.IsSingleIP():
		in.diags.errorf(w.pos, "write "+a.Prefix.Addr().String()+" alone", "peer of %s: an address with a peer is given no length", a.Prefix)
		return false
	}
	a.Peer = peer
	return true
}

// lifetime reads the value of preferred_lft. The kernel's 2^32-1 is for ever.
func lifetime(s string) (Lifetime, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	switch {
	case s == "forever" || err == nil && n == math.MaxUint32:
		return Lifetime{}, true
	case err != nil:
		return Lifetime{}, false
	}
	return Lifetime{Limited: true, Time: time.Duration(n) * time.Second}, true
}

// broadcast reads the value of brd: + is the prefix with all host bits set, -
// with all of them clear.
func broadcast(p netip.Prefix, s string) (netip.Addr, bool) {
	if s != "+" && s != "-" {
		addr, err := netip.ParseAddr(s)
		return addr, err == nil && addr.Is4()
	}
	if p.Bits() > 30 {
		return netip.Addr{}, false
	}
	b := p.Masked().Addr().As4()
	if s == "+" {
		for bit := p.Bits(); bit < 32; bit++ {
			b[bit/8] |= 0x80 >> (bit % 8)
		}
	}
	return netip.AddrFrom4(b), true
}

// addressOptions are the options that keepalived has and this version has not.
var addressOptions = []string{}

func (in *interpreter) unknownOption(w word) {
	if slices.Contains(addressOptions, w.text) {
		in.diags.errorf(w.pos, "remove it", "%s of an address is not supported yet", w.text)
		return
	}
	if w.text == "autojoin" {
		in.diags.errorf(w.pos, "remove it", "autojoin of an address: the kernel refuses an address with it that is no multicast group")
		return
	}
	hint := ""
	if _, err := netip.ParseAddr(w.text); err == nil {
		hint = "write one address a line"
	}
	in.diags.errorf(w.pos, hint, "%s: expected dev, label, scope, brd, peer, noprefixroute, preferred_lft, use_vmac, home, -nodad, mngtmpaddr or no_track", quote(w.text))
}

// prefix reads ADDRESS[/LENGTH]; without a length it is a host's own, /32
// or /128.
func (in *interpreter) prefix(w word) (netip.Prefix, bool) {
	text, length, slash := strings.Cut(w.text, "/")
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		in.diags.errorf(w.pos, "", "%s in %s: expected an address, such as 10.0.0.3/24 or fe80::3/64", quote(w.text), in.name)
		return netip.Prefix{}, false
	}
	if addr.Is4In6() {
		in.diags.errorf(w.pos, "write "+addr.Unmap().String(), "%s in virtual_ipaddress: an IPv4 address in IPv6 form", quote(w.text))
		return netip.Prefix{}, false
	}
	bits := addr.BitLen()
	if slash {
		n, err := strconv.ParseUint(length, 10, 8)
		if err != nil || int(n) > bits {
			hint := ""
			if mask, err := netip.ParseAddr(length); err == nil && mask.Is4() {
				hint = "write the number of leading ones of the mask: /24 for 255.255.255.0"
			}
			in.diags.errorf(w.pos, hint, "%s: expected a prefix length from 0 to %d after the /", quote(w.text), bits)
			return netip.Prefix{}, false
		}
		bits = int(n)
	}
	return netip.PrefixFrom(addr, bits), true
}
