package daemon

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/auth"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// authentication is how the router is authenticated, for status.
func (r *router) authentication() string {
	if r.guard != nil {
		return r.guard.String()
	}
	if r.authType() == vrrp.AuthPass {
		return "PASS, in clear text"
	}
	return "none"
}

// verifyRate is how many adverts a second, of each class, may go up to be
// verified, verifyBurst how many at once. It is far above what genuine routers
// send: a forger who copies all that shows of the master's adverts, its source
// address and MAC too, would otherwise crowd them out and make us deaf, and a
// deaf BACKUP takes over. One costs the loop about a microsecond; what goes up
// at once leaves room in the ring (4,600 adverts) for other routers.
const (
	verifyRate  = 50000
	verifyBurst = 1500
)

// authentic tells whether an advert may be believed, and counts one that may
// not. sender is who its source is on the first line.
func (r *router) authentic(e *loader.Event, sender netip.Addr) bool {
	if r.guard == nil {
		return true
	}
	a := auth.Advert{Family: e.Key.Family, Source: e.Src, Sender: sender, Packet: e.Packet, Message: e.Message}
	d, say := r.guard.Check(a, r.wallAt(e.At))
	if d != vrrp.Accepted {
		r.reject(d, e)
		return false
	}
	if say != "" {
		r.remark(alarm.AuthRemark, e, say)
	}
	return true
}

// reject counts an advert that failed, and tells of it.
func (r *router) reject(d vrrp.Drop, e *loader.Event) {
	r.drops[d].Add(1)
	r.flight.refuse(d, r, e)
	r.remark(alarm.AuthRefused, e, refusals[d])
}

var refusals = map[vrrp.Drop]auth.Remark{
	vrrp.DropAuthData:      "is refused: it has another password (auth_data)",
	vrrp.DropAuthMissing:   "is refused: its adverts are not signed (auth_missing): give it the keys, or use mode permissive until all have them",
	vrrp.DropAuthMalformed: "is refused: its adverts are authenticated in a form that nobody speaks (auth_malformed)",
	vrrp.DropAuthStale:     "is refused: its clock and ours differ by more than time_window, or its adverts are old ones (auth_stale)",
	vrrp.DropAuthKey:       "is refused: it signs with a key id that is not configured here (auth_key)",
	vrrp.DropAuthInvalid:   "is refused: its key or password is not ours, or its adverts are forged (auth_invalid)",
	vrrp.DropAuthReplay:    "is refused: its adverts have been seen before, or its sequence numbers have begun anew (auth_replay)",
}

// remark raises an alarm of an advert. A flood is one line, and costs no memory.
func (r *router) remark(kind string, e *loader.Event, what auth.Remark) {
	if r.alarms.Renew(e.At, kind, string(what)) {
		return
	}
	text := fmt.Sprintf("%s (%s) %s", e.Src, net.HardwareAddr(e.MAC[:]), what)
	r.alarms.Raise(e.At, alarm.Alarm{Kind: kind, Text: text, Same: string(what), Stands: alarm.Lasts, Level: slog.LevelWarn})
}
