package metrics

import (
	"strconv"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

func lower(s string) string { return strings.ToLower(s) }

// router is one router. Series that mean nothing to it are left out; those of drops,
// transitions and alarms begin when there is something to count, since most never do.
func (s scrape) router(r *stats.Router, started time.Time) {
	s.identity(r)
	s.traffic(r)
	s.margin(r, started)
	s.health(r)
	s.evidence(r)
}

func (s scrape) identity(r *stats.Router) {
	address, present := "", 0
	for i, a := range r.Addresses {
		// Without its length, which the hosts of a router need not have in common.
		if at, _, _ := strings.Cut(a.Address, "/"); i == 0 || at < address {
			address = at
		}
		if a.Present {
			present++
		}
	}
	s.put(routerInfo, 1, r.Name, r.Interface, strconv.Itoa(int(r.VRID)), r.Family, strconv.Itoa(int(r.Version)), address, r.Group)
	s.oneOf(routerState, lower(r.State), states, r.Name)
	s.stamp(routerSince, r.Since, r.Name)
	s.count(becameMaster, r.BecameMaster, r.Name)
	s.count(releasedMaster, r.ReleasedMaster, r.Name)
	s.transitions(r)
	s.put(priority, float64(r.Priority), r.Name)
	s.put(basePriority, float64(r.BasePriority), r.Name)
	for _, t := range r.Tracked {
		switch t.State {
		case "up", "down", "unknown":
			s.flag(trackedUp, t.State == "up", r.Name, t.Name)
		}
		s.put(trackedPoints, float64(t.Points), r.Name, t.Name)
		s.flag(trackedFault, t.Fault, r.Name, t.Name)
	}
	s.put(addressesAll, float64(len(r.Addresses)), r.Name)
	s.put(addressesPresent, float64(present), r.Name)
	// By address: a sum would go down when a reload takes one away, and Prometheus
	// takes that for a counter that began anew.
	refused := map[string]uint64{}
	for _, a := range r.Addresses {
		if a.NoAccept {
			at, _, _ := strings.Cut(a.Address, "/")
			refused[at] = a.Refused // which are those of the address, on whichever device
		}
	}
	for address, n := range refused {
		s.count(refusedPackets, n, r.Name, address)
	}
}

// change is a change of state by what was entered and why, in words of stats.
type change struct{ to, reason string }

// usual are sent of every router, and usualInGroup of those of a sync group, from
// 0 on: a counter that begins with 1 is one whose first increase Prometheus does
// not see, and the first takeover is the one to look at.
var (
	usual = []change{
		{"MASTER", "master_down"}, {"MASTER", "no_master"}, {"MASTER", "released"}, {"MASTER", "preempt"},
		{"BACKUP", "better_master"}, {"BACKUP", "fault_cleared"}, {"FAULT", "fault"},
	}
	usualInGroup = []change{{"MASTER", "group"}, {"BACKUP", "group"}, {"FAULT", "group"}}
)

func (s scrape) transitions(r *stats.Router) {
	counts := map[change]uint64{}
	for _, c := range usual {
		counts[c] = 0
	}
	if r.Group != "" {
		for _, c := range usualInGroup {
			counts[c] = 0
		}
	}
	for _, t := range r.Transitions {
		counts[change{t.To, t.Reason}] += t.Count
	}
	for c, n := range counts {
		s.count(transitions, n, r.Name, lower(c.to), c.reason)
	}
}

func (s scrape) traffic(r *stats.Router) {
	s.count(received, r.Received, r.Name)
	s.count(sent, r.Sent, r.Name)
	s.count(zeroReceived, r.ZeroReceived, r.Name)
	s.count(zeroSent, r.ZeroSent, r.Name)
	s.count(announcements, r.GARPs, r.Name)
	for reason, n := range r.Drops {
		if n > 0 {
			s.count(dropped, n, r.Name, reason)
		}
	}
	heard := 0
	for _, p := range r.Speakers {
		if p.Heard < r.MasterDown {
			heard++
		}
	}
	s.put(speakers, float64(heard), r.Name)
	if len(r.Peers) > 0 {
		known := 0
		for _, p := range r.Peers {
			if p.MAC != "" {
				known++
			}
		}
		s.put(peers, float64(len(r.Peers)), r.Name)
		s.put(peersResolved, float64(known), r.Name)
		s.count(unresolved, r.Routed, r.Name)
		s.count(unsent, r.RoutedErrors, r.Name)
	}
	for _, h := range r.Heartbeats {
		s.flag(lineUp, h.State != "lost", r.Name, h.Name)
	}
}

func (s scrape) margin(r *stats.Router, started time.Time) {
	s.seconds(interval, r.AdvertInterval, r.Name)
	s.seconds(learned, r.LearnedInterval, r.Name)
	s.seconds(masterDown, r.MasterDown, r.Name)
	if r.DeadlineIn != nil {
		s.seconds(deadline, *r.DeadlineIn, r.Name)
	}
	s.flag(deadlineKernel, r.DeadlineBy == "kernel", r.Name)
	if m := r.Master; m != nil {
		s.put(masterPriority, float64(m.Priority), r.Name)
		s.seconds(masterAge, m.Heard, r.Name)
	}
	if g := r.LongestGapToday; g != nil {
		s.seconds(longestGap, g.Seconds, r.Name)
	}
	s.count(nearMisses, r.NearMisses, r.Name)
	if len(r.Arrivals) > 0 {
		s.ch <- arrivals(strings.ToValidUTF8(r.Name, "\uFFFD"), r.Arrivals, started)
	}
}

func (s scrape) health(r *stats.Router) {
	s.flag(pacerOfRouter, r.Pacer == pacedByKernel, r.Name)
	s.flag(pacerDegraded, r.PacerWanted == pacedByKernel && r.Pacer != pacedByKernel, r.Name)
	s.seconds(lease, r.Lease, r.Name)
	s.count(lapses, r.Lapses, r.Name)
	s.count(pauses, r.Pauses, r.Name)
	s.count(pausesSurvived, r.PausesSurvived, r.Name)
	s.count(stalls, r.Stalls, r.Name)
	if r.KernelTakeover != "" {
		s.flag(takeoverArmed, r.KernelTakeover == "armed", r.Name)
		s.count(takeovers, r.KernelTakeovers, r.Name)
		s.count(takeoversEnded, r.KernelGaveWay, r.Name)
	}
}

// pacedByKernel is what stats calls the kernel's advert clock.
const pacedByKernel = "kernel clock"

// evidence is what a person should look at. The kinds of the alarms of heartbeat
// lines have the name of the line behind a colon, which is left out.
func (s scrape) evidence(r *stats.Router) {
	begun, standing := map[string]uint64{}, map[string]bool{}
	for kind, n := range r.AlarmCounts {
		kind, _, _ = strings.Cut(kind, ":")
		begun[kind] += n
	}
	for _, a := range r.AlarmList {
		kind, _, _ := strings.Cut(a.Kind, ":")
		standing[kind] = true
		begun[kind] += 0
	}
	for kind, n := range begun {
		s.flag(alarm, standing[kind], r.Name, kind)
		s.count(alarms, n, r.Name, kind)
	}
	s.count(claims, r.Claims, r.Name)
	s.count(unanswered, r.Unanswered, r.Name)
	s.count(addressesDiffer, r.AddressesDiffer, r.Name)
	if p := r.Probe; p != nil {
		s.flag(probeUp, p.State == "up", r.Name)
	}
}
