package config

import (
	"net/netip"
	"strings"
)

// Heartbeat is a further line on which a router's adverts go out and are heard:
// by multicast from the router's own source address, or to unicast peers.
type Heartbeat struct {
	Pos       Pos
	Name      string // for people; of one router each has another
	Interface string
	// With Peers adverts go to and come from these, with Source for an address, or
	// the interface's first one when it is not valid. Without, Source is not valid.
	Source     netip.Addr
	SourcePos  Pos
	Peers      []LinePeer
	UnicastTTL uint8 // of our adverts to them
}

// LinePeer is a unicast peer on a heartbeat line.
type LinePeer struct {
	Peer
	// First is where its adverts come from on the router's own interface. By it
	// they are known to be the same router's, and a tie of priorities is decided.
	First netip.Addr
}

// maxHeartbeats bounds the lines beside the first: each multiplies the adverts.
const maxHeartbeats = 3

// resolveHeartbeats makes the lines of what was read.
func (in *interpreter) resolveHeartbeats(d *draft) {
	for _, l := range d.lines {
		h := Heartbeat{
			Pos: l.Pos, Name: l.lineName, Interface: l.Interface,
			Source: l.Source, SourcePos: l.SourcePos, Peers: l.linePeers, UnicastTTL: l.UnicastTTL,
		}
		if h.Name == "" {
			h.Name = h.Interface
		}
		if !l.given("interface") {
			in.diags.errorf(l.Pos, "add interface NAME: the device on which this line is", "(%s) heartbeat: interface is missing", plain(d.Name))
		}
		switch unicast := len(h.Peers) > 0 || l.badPeers; {
		case unicast && d.Strict:
			in.diags.errorf(l.seen["unicast_peer"], "remove one of the two", "(%s) heartbeat: unicast_peer: vrrp_strict forbids unicast", plain(d.Name))
		case unicast:
		case l.given("unicast_peer"):
			in.diags.errorf(l.seen["unicast_peer"], "add ADDRESS is FIRST-ADDRESS, or remove it to use multicast", "(%s) heartbeat: unicast_peer without a peer", plain(d.Name))
		case l.given("source"):
			in.diags.errorf(l.seen["source"], "remove it", "(%s) heartbeat: source without unicast_peer: by multicast the adverts have the router's own source address on every line, which tells the others whose they are", plain(d.Name))
			h.Source = netip.Addr{}
		case l.given("unicast_ttl"):
			in.diags.warnf(l.seen["unicast_ttl"], "remove it", "(%s) heartbeat: unicast_ttl has no effect without unicast_peer", plain(d.Name))
		}
		d.Heartbeats = append(d.Heartbeats, h)
	}
}

// heartbeats checks the lines of a router.
func (v *validator) heartbeats() {
	if len(v.Heartbeats) > maxHeartbeats {
		v.errorf(v.Heartbeats[maxHeartbeats].Pos, "", "%d heartbeat lines: expected at most %d", len(v.Heartbeats), maxHeartbeats)
	}
	names, devices := map[string]Pos{}, map[string]Pos{}
	for i := range v.Heartbeats {
		h := &v.Heartbeats[i]
		if h.Interface == "" && v.said("heartbeat") {
			continue // said above
		}
		switch {
		case !validInterface(h.Interface):
			v.errorf(h.Pos, "", "heartbeat: interface %s: %s", quote(h.Interface), wantInterface)
		case h.Interface == v.Interface:
			v.errorf(h.Pos, "name an interface on another cable or network", "heartbeat on %s: it is the router's own interface, the first line", plain(h.Interface))
		case devices[h.Interface] != Pos{}:
			v.errorf(h.Pos, "remove one of the two", "heartbeat on %s is given twice, first at %s", plain(h.Interface), devices[h.Interface])
		case names[h.Name] != Pos{} || h.Name == v.Interface:
			v.errorf(h.Pos, "give it another name", "heartbeat %s: the name is taken", quote(h.Name))
		case h.Name == "" || strings.ContainsAny(h.Name, " \t\r\n\v\f\x00"):
			v.errorf(h.Pos, "", "heartbeat %s: expected a name without blanks", quote(h.Name))
		}
		devices[h.Interface], names[h.Name] = h.Pos, h.Pos
		v.linePeers(h)
	}
}

func (v *validator) linePeers(h *Heartbeat) {
	if a := h.Source; a.IsValid() && (len(h.Peers) == 0 || familyOf(a) != v.Family || !isHost(a) || a.Is4In6()) {
		v.errorf(h.SourcePos, "", "heartbeat: source %s: expected an IPv%d address that a host on the network can have, beside unicast_peer", a, v.Family)
	}
	if len(h.Peers) > maxPeers {
		v.errorf(h.Peers[maxPeers].Pos, "", "heartbeat: %d unicast peers: expected at most %d", len(h.Peers), maxPeers)
	}
	seen, firsts := map[netip.Addr]Pos{}, map[netip.Addr]Pos{}
	for _, p := range h.Peers {
		for _, a := range []netip.Addr{p.Addr, p.First} {
			if familyOf(a) != v.Family || !isHost(a) || a.Is4In6() {
				v.errorf(p.Pos, "", "heartbeat: unicast_peer %s: expected an IPv%d address that a host on the network can have", a, v.Family)
				return
			}
		}
		switch {
		case seen[p.Addr] != Pos{} || firsts[p.First] != Pos{}:
			v.errorf(p.Pos, "name each peer once", "heartbeat: unicast_peer %s is %s: one of the two has been given before", p.Addr, p.First)
		case p.Addr == h.Source, p.First == v.Source:
			v.errorf(p.Pos, "remove it", "heartbeat: unicast_peer %s is %s: that is ourselves", p.Addr, p.First)
		case len(v.Peers) > 0 && !v.hasPeer(p.First):
			v.errorf(p.Pos, "write the address that this peer has there", "heartbeat: unicast_peer %s is %s: the router's own unicast_peer does not have %s", p.Addr, p.First, p.First)
		case p.MinTTL > p.MaxTTL:
			v.errorf(p.Pos, "", "heartbeat: unicast_peer %s: min_ttl %d is above max_ttl %d: expected a range with something in it", p.Addr, p.MinTTL, p.MaxTTL)
		}
		seen[p.Addr], firsts[p.First] = p.Pos, p.Pos
	}
}

func (v *validator) hasPeer(a netip.Addr) bool {
	for _, p := range v.Peers {
		if p.Addr == a {
			return true
		}
	}
	return false
}

// uniqueHeartbeats checks the lines against all routers: a line is heard by
// interface, VRID and family, as a router is.
func uniqueHeartbeats(diags *diagnostics, cfg *Config) {
	type id struct {
		iface        string
		vrid, family uint8
	}
	taken, macvlans := map[id]string{}, map[string]bool{}
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		taken[id{r.Interface, r.VRID, r.Family}] = quote(r.Name)
		for _, v := range r.VMACs {
			macvlans[v.Name] = true
		}
	}
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		for _, h := range r.Heartbeats {
			at := id{h.Interface, r.VRID, r.Family}
			switch by := taken[at]; {
			case h.Interface == r.Interface || h.Interface == "":
				continue // said before
			case by != "" && by != "a heartbeat of "+quote(r.Name):
				diags.errorf(h.Pos, "give one of the two another virtual_router_id, on every host", "(%s) heartbeat on %s: virtual_router_id %d there is taken by %s",
					plain(r.Name), plain(h.Interface), r.VRID, by)
			case macvlans[h.Interface]:
				diags.errorf(h.Pos, "name the interface below it, or another", "(%s) heartbeat on %s: it is a device of use_vmac, which is up only on the MASTER",
					plain(r.Name), plain(h.Interface))
			}
			taken[at] = "a heartbeat of " + quote(r.Name)
		}
	}
}
