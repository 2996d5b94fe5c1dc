package daemon

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// guard authenticates the adverts of one router by a secret that is not in
// them: AH or auth_hmac. The adverts of such a router are never elided, since
// only check can tell whether one is genuine. A password in the clear (PASS) is
// no guard's.
//
// check, wrap and sealer belong to the loop.
type guard interface {
	// check verifies an advert that arrived at wall, before anything in it is
	// believed; what it says is for people, and about a verified advert too.
	check(e *loader.Event, wall wallTime) (vrrp.Drop, remark)
	// wrap makes room for the proof in the payload of an advert.
	wrap(msg []byte) []byte
	// sealer makes a function that puts a new proof into a frame, and never
	// blocks. Each goroutine that sends has its own; they share one sequence.
	// It is nil when adverts leave without a proof.
	sealer() func(frame []byte)
	// proto is the IP protocol behind which the proof stands.
	proto() uint8
	String() string
}

// remark is what an operator should know of an advert; empty for nothing.
type remark string

// wallTime is nanoseconds since 1970: CLOCK_REALTIME.
type wallTime int64

func wallNow() wallTime { return wallTime(clock.Read(unix.CLOCK_REALTIME)) }

// wallAt is what the wall clock showed at an instant. An advert that waited
// while the process was stopped is as fresh as it was when it came.
func wallAt(at vrrp.Instant) wallTime { return wallNow() - wallTime(clock.Now().Sub(at)) }

// newGuard is the guard that a router's configuration asks for; nil for none.
func newGuard(cfg config.Router) guard {
	switch {
	case cfg.HMAC != nil:
		return newHMACGuard(*cfg.HMAC)
	case cfg.Version == 2 && cfg.Auth.Type == config.AuthAH:
		return newAHGuard(cfg.Auth.Pass.Reveal())
	}
	return nil
}

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
// not.
func (r *router) authentic(e *loader.Event) bool {
	if r.guard == nil {
		return true
	}
	d, say := r.guard.check(e, r.wallAt(e.At))
	if d != vrrp.Accepted {
		r.reject(d, e)
		return false
	}
	if say != "" {
		r.remarked.tell(r, e, say)
	}
	return true
}

// reject counts an advert that failed, and tells of it.
func (r *router) reject(d vrrp.Drop, e *loader.Event) {
	r.drops[d].Add(1)
	r.refused.tell(r, e, refusals[d])
}

var refusals = map[vrrp.Drop]remark{
	vrrp.DropAuthData:      "is refused: it has another password (auth_data)",
	vrrp.DropAuthMissing:   "is refused: its adverts are not signed (auth_missing): give it the keys, or use mode permissive until all have them",
	vrrp.DropAuthMalformed: "is refused: its adverts are authenticated in a form that nobody speaks (auth_malformed)",
	vrrp.DropAuthStale:     "is refused: its clock and ours differ by more than time_window, or its adverts are old ones (auth_stale)",
	vrrp.DropAuthKey:       "is refused: it signs with a key id that is not configured here (auth_key)",
	vrrp.DropAuthInvalid:   "is refused: its key or password is not ours, or its adverts are forged (auth_invalid)",
	vrrp.DropAuthReplay:    "is refused: its adverts have been seen before, or its sequence numbers have begun anew (auth_replay)",
}

// standing is an alarm that ends by itself when what raised it has not come
// for a while.
type standing struct {
	what remark
	text string
	last vrrp.Instant
	said vrrp.Instant // when something was last logged
}

// alarmStands is how long such an alarm stands.
const alarmStands = time.Minute

func (s *standing) stands(at vrrp.Instant) bool {
	return s.text != "" && at.Sub(s.last) < alarmStands
}

// tell raises the alarm. It is logged when it is new, and another in its place
// at most every few seconds: a flood is one line, and costs no memory.
func (s *standing) tell(r *router, e *loader.Event, what remark) {
	stood := s.stands(e.At)
	s.last = e.At
	if stood && (s.what == what || e.At.Sub(s.said) < logDrops) {
		return
	}
	s.what, s.said = what, e.At
	s.text = fmt.Sprintf("%s (%s) %s", e.Src, net.HardwareAddr(e.MAC[:]), what)
	r.log.Warn(fmt.Sprintf("(%s) %s", r.cfg.Name, s.text))
}

// authAlarms are those that stand at t.
func (r *router) authAlarms(t vrrp.Instant) (alarms []string) {
	for _, s := range []*standing{&r.refused, &r.remarked} {
		if s.stands(t) {
			alarms = append(alarms, s.text)
		}
	}
	if g, ok := r.guard.(*hmacGuard); ok {
		if why := g.trouble.Load(); why != nil {
			alarms = append(alarms, *why)
		}
	}
	return alarms
}
