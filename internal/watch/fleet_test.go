package watch

import (
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func seconds(d time.Duration) *stats.Seconds { s := stats.Seconds(d); return &s }

// fleet is a snapshot of n routers, after some time: BACKUPs of 10 ms, each fifth a MASTER
// of one second, and one in FAULT among more than ten.
func fleet(n int, after time.Duration) *stats.Status {
	st := &stats.Status{
		Version: "1.6.0", PID: 4711, Started: noon.Add(-3 * time.Hour),
		Pacer:      stats.Pacer{Scheduling: "SCHED_RR", Kernel: true, Realtime: true},
		Interfaces: []stats.Interface{{Name: "eth0", Index: 2, Up: true, XDP: "native", Drops: map[string]uint64{"vrid": 9, "ip_header": 3}}, {Name: "eth1", Index: 3, Up: true, XDP: "generic"}},
	}
	steps := uint64(after / (10 * time.Millisecond))
	for i := range n {
		r := stats.Router{
			Name: fmt.Sprintf("VI_%d", i+1), Interface: "eth0", VRID: uint8(i%255 + 1), Family: "IPv4", Version: 3, State: "BACKUP",
			Since: noon.Add(-time.Hour), Reason: "heard 10.0.0.1 with priority 200", Priority: 100, BasePriority: 100, Source: "10.0.0.2", Authentication: "none",
			AdvertInterval: stats.Seconds(10 * time.Millisecond), LearnedInterval: stats.Seconds(10 * time.Millisecond),
			Skew: stats.Seconds(6093750), MasterDown: stats.Seconds(36093750), DeadlineIn: seconds(time.Duration(26+i%11) * time.Millisecond), DeadlineBy: "kernel",
			Addresses: []stats.Address{{Address: fmt.Sprintf("10.0.%d.100/24", i), Device: "eth0"}}, Received: 1000 + steps, Ingest: "xdp native", Pacer: "kernel clock",
			Drops: map[string]uint64{"checksum": 0, "ttl": 5, "version": 0}, Arrivals: make([]uint64, 32),
			History: []stats.Transition{{At: noon.Add(-time.Hour + time.Duration(i)*time.Millisecond), From: "INIT", To: "BACKUP", Reason: "started"}},
			Master:  &stats.Speaker{Address: "10.0.0.1", MAC: "02:00:00:00:00:01", Version: 3, Priority: 200, Interval: stats.Seconds(10 * time.Millisecond), Heard: stats.Seconds(4 * time.Millisecond)},
		}
		r.Speakers = []stats.Speaker{*r.Master}
		r.Arrivals[13] = 1000 + steps
		if i%3 != 0 {
			r.LongestGapToday = &stats.Gap{Seconds: stats.Seconds(11+i%17) * stats.Seconds(time.Millisecond), MasterDown: r.MasterDown, At: noon.Add(-time.Minute)}
		}
		switch {
		case i%5 == 4:
			r.State, r.Reason, r.Master, r.DeadlineIn, r.Speakers = "MASTER", "no advert of 10.0.0.1 for 36.1 ms", nil, nil, nil
			r.Sent, r.Received = 500+steps, 0
			r.Addresses[0].Present = true
		case i == 11:
			r.State, r.Reason, r.DeadlineIn, r.Master = "FAULT", "interface eth0 is down", nil, nil
		case i == 1:
			r.Priority = 80
			r.Tracked = []stats.Tracked{{Name: "script check_web", State: "down", Weight: -20, Points: -20, Note: "exit code 1"}}
		case i == 2:
			r.AlarmList = []stats.Alarm{{Kind: "two_masters", Text: "10.0.0.7 (02:00:00:00:00:07) is MASTER too and does not give way", Since: noon.Add(-12 * time.Second)}}
			r.Arrivals[15] = steps / 50
			r.LongestGapToday.Seconds = stats.Seconds(34100 * time.Microsecond)
			r.Drops["ttl"] += steps / 10
		}
		st.Routers = append(st.Routers, r)
	}
	return st
}

// shown is a board that has seen some refreshes of a fleet, the last with a takeover.
func shown(n, w, h int, l looks) *board {
	b := newBoard(l, 500*time.Millisecond)
	b.resize(w, h)
	for i := range 30 {
		after := time.Duration(i) * 500 * time.Millisecond
		st := fleet(n, after)
		if i%7 == 6 {
			for k := range st.Routers {
				st.Routers[k].Arrivals[14]++
			}
		}
		if i == 29 {
			r := &st.Routers[0]
			r.State, r.DeadlineIn, r.Master, r.Since = "MASTER", nil, nil, noon.Add(after-100*time.Millisecond)
			r.Reason = "no advert of 10.0.0.1 (02:00:00:00:00:01) for 36.1 ms"
			r.History = append(r.History, stats.Transition{At: r.Since, From: "BACKUP", To: "MASTER", Reason: r.Reason})
		}
		b.take(st, noon.Add(after))
	}
	return b
}
