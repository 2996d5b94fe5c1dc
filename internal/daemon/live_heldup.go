package daemon

import (
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

// limit is timer_expired_backup: how long after its last advert a MASTER that
// was held up may resume. Past it the best of the others has taken over, and is
// not to be disturbed. keepalived counts three intervals in any case; the
// others count down_timer_adverts. 0: no limit.
func (r *router) limit() time.Duration {
	p := r.cfg.ExpiredBackup
	if p == 0 {
		return 0
	}
	c := r.machine.Config()
	return vrrp.MasterDown(c.Version, p, c.DownAdverts, c.Interval)
}

// heldUp tells whether a MASTER has passed its limit. It is asked before each
// step, since who was stopped anywhere wakes up there; pacer and announcer ask
// likewise before each frame of theirs.
func (r *router) heldUp() (time.Duration, bool) {
	if r.cfg.ExpiredBackup == 0 || r.machine.State() != vrrp.Master || !r.advert.running {
		return 0, false
	}
	return r.out.pacer.Overdue(r.owner)
}

// giveWay makes a MASTER that has passed its limit, or lost its lease, BACKUP, and
// one that was paused listen, and leaves it to the caller to settle.
func (r *router) giveWay() {
	if r.machine.State() != vrrp.Master || len(r.sending()) == 0 {
		return
	}
	if silence, overdue := r.heldUp(); overdue {
		r.resumed = clock.Now()
		r.perform(r.resumed, vrrp.HeldUp{Silence: silence})
		return
	}
	if r.out.away != nil {
		if gap := r.out.away(); r.lapsed(gap) {
			r.lapse(gap)
			return
		}
	}
	r.pause()
}

// onHeldUp is the pacer's word, on its thread.
func (r *router) onHeldUp() {
	r.out.post(func() {
		r.giveWay()
		r.settle()
	})
}
