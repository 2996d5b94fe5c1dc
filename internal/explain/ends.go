package explain

import (
	"fmt"
	"strings"
	"time"
)

// ends is what would change the state.
func (v view) ends() []string {
	switch v.r.State {
	case master:
		return v.masterEnds()
	case backup:
		return v.backupEnds()
	case fault:
		return v.faultEnds()
	}
	return nil
}

func (v view) masterEnds() (says []string) {
	r := v.r
	if r.Priority == 255 {
		says = append(says, fmt.Sprintf("Another owner (priority 255) with an address above %s advertises.", r.Source))
	} else {
		says = append(says, fmt.Sprintf("An advert of priority above %d comes, or of %d from an address above %s.", r.Priority, r.Priority, r.Source))
	}
	if r.Lease > 0 {
		says = append(says, fmt.Sprintf("The process stands still for longer than its lease of %s: until then the kernel sends for it.", span(time.Duration(r.Lease))))
	}
	return append(says, "It is stopped, or has a fault: it says so with priority 0, and the best BACKUP takes over within its skew.")
}

func (v view) backupEnds() (says []string) {
	r := v.r
	down := span(time.Duration(r.MasterDown))
	if r.LearnedInterval > 0 {
		adverts := time.Duration(r.MasterDown-r.Skew) / time.Duration(r.LearnedInterval)
		down += fmt.Sprintf(" (%d adverts of %s and %s skew)", adverts, span(time.Duration(r.LearnedInterval)), span(time.Duration(r.Skew)))
	}
	whose := "No master is heard"
	if m := r.Master; m != nil {
		whose = m.Address + " is silent"
	}
	says = append(says, fmt.Sprintf("%s for %s.", whose, down))
	if r.DeadlineIn != nil {
		says = append(says, fmt.Sprintf("Of that %s are left now; the %s keeps the deadline.", span(max(time.Duration(*r.DeadlineIn), 0)), keeper(r.DeadlineBy)))
	}
	m := r.Master
	if m == nil {
		return says
	}
	says = append(says, fmt.Sprintf("%s releases with priority 0: MASTER %s later.", m.Address, span(time.Duration(r.Skew))))
	switch {
	case r.PreemptIn != nil:
		says = append(says, fmt.Sprintf("preempt_delay ends in %s.", age(time.Duration(*r.PreemptIn))))
	case !v.preempts():
		says = append(says, "No priority of its master or of ours changes it: nopreempt.")
	case m.Priority >= r.Priority:
		says = append(says, fmt.Sprintf("Its master's priority falls below %d, or ours rises above %d.", r.Priority, m.Priority))
	}
	return says
}

func keeper(by string) string {
	if by == "kernel" {
		return "kernel"
	}
	return "process"
}

func (v view) faultEnds() (says []string) {
	switch all := v.r.Faults; len(all) {
	case 0:
		says = append(says, fmt.Sprintf("Its fault ends (%s).", v.r.Reason))
	case 1:
		says = append(says, fmt.Sprintf("Its fault ends: %s.", all[0]))
	default:
		says = append(says, fmt.Sprintf("All of its %d faults end: %s.", len(all), strings.Join(all, "; ")))
	}
	return append(says, fmt.Sprintf("It is BACKUP then, and waits %s for a master.", span(time.Duration(v.r.MasterDown))))
}
