package doctor

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

const bothMaster = ": its adverts are dropped here, and both hosts are MASTER"

// sameOnBoth says what is to be written alike.
func sameOnBoth(what string) string {
	return "write the same " + what + " on both hosts; vrrpx check -f FILE --peer FILE compares two files"
}

func (v *visit) peers() {
	if v.deaf() {
		v.remembered(nil)
		return
	}
	mark := len(v.results)
	told := map[*config.Router]bool{}
	for i := range v.Routers {
		r := &v.Routers[i]
		for _, h := range v.speakers(r) {
			if h.stranger() || h.src == v.own(r) {
				continue // of whom vrid tells
			}
			before := len(v.results)
			if h.drop != vrrp.Accepted {
				v.dropped(r, &h)
			} else {
				v.differs(r, &h)
			}
			told[r] = told[r] || len(v.results) > before
		}
	}
	v.remembered(told)
	v.clear(mark, "no other host that was heard is configured otherwise")
}

// dropped says why the adverts of a speaker are.
func (v *visit) dropped(r *config.Router, h *heard) {
	who := h.src.String()
	say := func(fix, format string, a ...any) {
		v.add(Result{Verdict: Bad, Subject: r.Name, Finding: fmt.Sprintf(format, a...), Evidence: []string{h.said(), "drop reason " + h.drop.String()}, Fix: fix})
	}
	p := h.packet
	switch h.drop {
	case vrrp.DropVersion:
		say(sameOnBoth("version (or vrrp_version in global_defs)"), "%s speaks VRRPv%d, and we VRRPv%d%s", who, p.Version, r.Version, bothMaster)
	case vrrp.DropAuthType:
		say(sameOnBoth("authentication"), "%s has authentication %s, and we %v%s", who, authName(h), r.Auth.Type, bothMaster)
	case vrrp.DropAuthData:
		say(sameOnBoth("auth_pass, of which 8 characters count,"), "%s has another auth_pass%s", who, bothMaster)
	case vrrp.DropInterval:
		say(sameOnBoth("advert_int, which VRRPv2 does not learn,"), "%s advertises every %v, and we every %v%s", who, p.Interval, r.AdvertInterval, bothMaster)
	case vrrp.DropIntervalZero:
		say("give it an interval", "%s advertises with an interval of 0, and is not believed%s", who, bothMaster)
	case vrrp.DropAuthMissing:
		say("auth_hmac on both hosts; until then mode permissive", "%s does not sign, and auth_hmac is enforced here%s", who, bothMaster)
	case vrrp.DropAuthKey:
		say("add the key under that id on both hosts, then change active_key", "%s signs with key %d, which is not configured here%s", who, h.keyID, bothMaster)
	case vrrp.DropAuthInvalid:
		say("write the same key or password on both hosts", "%s signs with another key or password%s", who, bothMaster)
	case vrrp.DropAuthMalformed:
		say("auth_hmac of keepalived 2.4.2 or later, or of vrrpx", "%s signs in a form that is not known%s", who, bothMaster)
	case vrrp.DropTTL:
		say("nothing between the hosts may route adverts; for unicast peers min_ttl", "adverts of %s arrive with TTL %d: a router is between us, or somebody far away sends them%s", who, h.ttl, bothMaster)
	case vrrp.DropUnknownPeer:
		say("add it to unicast_peer", "%s is no unicast peer here%s", who, bothMaster)
	case vrrp.DropDestination:
		say(sameOnBoth("mcast_dst_ip, or fitting unicast_peer,"), "%s sends to another group or address than we listen at%s", who, bothMaster)
	default:
		say("tcpdump -vv proto 112 shows what it sends", "adverts of %s are malformed (%v)%s", who, h.drop, bothMaster)
	}
}

func authName(h *heard) string {
	if h.parsed && h.packet.Version == 2 {
		return config.AuthType(h.packet.Auth).String()
	}
	return "of another kind"
}

// differs says what of an advert that is taken is not as we have it.
func (v *visit) differs(r *config.Router, h *heard) {
	say := func(verdict Verdict, fix, format string, a ...any) {
		v.add(Result{Verdict: verdict, Subject: r.Name, Finding: fmt.Sprintf(format, a...), Evidence: []string{h.said()}, Fix: fix})
	}
	p := h.packet
	if !h.parsed {
		return
	}
	if missing, extra := differ(r, p.Addrs); len(missing)+len(extra) > 0 && !v.Guessed {
		text := ""
		if len(missing) > 0 {
			text += "; it does not have " + addrList(missing)
		}
		if len(extra) > 0 {
			text += "; it has " + addrList(extra) + " too"
		}
		say(Warn, sameOnBoth("virtual_ipaddress"), "%s backs up other addresses than we%s: they are gone after a takeover", h.src, text)
	}
	if p.Interval != r.AdvertInterval && p.Priority > 0 {
		say(Warn, sameOnBoth("advert_int"), "%s advertises every %v, and we every %v: each uses its own as MASTER, and so a takeover takes longer one way", h.src, p.Interval, r.AdvertInterval)
	}
	switch s := v.running(r); {
	case p.Priority == 255 && r.Priority == 255:
		say(Bad, "priority 255 on the one host that owns the addresses", "%s and we both have priority 255: both mean to own the addresses", h.src)
	case p.Priority > 0 && p.Priority == r.Priority && (s == nil || s.Priority == r.Priority):
		say(Warn, "give one host a higher priority", "%s has our priority, %d: the higher of the two addresses decides who is MASTER", h.src, p.Priority)
	}
	switch {
	case v.Guessed:
	case r.HMAC == nil && h.signed:
		say(Note, "auth_hmac here too", "%s signs its adverts (key %d), and nobody looks at that here", h.src, h.keyID)
	case r.HMAC != nil && !h.signed:
		say(Note, "auth_hmac there too, then mode enforce here", "%s does not sign its adverts, which mode %v lets pass", h.src, r.HMAC.Mode)
	}
}

// differ compares the addresses of an advert with ours.
func differ(r *config.Router, addrs []netip.Addr) (missing, extra []netip.Addr) {
	var own []netip.Addr
	for _, a := range r.Addresses {
		own = append(own, a.Prefix.Addr())
		if !slices.Contains(addrs, a.Prefix.Addr()) {
			missing = append(missing, a.Prefix.Addr())
		}
	}
	for _, a := range addrs {
		if !slices.Contains(own, a) {
			extra = append(extra, a)
		}
	}
	return missing, extra
}

// mismatches are drops that come from two configurations, as status counts them.
var mismatches = []vrrp.Drop{
	vrrp.DropVersion, vrrp.DropAuthType, vrrp.DropAuthData, vrrp.DropAuthMissing, vrrp.DropAuthKey, vrrp.DropAuthInvalid,
	vrrp.DropAuthStale, vrrp.DropInterval, vrrp.DropIntervalZero, vrrp.DropTTL, vrrp.DropUnknownPeer, vrrp.DropDestination, vrrp.DropChecksum,
}

// remembered tells of what the daemon dropped before we listened.
func (v *visit) remembered(told map[*config.Router]bool) {
	for i := range v.Routers {
		r := &v.Routers[i]
		s := v.running(r)
		if s == nil || told[r] {
			continue
		}
		var counts []string
		for _, d := range mismatches {
			if n := s.Drops[d.String()]; n > 0 {
				counts = append(counts, fmt.Sprintf("%s %d", d, n))
			}
		}
		if len(counts) > 0 {
			v.add(Result{Verdict: Note, Subject: r.Name, Finding: "since its start vrrpx has dropped adverts for this router; none was heard just now", Evidence: []string{"vrrpx status: dropped " + list(counts)},
				Fix: "vrrpx doctor --listen=1m, or the log at the time: it names who sent them"})
		}
	}
}
