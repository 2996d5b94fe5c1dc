package metrics

import "github.com/vrrpx/vrrpx/stats"

// process is what belongs to no router.
func (s scrape) process(st *stats.Status) {
	last := st.Reload
	s.flag(reloadOK, last == nil || last.OK)
	if last == nil {
		s.put(reloads, 0)
	} else {
		s.count(reloads, last.Count)
		s.stamp(reloadStamp, last.At)
		s.seconds(reloadSeconds, last.Took)
	}
	s.count(logLines, st.Logs.Written)
	s.count(logDropped, st.Logs.Dropped)
	for _, f := range st.FIFOs {
		s.count(fifoLines, f.Written, f.Path)
		s.count(fifoDropped, f.Dropped, f.Path)
		s.flag(fifoHealthy, f.Problem == "", f.Path)
	}
	if m := st.Mail; m != nil {
		s.count(mails, m.Sent, "sent")
		s.count(mails, m.Refused, "refused")
		s.count(mails, m.Dropped, "dropped")
		s.put(mailsWait, float64(m.Waiting))
	}
	s.pacer(&st.Pacer)
}

func (s scrape) pacer(p *stats.Pacer) {
	s.flag(realtime, p.Scheduling == "SCHED_RR")
	s.count(starved, p.Starved)
	s.flag(watched, p.Realtime && !p.WatchLost)
	s.flag(locked, p.Locked)

	s.flag(pacerKernel, p.Kernel)
	s.count(pacerLaps, p.Laps)
	s.seconds(pacerRenewed, p.Renewed)
	s.count(pacerLate, p.Late)
	s.seconds(pacerLateness, p.MaxLate)
	s.count(pacerMissed, p.Missed)
	s.count(pacerErrors, p.SendErrors)
}

var xdpModes = []string{"native", "generic", "off"}

func (s scrape) iface(i *stats.Interface) {
	s.flag(ifaceUp, i.Up, i.Name)
	s.oneOf(ifaceXDP, i.XDP, xdpModes, i.Name)
	s.count(ifaceFrames, i.Frames, i.Name)
	for reason, n := range i.Drops {
		s.count(ifaceDropped, n, i.Name, reason)
	}
}

// Label values are lower case, as those of others are; stats has the names that
// keepalived's users know.
var states = []string{"init", "backup", "master", "fault"}

func (s scrape) group(g *stats.Group) {
	s.oneOf(groupState, lower(g.State), states, g.Name)
}
