package config

import "time"

// PacerChoice is vrrpx_pacer: what sends the adverts of a MASTER.
type PacerChoice uint8

// The choices.
const (
	PacerAuto   PacerChoice = iota // the kernel where it can
	PacerKernel                    // the kernel, or no start
	PacerThread                    // a thread of the process
)

var pacerNames = []string{"auto", "kernel", "thread"}

func (p PacerChoice) String() string { return pacerNames[min(int(p), len(pacerNames)-1)] }

// LeaseDefault stands for the lease that follows from the timers.
const LeaseDefault time.Duration = -1

// A lease is how long the kernel sends adverts for a process that does not run,
// and so at most how much later the others take over from one that hangs. A quarter
// of it passes between renewals: with less than minLease a SCHED_FIFO loop on every
// CPU, which leaves others 50 ms of each second, would end it; a process that hangs for longer than
// maxLease is to be replaced.
const (
	minLease = 2 * time.Second // of the default
	maxLease = 5 * time.Second
)

// MasterDown is the router's own master-down interval at its configured priority:
// (256-priority)/256 of an interval, with version 2 of a second, beyond the
// adverts that may be missed (RFC 9568 section 6.1, RFC 3768 section 6.1).
func (r *Router) MasterDown() time.Duration {
	unit := r.AdvertInterval
	if r.Version == 2 {
		unit = time.Second
	}
	return time.Duration(r.DownAdverts)*r.AdvertInterval + unit*time.Duration(256-int(r.Priority))/256
}

// LeaseTime is the lease in force: the one given, or two seconds or the
// master-down interval, whichever is longer. It is 0 where the kernel is to send
// nothing without the process, and then why says so.
func (r *Router) LeaseTime() (lease time.Duration, why string) {
	down := r.MasterDown()
	switch {
	case r.Lease > 0:
		return r.Lease, ""
	case r.Lease == 0:
		return 0, "vrrpx_lease 0"
	case down > maxLease:
		return 0, "the master-down interval, " + showSeconds(down) + " s, is longer than the longest lease, " + showSeconds(maxLease) + " s: no stall of the process matters"
	}
	return max(minLease, down), ""
}

func (in *interpreter) resolveLease(d *draft) {
	own, pos := d.given("vrrpx_lease"), in.origin(d, "vrrpx_lease", "vrrpx_lease")
	down := d.MasterDown()
	if down > maxLease && !own && d.Lease > 0 {
		d.Lease = LeaseDefault // of global_defs: not for this one
	}
	switch {
	case d.Lease <= 0:
	case down > maxLease:
		in.diags.errorf(pos, "remove it: where adverts are so far apart the kernel need not help", "(%s) vrrpx_lease %s: the master-down interval is %s s, and no lease may be shorter than that or longer than %s s",
			plain(d.Name), showSeconds(d.Lease), showSeconds(down), showSeconds(maxLease))
	case d.Lease < down:
		in.diags.errorf(pos, "make it at least as long, or remove it", "(%s) vrrpx_lease %s: shorter than the master-down interval, %s s: the others wait that long in any case",
			plain(d.Name), showSeconds(d.Lease), showSeconds(down))
	}
	d.PacerPos = in.origin(d, "vrrpx_pacer", "vrrpx_pacer")
	lease, why := d.LeaseTime()
	switch {
	case d.Pacer == PacerThread && own && d.Lease > 0:
		in.diags.warnf(pos, "remove one of the two", "(%s) vrrpx_lease has no effect with vrrpx_pacer thread: it stops with the process", plain(d.Name))
	case d.Pacer == PacerKernel && lease == 0 && d.given("vrrpx_pacer"):
		in.diags.errorf(d.PacerPos, "write vrrpx_pacer auto, or remove it", "(%s) vrrpx_pacer kernel: %s", plain(d.Name), why)
	case d.Pacer == PacerKernel && lease == 0:
		d.Pacer = PacerAuto // of global_defs: not for this one
	}
}

// signsAdverts refuses the kernel for what only the process can sign.
func (in *interpreter) signsAdverts(d *draft) {
	if d.Pacer != PacerKernel || d.HMAC == nil && d.Auth.Type != AuthAH {
		return
	}
	if !d.given("vrrpx_pacer") {
		d.Pacer = PacerAuto
		return
	}
	in.diags.errorf(d.PacerPos, "write vrrpx_pacer auto, or remove it", "(%s) vrrpx_pacer kernel: signed adverts (auth_hmac, auth_type AH) are finished by the thread that sends them", plain(d.Name))
}

// lease checks what was made by hand.
func (v *validator) lease() {
	if v.Pacer > PacerThread {
		v.errorf(v.PacerPos, "", "vrrpx_pacer %d: expected 0 to 2", v.Pacer)
	}
	if v.said("vrrpx_lease") || v.Lease == LeaseDefault || v.Lease == 0 {
		return
	}
	if v.Lease < v.MasterDown() || v.Lease > maxLease {
		v.errorf(v.Pos, "", "vrrpx_lease %s: expected 0, or the master-down interval, %s, to %s", v.Lease, v.MasterDown(), maxLease)
	}
}
