package doctor

import (
	"net/netip"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// FromStatus makes routers of a daemon's status, for where its file cannot be read
// or it has none. What status does not tell is as by default: passwords are not
// known, so none is compared.
func FromStatus(st *stats.Status) (routers []config.Router) {
	for i := range st.Routers {
		s := &st.Routers[i]
		r := config.Defaults()
		r.Name, r.Interface, r.VRID, r.Version = s.Name, s.Interface, s.VRID, s.Version
		r.Priority, r.AdvertInterval = s.BasePriority, time.Duration(s.AdvertInterval)
		switch {
		case strings.HasPrefix(s.Authentication, "PASS"):
			r.Auth.Type = config.AuthPass
		case s.Authentication == "AH":
			r.Auth.Type = config.AuthAH
		}
		if learned := time.Duration(s.LearnedInterval); learned > 0 {
			r.DownAdverts = max(1, int((time.Duration(s.MasterDown)-time.Duration(s.Skew))/learned))
		}
		if s.Family == vrrp.IPv6.String() {
			r.Family, r.Group = 6, config.DefaultGroup6
		}
		if a, err := netip.ParseAddr(s.Source); err == nil {
			r.Source = a
		}
		for _, a := range s.Addresses {
			if p, err := netip.ParsePrefix(a.Address); err == nil {
				r.Addresses = append(r.Addresses, config.Address{Prefix: p, Device: a.Device})
			}
		}
		for _, p := range s.Peers {
			if a, err := netip.ParseAddr(p.Address); err == nil {
				r.Peers = append(r.Peers, config.Peer{Addr: a, MinTTL: p.MinTTL, MaxTTL: p.MaxTTL})
			}
		}
		routers = append(routers, r)
	}
	return routers
}
