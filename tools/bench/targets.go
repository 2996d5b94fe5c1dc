package main

// Target is a line of issue 5's table.
type Target struct {
	ID, What, Want string
}

// The targets' IDs.
const (
	targetGARP    = "garp"
	targetStorm   = "storm"
	targetStarved = "starved"
	targetGaps    = "gaps"
	targetStopped = "stopped"
	targetCPU     = "cpu"
	targetMemory  = "memory"
	targetJunk    = "junk"
	targetSoak    = "soak"
)

// targets in the order.
var targets = []Target{
	{targetGARP, "first GARP past the deadline, one router: p50 / max of 100", "0.2 / 1 ms"},
	{targetStorm, "storm 255x1 and 64x16, last first-GARP past its deadline", "at most half of keepalived -G's"},
	{targetStarved, "first advert of the backup past the deadline, every core taken by SCHED_FIFO loops, 10 ms adverts", "max 5 ms, 50 of 50"},
	{targetGaps, "advert gaps of the master under each rung of the ladder within the lease, 10 ms adverts", "max below 20 ms, 0 beyond the master-down interval, 0 false transitions"},
	{targetStopped, "master stopped beyond its lease", "one holder again within lease + master-down; never two announcing after waking"},
	{targetCPU, "CPU of master / backup, 255 routers at 10 ms", "at most half / a tenth of keepalived's"},
	{targetMemory, "memory, 255 routers", "at most 40 MB"},
	{targetJunk, "junk flood flat out", "0 false transitions, 0 late adverts"},
	{targetSoak, "soak, 30 min at 10 ms with 4 busy loops", "0 false transitions"},
}

// notMeasured stands for what could not be.
const notMeasured = "not measured"

// targetTable shows every target with what was measured for it.
func targetTable(figures []Figure) Table {
	t := Table{Header: []string{"what", "target", "case", "vrrpx", "keepalived", "met", "note"}}
	for _, target := range targets {
		measured := false
		for _, f := range figures {
			if f.Target != target.ID {
				continue
			}
			measured = true
			met := "no"
			switch {
			case f.Met:
				met = "yes"
			case f.Ours == notMeasured:
				met = "-"
			}
			theirs := f.Theirs
			if theirs == "" {
				theirs = "-"
			}
			t.Add(target.What, target.Want, f.Case, f.Ours, theirs, met, f.Note)
		}
		if !measured {
			t.Add(target.What, target.Want, "", notMeasured, "-", "-", "")
		}
	}
	return t
}
