package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// source is a Source made of a function.
type source func(context.Context) (*stats.Status, error)

func (s source) Status(ctx context.Context) (*stats.Status, error) { return s(ctx) }

// of is a source that always has the same.
func of(st *stats.Status) source {
	return func(context.Context) (*stats.Status, error) { return st, nil }
}

const ms = stats.Seconds(time.Millisecond)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// busy is a daemon to which everything has happened.
func busy() *stats.Status {
	left := 31 * ms
	arrivals := make([]uint64, 32)
	arrivals[0], arrivals[13], arrivals[14], arrivals[20], arrivals[31] = 1, 90000, 12, 3, 2
	master := stats.Speaker{Address: "10.0.0.6", Priority: 200, Interval: 10 * ms, Heard: 5 * ms}
	return &stats.Status{
		Version: "0", PID: 1, Started: noon,
		Reload: &stats.Reload{Count: 3, At: noon.Add(time.Hour), Took: 20 * ms, OK: false},
		Logs:   stats.Logs{Written: 100, Dropped: 2},
		Pacer: stats.Pacer{
			Kernel: true, Laps: 5000, Renewed: 40 * ms, Realtime: true, Scheduling: "SCHED_RR", Starved: 1, Locked: true,
			Late: 4, MaxLate: 3 * ms, Missed: 1, SendErrors: 2,
		},
		Interfaces: []stats.Interface{
			{Name: "eth0", Up: true, XDP: "native", Frames: 90020, Drops: map[string]uint64{"vrid": 7, "truncated": 0}},
			{Name: "eth1", XDP: "off", Drops: map[string]uint64{}},
		},
		Groups: []stats.Group{{Name: "G", State: "BACKUP"}},
		FIFOs:  []stats.FIFO{{Path: "/run/fifo", Written: 5, Dropped: 1, Problem: "nobody reads"}},
		Mail:   &stats.Mail{Sent: 2, Refused: 1, Dropped: 0, Waiting: 4},
		Routers: []stats.Router{{
			Name: "VI_1", Interface: "eth0", VRID: 51, Family: "IPv4", Version: 3, State: "BACKUP", Group: "G", Since: noon.Add(time.Minute),
			Priority: 140, BasePriority: 150,
			Tracked: []stats.Tracked{
				{Name: "script web", State: "down", Weight: -10, Points: -10},
				{Name: "interface eth1", State: "up"},
				{Name: "file load", State: "3", Weight: -1, Points: -3},
				{Name: "process nginx", State: "unknown", Fault: true},
			},
			Master: &master, Speakers: []stats.Speaker{master, {Address: "10.0.0.7", Heard: 5000 * ms}},
			Peers:          []stats.Peer{{Address: "10.0.0.6", MAC: "02:00:00:00:00:06"}, {Address: "10.0.0.7"}},
			AdvertInterval: 20 * ms, LearnedInterval: 10 * ms, Skew: 4 * ms, MasterDown: 34 * ms, DeadlineIn: &left, DeadlineBy: "kernel",
			Addresses: []stats.Address{{Address: "10.0.0.4/24", Present: true}, {Address: "10.0.0.3/24", NoAccept: true, Refused: 9}},
			Received:  90018, Sent: 300, GARPs: 20, Routed: 3, RoutedErrors: 1,
			BecameMaster: 2, ReleasedMaster: 2, ZeroReceived: 1, ZeroSent: 1, AddressesDiffer: 1,
			Transitions: []stats.TransitionCount{{To: "MASTER", Reason: "master_down", Count: 2}, {To: "BACKUP", Reason: "better_master", Count: 2}},
			Drops:       map[string]uint64{"auth_data": 11, "ttl": 0},
			Pacer:       "thread", PacerWanted: "kernel clock", Lease: 2000 * ms,
			Lapses: 1, Pauses: 3, PausesSurvived: 2, Stalls: 1,
			KernelTakeover: "armed", KernelTakeovers: 1, KernelGaveWay: 1, Unanswered: 6, Claims: 8,
			AlarmList:       []stats.Alarm{{Kind: "two_masters"}, {Kind: "heartbeat_lost:b"}},
			AlarmCounts:     map[string]uint64{"two_masters": 2, "heartbeat_lost:a": 1, "heartbeat_lost:b": 1, "no_accept": 1},
			Probe:           &stats.Probe{State: "unknown"},
			Heartbeats:      []stats.Heartbeat{{Name: "eth0", First: true, State: "ok"}, {Name: "b", State: "lost"}},
			Arrivals:        arrivals,
			LongestGapToday: &stats.Gap{Seconds: 31 * ms, MasterDown: 34 * ms, At: noon}, NearMisses: 5,
		}},
	}
}

// many is a host of n quiet routers, every other of them MASTER.
func many(n int) *stats.Status {
	st := &stats.Status{Started: noon, Interfaces: []stats.Interface{{Name: "eth0", Up: true, XDP: "native", Drops: map[string]uint64{}}}}
	for d := vrrp.Drop(1); !d.OfRouter(); d++ {
		st.Interfaces[0].Drops[d.String()] = 0
	}
	left := 31 * ms
	for i := range n {
		r := stats.Router{
			Name: fmt.Sprintf("VI_%d", i+1), Interface: "eth0", VRID: uint8(i + 1), Family: "IPv4", Version: 3, State: "MASTER", Since: noon,
			Priority: 100, BasePriority: 100, AdvertInterval: 10 * ms, LearnedInterval: 10 * ms, MasterDown: 36 * ms, DeadlineBy: "kernel",
			Addresses: []stats.Address{{Address: fmt.Sprintf("10.0.%d.3/24", i), Present: true}},
			Pacer:     "kernel clock", PacerWanted: "kernel clock", Lease: 2000 * ms, Drops: map[string]uint64{}, Arrivals: make([]uint64, 32),
			Transitions: []stats.TransitionCount{{To: "BACKUP", Reason: "startup", Count: 1}, {To: "MASTER", Reason: "no_master", Count: 1}},
		}
		for d := vrrp.Drop(1); int(d) < vrrp.NumDrops; d++ {
			if d.OfRouter() {
				r.Drops[d.String()] = 0
			}
		}
		if i%2 == 1 {
			r.State, r.DeadlineIn = "BACKUP", &left
			r.Master = &stats.Speaker{Address: "10.0.0.6", Priority: 200, Interval: 10 * ms, Heard: 5 * ms}
			r.Speakers = []stats.Speaker{*r.Master}
			r.Arrivals[13] = 1 << 30
		}
		st.Routers = append(st.Routers, r)
	}
	return st
}

// worst is a host of n routers to which everything that is counted by reason has
// happened.
func worst(n int) *stats.Status {
	st := many(n)
	kinds := []string{
		"auth_refused", "auth_remark", "auth_not_kept", "no_accept", "two_masters", "address_conflict", "vrrp_lost", "not_heard", "yielded",
		"heartbeat_lost:a", "fence_failed", "interval_differs", "interval_capped", "addresses_differ", "equal_priority", "foreign_owner", "second_master",
	}
	for i := range st.Routers {
		r := &st.Routers[i]
		for name := range r.Drops {
			r.Drops[name] = 1
		}
		r.AlarmCounts = map[string]uint64{}
		for _, k := range kinds {
			r.AlarmCounts[k] = 1
		}
		r.Transitions = nil
		for to := range vrrp.NumStates {
			for why := range vrrp.NumReasons {
				r.Transitions = append(r.Transitions, stats.TransitionCount{To: vrrp.State(to).String(), Reason: vrrp.ReasonCode(why).String(), Count: 1})
			}
		}
		r.KernelTakeover = "off"
		r.Probe = &stats.Probe{State: "up"}
		r.Addresses[0].NoAccept = true
		r.Peers = []stats.Peer{{Address: "10.0.0.6"}}
		r.Master = &stats.Speaker{Priority: 1}
		left := ms
		r.DeadlineIn = &left
	}
	return st
}
