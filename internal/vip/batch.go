package vip

import (
	"errors"
	"slices"
	"time"
)

// deviceWeight is how many addresses a device counts for in a batch: to set it up
// takes the kernel longer, and its owner's gratuitous ARPs wait for the answer.
const deviceWeight = 8

// take removes from the queue the owners whose turn it is, as many as one
// sendmsg bears. Who lets go comes before who takes: an address that two hosts
// have does more harm than one that nobody has yet. An owner of devices to be
// made, removed or set down has a turn of its own, since the kernel takes long for
// each. The caller holds m.mu.
func (m *Manager) take() (turn []*owner) {
	slices.SortStableFunc(m.queue, func(a, b *owner) int {
		switch {
		case a.held == b.held:
			return 0
		case b.held:
			return -1
		}
		return 1
	})
	size := 0
	for _, o := range m.queue {
		slow := m.slow(o)
		size += len(o.entries) + deviceWeight*len(o.devices)
		if len(turn) > 0 && (slow || size > batch) {
			break
		}
		turn = append(turn, o)
		if slow {
			break
		}
	}
	m.queue = slices.Delete(m.queue, 0, len(turn))
	return turn
}

func (m *Manager) slow(o *owner) bool {
	return slices.ContainsFunc(o.devices, func(d *macvlan) bool { return d.index == 0 || d.spoilt || d.gone || !m.wantedUp(d) })
}

// job is what is to be done for one owner, and whom it answers.
type job struct {
	*owner
	asked   time.Time // of the word that is answered; zero for none
	held    bool
	ops     []op
	refused []AddressError
}

// settle makes the host as the owners want it, with one request for all, but for
// devices that are missing or to go. An address that the kernel refuses keeps none
// of the others from being where they belong: each has its own answer.
func (m *Manager) settle(turn []*owner) {
	for _, o := range turn {
		m.prepare(o)
	}
	jobs, changes := m.planAll(turn)
	errs := m.kernel.apply(changes)
	answered := time.Now()
	if slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, errNoAnswer) }) {
		m.stale = true // what is on the host tells what was done
	}
	m.listen() // the kernel queued what came of it before it answered

	for _, j := range jobs {
		m.mu.Lock()
		m.concludeJob(j, errs[:len(j.ops)], answered)
		m.mu.Unlock()
		errs = errs[len(j.ops):]
	}
}

// planAll lists the changes of all owners in order.
func (m *Manager) planAll(turn []*owner) (jobs []job, changes []change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, o := range turn {
		j := job{owner: o, asked: o.asked, held: o.held}
		o.asked = time.Time{}
		j.ops, j.refused = m.plan(o, now, !j.asked.IsZero())
		j.ops = append(m.planDevices(o, now, !j.asked.IsZero()), j.ops...)
		for _, op := range j.ops {
			changes = append(changes, op.change)
			if op.device != nil {
				op.device.busy = true
			} else {
				op.entry.busy, op.entry.fled = true, false
			}
		}
		jobs = append(jobs, j)
	}
	return jobs, changes
}

// concludeJob notes what the kernel said of one owner's changes, and answers. The
// caller holds m.mu.
func (m *Manager) concludeJob(j job, errs []error, answered time.Time) {
	o, refused := j.owner, j.refused
	for i, op := range j.ops {
		if op.device != nil {
			m.concludeDevice(op, errs[i])
		} else if err := m.conclude(op, errs[i]); err != nil {
			refused = append(refused, AddressError{op.address, err})
		}
	}
	took := answered.Sub(j.asked)
	switch {
	case j.asked.IsZero():
		for _, r := range refused {
			m.out = append(m.out, Event{Kind: Trouble, Owner: o.name, Address: r.Address, Err: r.Err})
		}
	case j.held:
		m.out = append(m.out, Event{Kind: Held, Owner: o.name, Took: took, Errors: refused})
	default:
		m.out = append(m.out, Event{Kind: Released, Owner: o.name, Took: took, Errors: refused})
	}
	if o.held && !m.closing {
		m.routing.want(o.name, true)
	}
	m.tidy(o)
}
