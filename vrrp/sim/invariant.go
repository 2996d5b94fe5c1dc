package sim

import (
	"fmt"
	"time"
)

// Invariant names what a run is held to.
type Invariant string

// The invariants.
const (
	// Early: no takeover before the master-down time since the last advert that
	// arrived and counts; before the skew, after a release.
	Early Invariant = "early"
	// Late: and none later than the process's wake allows.
	Late Invariant = "late"
	// Gap: the LAN is without a running MASTER at most for a delivery and the
	// least master-down time of the BACKUPs that run.
	Gap Invariant = "gap"
	// TwoMasters: a MASTER yields to the first better advert that arrives, and
	// two that hear each other last at most the better one's interval and a
	// delivery.
	TwoMasters Invariant = "two-masters"
	// Deposed: and it yields to nothing else.
	Deposed Invariant = "deposed"
	// Settled: when nothing has been wrong for some time there is one MASTER,
	// and no router that preempts and has a higher priority.
	Settled Invariant = "settled"
	// Schedule: a MASTER sends an advert when it becomes one, and then in slots an
	// interval apart, without drift; each with its priority. Nobody else sends, nor
	// does a MASTER after a silence of its master-down time before it has listened for
	// an interval and the skew, nor one whose lease has run out.
	Schedule Invariant = "schedule"
	// Answer: a MASTER answers a release at once, and so a losing advert unless
	// an advert went out within half an interval before; losing adverts within
	// half an interval are answered once.
	Answer Invariant = "answer"
	// Farewell: a MASTER that leaves the election says so with priority 0.
	Farewell Invariant = "farewell"
	// VIPs: addresses are taken and released in turn, and held by MASTERs alone.
	VIPs Invariant = "vips"
)

// Violation is an invariant that did not hold.
type Violation struct {
	At     time.Duration
	Router int // index; -1 for the LAN
	Broke  Invariant
	What   string
}

func (v *Violation) Error() string {
	who := "the LAN"
	if v.Router >= 0 {
		who = fmt.Sprintf("r%d", v.Router+1)
	}
	return fmt.Sprintf("%v: %s breaks %q: %s", v.At, who, v.Broke, v.What)
}
