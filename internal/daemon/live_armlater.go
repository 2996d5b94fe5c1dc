package daemon

import "github.com/vrrpx/vrrpx/vrrp"

// Of an advert that was sent up while the gate was shut the kernel knows nothing. A loop that
// was held up as MASTER, and hears first of many that another is it, has a deadline that has
// passed: armed with that the kernel would take over at once from a MASTER who is well.

// behind tells whether adverts wait to be read without which the deadline may be too early:
// it has passed, or the next advert of a MASTER who is well need not come before it. From the
// next on the kernel moves the deadline by itself. So a ring that never empties, in a flood of
// others' adverts, keeps the gate shut only while the MASTER is silent, for whose deadline the
// loop is awake then.
func (r *router) behind() bool {
	if !r.link.Path.Ready() {
		return false
	}
	due, _ := r.deadline()
	if r.keepsAny() {
		if kept, err := r.link.Path.LastMatch(r.key); err == nil {
			due = max(due, kept.Add(r.machine.MasterDown())) // as the kernel has it
		}
	}
	return due < r.now().Add(r.machine.LearnedInterval())
}

// armLater shuts the gate, and arms it when the loop has read on.
func (r *router) armLater() {
	r.disarm()
	if r.takeover.later {
		return
	}
	r.takeover.later = true
	r.out.post(func() {
		r.takeover.later = false
		if r.machine.State() == vrrp.Backup {
			r.settle()
		}
	})
}

// lookBehind looks again for adverts that came before the gate was armed and the rule named its
// slot, in case the loop was held up in between. Those that come from now on shut the gate, or
// the kernel remembers them.
func (r *router) lookBehind() {
	if r.takeover.fresh && r.behind() {
		r.armLater()
	}
	r.takeover.fresh = false
}
