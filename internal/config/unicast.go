package config

import "net/netip"

// OldChecksum says what becomes of the checksum that keepalived up to 1.3.6
// gave unicast adverts of VRRPv3 over IPv4: its pseudo-header has the multicast
// group for a destination.
type OldChecksum uint8

// The values of old_unicast_checksum.
const (
	OldChecksumTaken OldChecksum = iota // without the keyword: heard and not sent
	OldChecksumSent                     // the keyword alone: heard and sent
	OldChecksumNever                    // never: neither
)

// Peer is one line of unicast_peer.
type Peer struct {
	Pos  Pos
	Addr netip.Addr
	// The TTL, or hop limit, with which its adverts may arrive: 0 and 255, any,
	// unless given.
	MinTTL, MaxTTL uint8
	Ranged         bool // one of the two was given
}

// Unicast tells whether the router speaks to peers and not to a group.
func (r *Router) Unicast() bool { return len(r.Peers) > 0 }

// maxPeers is how many frames an advert may be.
const maxPeers = 255

// setPeers reads the lines of unicast_peer: IP [min_ttl N] [max_ttl N].
func (in *interpreter) setPeers(s *statement) {
	for _, line := range s.block {
		if line.hasBlock() {
			in.diags.errorf(line.open, "", "unicast_peer: unexpected {: expected addresses")
			in.cur.badPeers = true
			continue
		}
		w := line.words[0]
		p := Peer{Pos: w.pos, MaxTTL: 255}
		in.name = s.name()
		var ok bool
		if p.Addr, ok = in.hostAddr(w, "an IP address, without a prefix length or zone"); ok && in.setTTLs(&p, line.words[1:]) {
			in.cur.Peers = append(in.cur.Peers, p)
		} else {
			in.cur.badPeers = true
		}
	}
}

// setTTLs reads what follows a peer's address.
func (in *interpreter) setTTLs(p *Peer, words []word) bool {
	for ; len(words) > 0; words = words[2:] {
		name := words[0]
		to := map[string]*uint8{"min_ttl": &p.MinTTL, "max_ttl": &p.MaxTTL}[name.text]
		if to == nil {
			in.diags.errorf(name.pos, "write each peer on a line of its own", "unicast_peer %s: %s: expected min_ttl or max_ttl", p.Addr, quote(name.text))
			return false
		}
		if len(words) < 2 {
			in.diags.errorf(name.pos, "", "unicast_peer %s: %s: expected a value after it", p.Addr, name.text)
			return false
		}
		in.name = name.text
		n, ok := in.wholeNumber(words[1], 0, 255, "")
		if !ok {
			return false
		}
		*to, p.Ranged = uint8(n), true
	}
	return true
}

// hostAddr reads an address of either family for Validate to judge.
func (in *interpreter) hostAddr(w word, want string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(w.text)
	if err != nil || a.Zone() != "" {
		in.diags.errorf(w.pos, "", "%s %s: expected %s", in.name, quote(w.text), want)
		return a, false
	}
	return a, true
}

func (in *interpreter) setUnicastSource(w word) {
	if a, ok := in.hostAddr(w, "an IP address"); ok {
		in.cur.unicastSource = a
	}
}

// setOldChecksum reads old_unicast_checksum [never].
func (in *interpreter) setOldChecksum(s *statement) {
	switch {
	case len(s.words) == 1:
		in.cur.OldChecksum = OldChecksumSent
	case s.words[1].text == "never":
		in.cur.OldChecksum = OldChecksumNever
	default:
		in.diags.errorf(s.words[1].pos, "the keyword alone sends the old form", "old_unicast_checksum %s: expected never, or nothing", quote(s.words[1].text))
	}
}

// resolveUnicast settles whether a router speaks to peers, and drops what has
// no effect then or otherwise.
func (in *interpreter) resolveUnicast(d *draft) {
	if d.unicastSource.IsValid() {
		if d.given("mcast_src_ip") && d.Source != d.unicastSource {
			in.noEffect(d, "mcast_src_ip", "beside unicast_src_ip")
		}
		d.Source, d.SourcePos = d.unicastSource, d.seen["unicast_src_ip"]
	}
	in.dropSelf(d)
	if d.TrackSource && !d.Source.IsValid() {
		in.noEffect(d, "track_src_ip", "without unicast_src_ip or mcast_src_ip: an interface without an address is a fault in any case")
		d.TrackSource = false
	}
	if len(d.Peers) == 0 {
		in.resolveNoPeers(d)
		return
	}
	d.NoPeerFault = false
	if d.given("mcast_dst_ip") {
		in.noEffect(d, "mcast_dst_ip", "with unicast_peer: adverts go to the peers")
		d.Group = in.global.Group
	}
	if d.given("mcast_src_ip") && !d.unicastSource.IsValid() {
		in.diags.warnf(d.seen["mcast_src_ip"], "write unicast_src_ip", "(%s) mcast_src_ip is taken for unicast_src_ip, since there are unicast peers", plain(d.Name))
	}
	if d.Strict {
		in.diags.errorf(d.seen["unicast_peer"], "remove one of the two", "(%s) unicast_peer: vrrp_strict forbids unicast", plain(d.Name))
	}
	in.resolveCheckSource(d)
	in.resolveOldChecksum(d)
}

// dropSelf takes our own address out of the peers: one list for all hosts is a
// usual way to write it.
func (in *interpreter) dropSelf(d *draft) {
	kept := d.Peers[:0]
	for _, p := range d.Peers {
		if p.Addr == d.Source {
			in.diags.warnf(p.Pos, "", "(%s) unicast_peer %s is our own address: left out", plain(d.Name), p.Addr)
			continue
		}
		kept = append(kept, p)
	}
	d.Peers = kept
}

// resolveNoPeers is about unicast keywords without a peer. keepalived falls
// back to multicast and calls it deprecated; its -t refuses it.
func (in *interpreter) resolveNoPeers(d *draft) {
	if d.NoPeerFault || d.badPeers {
		return
	}
	for _, keyword := range []string{"unicast_src_ip", "unicast_peer", "check_unicast_src", "old_unicast_checksum"} {
		if d.given(keyword) {
			in.diags.errorf(d.seen[keyword], "add unicast_peer { IP }, or remove the unicast keywords to use multicast",
				"(%s) %s without unicast peers: expected at least one other host's address in unicast_peer", plain(d.Name), keyword)
			return
		}
	}
	if d.given("unicast_ttl") {
		in.noEffect(d, "unicast_ttl", "without unicast_peer")
	}
}

// resolveCheckSource: a peer's TTL range turns the check on, as in keepalived.
func (in *interpreter) resolveCheckSource(d *draft) {
	for _, p := range d.Peers {
		if p.Ranged && !d.CheckSource {
			pos := in.origin(d, "check_unicast_src", "vrrp_check_unicast_src")
			in.diags.warnf(pos, "remove it, or every min_ttl and max_ttl", "(%s) the source of adverts is checked all the same, because %s has min_ttl or max_ttl", plain(d.Name), p.Addr)
			d.CheckSource = true
			return
		}
	}
}

func (in *interpreter) resolveOldChecksum(d *draft) {
	why := ""
	switch {
	case d.OldChecksum == OldChecksumTaken:
		return
	case d.Family == 6:
		why = "over IPv6, which has one form of checksum"
	case d.Version == 2:
		why = "with VRRP version 2, whose checksum has no pseudo-header"
	case d.ChecksumPlain && d.OldChecksum == OldChecksumSent:
		why = "with v3_checksum_as_v2, which has no pseudo-header"
	default:
		return
	}
	in.noEffect(d, "old_unicast_checksum", why)
	d.OldChecksum = OldChecksumTaken
}

func (in *interpreter) noEffect(d *draft, keyword, why string) {
	in.diags.warnf(d.seen[keyword], "remove it", "(%s) %s has no effect %s", plain(d.Name), keyword, why)
}

// unicast holds the peers and the source to what hosts can have.
func (v *validator) unicast() {
	if a := v.Source; a.IsValid() && (familyOf(a) != v.Family || !isHost(a) || a.Is4In6()) {
		v.errorf(v.SourcePos, "", "source address %s: expected an IPv%d address that a host on the network can have", a, v.Family)
	}
	if len(v.Peers) > maxPeers {
		v.errorf(v.Peers[maxPeers].Pos, "", "%d unicast peers: expected at most %d", len(v.Peers), maxPeers)
	}
	seen := map[netip.Addr]Pos{}
	for _, p := range v.Peers {
		first, again := seen[p.Addr]
		switch {
		case familyOf(p.Addr) != v.Family:
			v.errorf(p.Pos, "one VRID can serve both families, in two vrrp_instances", "unicast_peer %s: expected IPv%d, as the router is", p.Addr, v.Family)
		case !isHost(p.Addr) || p.Addr.Is4In6():
			v.errorf(p.Pos, "", "unicast_peer %s: expected an address that a host on the network can have", p.Addr)
		case again:
			v.errorf(p.Pos, "remove one of the two", "unicast_peer %s is given twice, first at %s", p.Addr, first)
		case p.MinTTL > p.MaxTTL:
			v.errorf(p.Pos, "", "unicast_peer %s: min_ttl %d is above max_ttl %d: expected a range with something in it", p.Addr, p.MinTTL, p.MaxTTL)
		case p.Addr == v.Source:
			v.errorf(p.Pos, "", "unicast_peer %s is our own address", p.Addr)
		}
		seen[p.Addr] = p.Pos
	}
}
