package daemon

import (
	"fmt"
	"slices"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/vrrp"
)

// conflictCause is why two hold an address, as likely as can be told.
func (r *router) conflictCause(o *other) (cause, why string) {
	now := r.refusedAdverts()
	for _, d := range []vrrp.Drop{
		vrrp.DropAuthData, vrrp.DropAuthInvalid, vrrp.DropAuthKey, vrrp.DropAuthMissing, vrrp.DropAuthStale, vrrp.DropAuthReplay,
		vrrp.DropAuthType, vrrp.DropVersion, vrrp.DropInterval, vrrp.DropChecksum, vrrp.DropTTL, vrrp.DropUnknownPeer,
	} {
		n := now[d] - r.split.before.n[d]
		if n == 0 {
			continue
		}
		what := map[vrrp.Drop]string{vrrp.DropVersion: "version", vrrp.DropInterval: "interval", vrrp.DropAuthType: "authentication"}[d]
		switch {
		case what != "":
			cause = what + "_mismatch"
		case d >= vrrp.DropAuthData && d <= vrrp.DropAuthReplay:
			cause, what = "password_mismatch", "password or key"
		default:
			cause, what = "refused", d.String()
		}
		return cause, fmt.Sprintf("adverts for VRID %d are refused here (%s, %d of them): %s differs, or another group uses the VRID", r.cfg.VRID, d.String(), n, what)
	}
	speaker := slices.ContainsFunc(r.speakers, func(s speaker) bool { return s.last.MAC == o.mac })
	switch {
	case len(r.split.rivals) > 0:
		return r.rivalCause(&r.split.rivals[len(r.split.rivals)-1])
	case o.claimAt != 0 && o.claim.VRID != r.cfg.VRID:
		return "vrid_mismatch", fmt.Sprintf("it holds it for VRID %d and not %d: the configurations differ", o.claim.VRID, r.cfg.VRID)
	case o.claimAt != 0 || speaker:
		return "firewall", "its adverts do not arrive and its ARP does: a firewall or switch drops protocol 112 between us"
	case r.split.peer.verdict == probeUp:
		return "firewall_or_manual", "no advert of it was ever heard: a firewall drops protocol 112, or the address was configured by hand"
	}
	return "manual", "no advert of it was ever heard: the address is configured there by hand, or a firewall has dropped protocol 112 from the start"
}

// refusedCount are the adverts refused until an instant, by cause.
type refusedCount struct {
	at vrrp.Instant
	n  [vrrp.NumDrops]uint64
}

// ageRefused forgets what was refused long before any conflict.
func (r *router) ageRefused(at vrrp.Instant) {
	s := &r.split
	if !r.alarms.Stands(alarm.Conflict) && at.Sub(s.lately.at) >= logDrops {
		s.before, s.lately = s.lately, refusedCount{at, r.refusedAdverts()}
	}
}

// refusedAdverts are the adverts for the router that were dropped so far, by cause.
func (r *router) refusedAdverts() [vrrp.NumDrops]uint64 {
	n := r.dropCounts()
	if r.link != nil {
		if st, err := r.link.Path.State(r.key); err == nil {
			for d, more := range st.Drops {
				n[d] += more
			}
		}
	}
	return n
}
