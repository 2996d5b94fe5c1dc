package doctor

import (
	"net/netip"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// heard is one speaker of one VRID on an interface, and what it last said.
type heard struct {
	on     string
	family vrrp.Family
	vrid   uint8
	src    netip.Addr
	mac    [6]byte

	router *config.Router // ours of that VRID; nil for none
	carp   bool           // it is CARP, which has the same protocol number
	drop   vrrp.Drop      // what becomes of it here, by that router
	parsed bool
	packet vrrp.Packet
	ttl    uint8
	keyID  uint8 // of its signature
	signed bool  // with auth_hmac

	count       int
	first, last vrrp.Instant
	longest     time.Duration // between two
}

// listen hears what is said, once for all checks. It is false where that nobody speaks
// on an interface cannot be said.
func (v *visit) listen(name string) bool {
	if !v.looked.heard {
		v.looked.heard = true
		v.hear()
	}
	return slices.Contains(v.ears, name)
}

func (v *visit) hear() {
	groups := map[string][]netip.Addr{}
	var order []string
	for i := range v.Routers {
		r := &v.Routers[i]
		if _, ok := groups[r.Interface]; !ok {
			order = append(order, r.Interface)
			groups[r.Interface] = nil
		}
		if !r.Unicast() && !slices.Contains(groups[r.Interface], r.Group) {
			groups[r.Interface] = append(groups[r.Interface], r.Group)
		}
	}
	var ears []Ear
	for _, name := range order {
		if l, ok := v.link1(name); ok && l.Up && l.Carrier {
			ears = append(ears, Ear{l, groups[name]})
		}
	}
	if len(ears) == 0 {
		return
	}
	var frames []Frame
	frames, v.deafTo = v.host.Listen(v.ctx, ears, v.Listen)
	for _, e := range ears {
		if v.deafTo[e.Link.Name] == nil {
			v.ears = append(v.ears, e.Link.Name)
		}
	}
	for _, f := range frames {
		v.take(f)
	}
}

// take judges a frame as the daemon would, with the same code.
func (v *visit) take(f Frame) {
	var r *config.Router
	fr, drop, ours := vrrp.Judge(f.Bytes, func(vrid uint8, family vrrp.Family) (vrrp.Expect, bool) {
		r = v.ours(f.On, vrid, uint8(family))
		if r == nil {
			return vrrp.Expect{}, false
		}
		return v.expect(r), true
	})
	if !ours || len(fr.Message) < 8 || !fr.Src.IsValid() {
		return // no VRRP, that of another VLAN, or no more than a piece of it
	}
	h := heard{on: f.On, family: fr.Family, vrid: fr.VRID, src: fr.Src, mac: fr.MAC, router: r, drop: drop, ttl: fr.TTL, first: f.At}
	h.carp = fr.Family == vrrp.IPv4 && fr.Message[0] == 0x21 && len(fr.Message) == carpLength && fr.Message[3] == carpAuth
	if p, err := vrrp.Parse(fr.Message, fr.Family); err == nil && !h.carp {
		h.packet, h.parsed = p, true
		t, signed := vrrp.TrailerOf(fr.Message, fr.Family)
		h.signed, h.keyID = signed == vrrp.Accepted, t.KeyID
		if r != nil && drop == vrrp.Accepted && !v.Guessed {
			h.drop = authentic(r, &fr, &p)
		}
	}
	i := slices.IndexFunc(v.speech, func(o heard) bool {
		return o.on == h.on && o.family == h.family && o.vrid == h.vrid && o.src == h.src && o.mac == h.mac && o.carp == h.carp
	})
	if i < 0 {
		h.count, h.last = 1, f.At
		v.speech = append(v.speech, h)
		return
	}
	o := &v.speech[i]
	h.count, h.first, h.last = o.count+1, o.first, f.At
	h.longest = max(o.longest, f.At.Sub(o.last))
	*o = h
}

// A CARP header (OpenBSD's netinet/ip_carp.h): version 2, type 1, the length of its
// authentication in words, and SHA-1 over it.
const (
	carpLength = 36
	carpAuth   = 7
)

// ours is the router of a VRID on an interface.
func (v *visit) ours(on string, vrid, family uint8) *config.Router {
	i := slices.IndexFunc(v.Routers, func(r config.Router) bool { return r.Interface == on && r.VRID == vrid && r.Family == family })
	if i < 0 {
		return nil
	}
	return &v.Routers[i]
}

// expect is what the daemon demands of adverts for a router.
func (v *visit) expect(r *config.Router) vrrp.Expect {
	e := vrrp.Expect{Version: r.Version, Auth: vrrp.AuthType(r.Auth.Type), Group: r.Group}
	if r.Version == 2 {
		e.Interval, _ = vrrp.WireInterval(2, r.AdvertInterval) // the configuration was checked
	}
	if !r.Unicast() {
		return e
	}
	u := &vrrp.Unicast{AnySource: !r.CheckSource}
	for _, p := range r.Peers {
		u.Peers = append(u.Peers, vrrp.Peer{Addr: p.Addr, MinTTL: p.MinTTL, MaxTTL: p.MaxTTL})
	}
	if r.OldChecksum != config.OldChecksumNever {
		u.OldGroup = config.DefaultGroup
	}
	e.Unicast, e.Group = u, v.own(r)
	return e
}

// authentic is what becomes of an advert by its password or signature. That it is
// an old one which was recorded is not looked for.
func authentic(r *config.Router, fr *vrrp.Frame, p *vrrp.Packet) vrrp.Drop {
	switch {
	case r.HMAC != nil:
		t, drop := vrrp.TrailerOf(fr.Message, fr.Family)
		if drop == vrrp.DropAuthMissing && r.HMAC.Mode != config.Enforce {
			return vrrp.Accepted
		}
		if drop != vrrp.Accepted {
			return drop
		}
		i := slices.IndexFunc(r.HMAC.Keys, func(k config.HMACKey) bool { return k.ID == t.KeyID })
		if i < 0 {
			return vrrp.DropAuthKey
		}
		if k := r.HMAC.Keys[i]; !vrrp.NewKey(k.ID, []byte(k.Secret.Reveal())).Verify(fr.Message, fr.Family, fr.Src.AsSlice()) {
			return vrrp.DropAuthInvalid
		}
	case r.Auth.Type == config.AuthAH:
		_, drop := vrrp.NewAH(r.Auth.Pass.Reveal()).Verify(fr.Packet)
		return drop
	case r.Auth.Type == config.AuthPass:
		var pass [8]byte
		copy(pass[:], r.Auth.Pass.Reveal())
		if p.AuthData != pass {
			return vrrp.DropAuthData
		}
	}
	return vrrp.Accepted
}

// speakers are those of a router's VRID on its interface, CARP not among them.
func (v *visit) speakers(r *config.Router) (all []heard) {
	for _, h := range v.speech {
		if h.router == r && !h.carp {
			all = append(all, h)
		}
	}
	return all
}

// stranger tells whether a speaker of our VRID backs up other addresses altogether.
func (h *heard) stranger() bool {
	if !h.parsed || len(h.packet.Addrs) == 0 || len(h.router.Addresses) == 0 {
		return false
	}
	return !slices.ContainsFunc(h.router.Addresses, func(a config.Address) bool { return slices.Contains(h.packet.Addrs, a.Prefix.Addr()) })
}
