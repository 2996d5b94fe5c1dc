package vip

import "time"

const (
	burst   = 5                // puttings-back of one address within
	period  = time.Second      // this time; two managers at war must not take the machine
	maxWait = 30 * time.Second // between tries of what the kernel refuses
)

// pace says when an address may be tried again. The zero value says now.
type pace struct {
	next  time.Time // not before
	since time.Time // the start of the period in which count is counted
	count int
	wait  time.Duration // after the last failure
}

// spend counts a try.
func (p *pace) spend(now time.Time) {
	if now.Sub(p.since) >= period {
		p.since, p.count = now, 0
	}
	if p.count++; p.count >= burst {
		p.next = p.since.Add(period)
	}
}

// fail doubles the wait, from one second.
func (p *pace) fail(now time.Time) {
	p.wait = min(max(2*p.wait, time.Second), maxWait)
	p.next = now.Add(p.wait)
}
