package explain

import (
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// on is a moment of the night of which the stories tell, in which it is 02:17:19.
func on(clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05.999", clock, time.UTC)
	if err != nil {
		t, err = time.ParseInLocation("2006-01-02 15:04:05.999", "2026-11-23 "+clock, time.UTC)
	}
	if err != nil {
		panic(err)
	}
	return t
}

const ms = time.Millisecond

func sec(d time.Duration) stats.Seconds { return stats.Seconds(d) }

// node is VI_1 of 10.0.0.2 with adverts of 10 ms, in some state since 02:13:07.361.
func node(state string, priority uint8, change func(*stats.Router)) *stats.Status {
	skew := 10 * ms * time.Duration(256-int(priority)) / 256
	r := stats.Router{
		Name: "VI_1", Interface: "eth0", VRID: 51, Family: "IPv4", Version: 3, State: state, Since: on("02:13:07.361"),
		Priority: priority, BasePriority: priority, Preempt: true, Source: "10.0.0.2",
		AdvertInterval: sec(10 * ms), LearnedInterval: sec(10 * ms), Skew: sec(skew), MasterDown: sec(30*ms + skew),
		DeadlineBy: "kernel", Ingest: "xdp native", Pacer: "kernel clock",
		Addresses: []stats.Address{{Address: "10.0.0.3/24", Device: "eth0", Present: state == "MASTER"}},
	}
	if state == "MASTER" {
		r.Lease = sec(300 * ms)
	}
	if state == "BACKUP" {
		left := sec(27*ms + skew) // of an advert 3 ms ago
		r.DeadlineIn = &left
	}
	if change != nil {
		change(&r)
	}
	return &stats.Status{Started: on("2026-11-22 21:00:00"), Routers: []stats.Router{r}}
}

// peer is the other host, 10.0.0.1.
func peer(priority uint8, heard time.Duration) *stats.Speaker {
	return &stats.Speaker{
		Address: "10.0.0.1", MAC: "02:00:00:00:00:01", Version: 3, Priority: priority, Interval: sec(10 * ms), Heard: sec(heard),
	}
}

func alarm(kind, cause, since, text string) stats.Alarm {
	return stats.Alarm{Kind: kind, Cause: cause, Since: on(since), Text: text, Times: 1}
}

// gap is one between two adverts.
func gap(long time.Duration, at string) *stats.Gap {
	return &stats.Gap{Seconds: sec(long), MasterDown: sec(36093750), At: on(at)}
}

// moved is a transition of VI_1.
func moved(at, from, to, code string, change func(*stats.Event)) stats.Event {
	e := stats.Event{At: on(at), Kind: stats.EventTransition, Router: "VI_1", VRID: 51, From: from, To: to, Code: code, OwnPriority: 100, BasePriority: 100, Text: from + " to " + to + ": " + code}
	if change != nil {
		change(&e)
	}
	return e
}

// silent is what a takeover from 10.0.0.1 has as its evidence.
func silent(e *stats.Event) {
	e.Source, e.MAC, e.Priority, e.By = "10.0.0.1", "02:00:00:00:00:01", 150, "kernel"
	e.Silence, e.MasterDown = sec(36100*time.Microsecond), sec(36093750)
}

func began(at string) stats.Event {
	return stats.Event{At: on(at), Kind: stats.EventStart, Text: "vrrpx 1 started, pid 7"}
}

// story is one that acceptance 1 of the issue names, or a question about the past.
type story struct {
	name   string
	status *stats.Status
	events []stats.Event
	at     string        // empty: now
	exact  time.Duration // of at
	facts  []string      // that the explanation has to name, whatever its words
}

var stories = []story{
	{
		name: "master_killed",
		status: node("MASTER", 100, func(r *stats.Router) {
			r.Speakers = []stats.Speaker{*peer(150, 251*time.Second+639*ms)}
			r.LongestGapToday = gap(31990*time.Microsecond, "01:02:03.5")
			r.LongestGap, r.LastNearMiss = gap(33*ms, "2026-11-22 22:00:00"), r.LongestGapToday
		}),
		events: []stats.Event{
			began("2026-11-22 21:00:00"),
			moved("2026-11-22 21:00:00.1", "INIT", "BACKUP", "startup", nil),
			{At: on("01:02:03.5"), Kind: stats.EventNearMiss, Router: "VI_1", Source: "10.0.0.1", Silence: sec(31990 * time.Microsecond), MasterDown: sec(36093750), Text: "near"},
			moved("02:13:07.361", "BACKUP", "MASTER", "master_down", silent),
		},
		facts: []string{"MASTER since 02:13:07.361", "10.0.0.1", "02:00:00:00:00:01", "priority 150", "fell silent", "36.1 ms", "36.09 ms", "kernel kept the deadline",
			"within 4.1 ms", "01:02:03.500", "31.99 ms", "lease of 300 ms", "1 such miss in",
			"adverts today: 31.99 ms of 36.09 ms, at 01:02:03.500", "was started: 33 ms of 36.09 ms, at 2026-11-22 22:00:00.000"},
	},
	{
		name: "cable_cut",
		status: node("FAULT", 150, func(r *stats.Router) {
			r.Reason = "link eth0 is down"
			r.Faults = []string{"link eth0 is down", "script check_web is down"}
			r.Speakers = []stats.Speaker{*peer(100, 5*time.Hour)}
		}),
		events: []stats.Event{moved("02:13:07.361", "MASTER", "FAULT", "fault", func(e *stats.Event) { e.Cause, e.OwnPriority, e.BasePriority = "link eth0 is down", 150, 150 })},
		facts:  []string{"FAULT since 02:13:07.361", "Link eth0 is down.", "MASTER to FAULT", "All of its 2 faults end: link eth0 is down; script check_web is down.", "It is BACKUP then"},
	},
	{
		name: "firewall_on_the_peer",
		status: node("MASTER", 100, func(r *stats.Router) {
			r.Speakers = []stats.Speaker{*peer(150, 251*time.Second+639*ms)}
			r.AlarmList = []stats.Alarm{alarm("address_conflict", "firewall", "02:13:08.461",
				"10.0.0.3 is held by 02:00:00:00:00:01 as well: 12 claims by ARP or ND since 02:13:07; its adverts do not arrive and its ARP does: a firewall or switch drops protocol 112 between us")}
		}),
		events: []stats.Event{moved("02:13:07.361", "BACKUP", "MASTER", "master_down", silent)},
		facts:  []string{"firewall or a switch drops protocol 112", "its ARP does", "02:00:00:00:00:01", "fell silent", "12 claims", "since 02:13:08.461"},
	},
	{
		name: "wrong_password",
		status: node("MASTER", 100, func(r *stats.Router) {
			r.Version, r.AdvertInterval, r.LearnedInterval, r.Skew, r.MasterDown = 2, sec(time.Second), sec(time.Second), sec(609375*time.Microsecond), sec(3609375*time.Microsecond)
			r.Drops = map[string]uint64{"auth_data": 251, "own": 3, "checksum": 0}
			r.Speakers = []stats.Speaker{*peer(150, 255*time.Second)}
			r.AlarmList = []stats.Alarm{
				alarm("address_conflict", "password_mismatch", "02:13:08.461",
					"10.0.0.3 is held by 02:00:00:00:00:01 as well: 12 claims by ARP or ND since 02:13:07; adverts for VRID 51 are refused here (auth_data, 251 of them): password or key differs, or another group uses the VRID"),
				alarm("auth_refused", "", "02:13:04.002", "an advert of 10.0.0.1 (02:00:00:00:00:01) is refused: it has another password (auth_data)"),
			}
		}),
		events: []stats.Event{moved("02:13:07.361", "BACKUP", "MASTER", "master_down", func(e *stats.Event) {
			silent(e)
			e.Silence, e.MasterDown = sec(3609400*time.Microsecond), sec(3609375*time.Microsecond)
		})},
		facts: []string{"do not authenticate alike", "251 auth_data", "another password", "10.0.0.1", "3.609 s", "since 02:13:04.002"},
	},
	{
		name: "vrid_used_by_a_stranger",
		status: node("BACKUP", 150, func(r *stats.Router) {
			s := *peer(200, 3*ms)
			s.Address, s.MAC = "10.0.0.77", "0a:00:00:00:00:77"
			r.Master, r.Speakers = &s, []stats.Speaker{s}
			r.AlarmList = []stats.Alarm{alarm("addresses_differ", "", "02:13:07.361",
				"10.0.0.77 (0a:00:00:00:00:77) advertises the addresses [10.0.0.99], ours are [10.0.0.3]: VRID 51 is used twice, or the configurations differ")}
		}),
		events: []stats.Event{moved("02:13:07.361", "MASTER", "BACKUP", "better_master", func(e *stats.Event) {
			e.Source, e.MAC, e.Priority, e.OwnPriority, e.BasePriority = "10.0.0.77", "0a:00:00:00:00:77", 200, 150, 150
		})},
		facts: []string{"VRID 51 is used by another group", "10.0.0.77", "0a:00:00:00:00:77", "priority 200", "[10.0.0.99]", "own priority 150"},
	},
	{
		name: "script_that_cannot_matter",
		status: node("MASTER", 130, func(r *stats.Router) {
			r.BasePriority, r.Since = 150, on("2026-11-22 21:00:03.605")
			r.Tracked = []stats.Tracked{
				{Name: "script check_web", State: "down", Weight: -20, Points: -20, Note: "exit status 1"},
				{Name: "script check_db", State: "up", Weight: -60},
				{Name: "process haproxy", State: "up"},
			}
			r.Speakers = []stats.Speaker{*peer(100, 2*time.Hour+3*time.Minute)}
		}),
		events: []stats.Event{
			moved("2026-11-22 21:00:03.605", "BACKUP", "MASTER", "no_master", func(e *stats.Event) {
				e.Silence, e.MasterDown, e.OwnPriority, e.BasePriority, e.By = sec(36*ms), sec(35*ms), 150, 150, "loop"
			}),
			{At: on("02:15:00.25"), Kind: stats.EventPriority, Router: "VI_1", Text: "priority went from 150 to 130", OwnPriority: 130, BasePriority: 150},
		},
		facts: []string{"script check_web is down (exit status 1): takes 20", "cannot matter", "130", "150", "10.0.0.1 last said priority 100", "2 h 3 min ago",
			"script check_db is up", "priority 70", "10.0.0.1 takes over", "process haproxy is up. If it fails: FAULT", "MASTER since 2026-11-22 21:00:03.605", "Priority 130 since 02:15:00.250; 150 is configured."},
	},
	{
		name: "nopreempt",
		status: node("BACKUP", 150, func(r *stats.Router) {
			r.Since, r.Preempt, r.UntrackedOwn = on("02:13:07.361"), false, true
			r.Master = peer(100, 3*ms)
			r.Tracked = []stats.Tracked{{Name: "script check_web", State: "up", Weight: -60}}
		}),
		events: []stats.Event{
			began("02:13:07.2"),
			moved("02:13:07.361", "INIT", "BACKUP", "startup", func(e *stats.Event) { e.OwnPriority, e.BasePriority = 150, 150 }),
		},
		facts: []string{"nopreempt", "10.0.0.1", "priority 100", "our priority is 150", "vrrpx was started at 02:13:07.200", "10.0.0.1 is silent for 34.14 ms", "of its master or of ours changes it",
			"If it fails: priority 90, and nothing changes: it stays BACKUP behind 10.0.0.1", "If eth0 goes down: nothing changes here (dont_track_primary)"},
	},
	{
		name:   "reload_that_changed_the_priority",
		status: node("BACKUP", 90, func(r *stats.Router) { r.Master = peer(100, 3*ms) }),
		events: []stats.Event{
			{At: on("02:13:05.1"), Kind: stats.EventPriority, Router: "VI_1", VRID: 51, Text: "priority went from 150 to 90", OwnPriority: 90, BasePriority: 90},
			{At: on("02:13:05.1"), Kind: stats.EventReload, Text: "reloaded, 2 changes, 0 routers untouched", Changes: []string{"(VI_1) changed: priority", "(VI_2) added"}},
			moved("02:13:07.361", "MASTER", "BACKUP", "better_master", func(e *stats.Event) {
				e.Source, e.MAC, e.Priority, e.OwnPriority, e.BasePriority = "10.0.0.1", "02:00:00:00:00:01", 100, 90, 90
			}),
		},
		facts: []string{"A reload at 02:13:05.100: VI_1 changed: priority. Its priority went from 150 to 90 at 02:13:05.100.", "10.0.0.1", "priority 100", "our priority was 90"},
	},
	{
		name: "stall_survived",
		status: node("BACKUP", 100, func(r *stats.Router) {
			r.Since, r.Stalls = on("2026-11-22 21:00:00.1"), 1
			r.Master = peer(150, 3*ms)
		}),
		events: []stats.Event{
			moved("2026-11-22 21:00:00.1", "INIT", "BACKUP", "startup", nil),
			{At: on("02:13:07.361"), Kind: stats.EventStall, Router: "VI_1", Silence: sec(812 * ms), Text: "this host stood still for 812ms and heard nothing meanwhile"},
		},
		facts: []string{"10.0.0.1 (02:00:00:00:00:01, priority 150) is MASTER", "stood still once while BACKUP", "02:13:07.361", "812 ms"},
	},
	{
		name: "two_masters_by_one_way_loss",
		status: node("MASTER", 150, func(r *stats.Router) {
			r.Since = on("2026-11-22 21:00:03.605")
			r.Speakers = []stats.Speaker{*peer(100, 4*ms)}
			r.AlarmList = []stats.Alarm{
				alarm("address_conflict", "one_way", "02:13:07.401", "10.0.0.3 is held by 02:00:00:00:00:01 as well: 5 claims by ARP or ND since 02:13:07"),
				alarm("two_masters", "one_way", "02:13:07.401",
					"10.0.0.1 (02:00:00:00:00:01) is MASTER too and does not give way: 25122 adverts since 02:13:07, priority 100 to our 150; we hear it and it does not hear us"),
			}
		}),
		events: []stats.Event{moved("2026-11-22 21:00:03.605", "BACKUP", "MASTER", "no_master", func(e *stats.Event) { e.OwnPriority, e.BasePriority, e.Silence = 150, 150, sec(35*ms) })},
		facts:  []string{"two masters", "it does not hear us", "10.0.0.1 (02:00:00:00:00:01)", "since 02:13:07.401", "25122 adverts"},
	},
	{
		name: "script_that_mattered",
		status: node("BACKUP", 90, func(r *stats.Router) {
			r.BasePriority, r.Master = 150, peer(100, 3*ms)
			r.Tracked = []stats.Tracked{{Name: "script check_web", State: "down", Weight: -60, Points: -60, Note: "exit status 1"}}
		}),
		events: []stats.Event{
			{
				At: on("02:13:07.301"), Kind: stats.EventPriority, Router: "VI_1", Text: "priority went from 150 to 90", OwnPriority: 90, BasePriority: 150,
				Tracked: []stats.Tracked{{Name: "script check_web", State: "down", Weight: -60, Points: -60}},
			},
			moved("02:13:07.361", "MASTER", "BACKUP", "better_master", func(e *stats.Event) {
				e.Source, e.MAC, e.Priority, e.OwnPriority, e.BasePriority = "10.0.0.1", "02:00:00:00:00:01", 100, 90, 150
				e.Tracked = []stats.Tracked{{Name: "script check_web", State: "down", Weight: -60, Points: -60}}
			}),
		},
		facts: []string{"Its priority went from 150 to 90 at 02:13:07.301 (150 configured, script check_web is down: -60).", "10.0.0.1 sent a better advert; our priority was 90.",
			"script check_web is down (exit status 1): takes 60. With it up: priority 150, and it preempts 10.0.0.1 (priority 100).", "or ours rises above 100.", "If eth0 goes down: FAULT at once."},
	},
	{
		name:   "past_minute",
		status: node("BACKUP", 100, func(r *stats.Router) { r.Since, r.Master = on("02:15:11.002"), peer(150, 3*ms) }),
		events: []stats.Event{
			began("2026-11-22 21:00:00"),
			moved("2026-11-22 21:00:00.1", "INIT", "BACKUP", "startup", nil),
			{At: on("01:59:59"), Kind: stats.EventReload, Text: "reloaded long before"},
			{At: on("02:13:04.002"), Kind: stats.EventAlarm, Router: "VI_1", Alarm: "auth_refused", Text: "an advert of 10.0.0.1 (02:00:00:00:00:01) is refused: it has another password (auth_data)"},
			{At: on("02:13:05"), Kind: stats.EventAlarm, Router: "VI_2", Alarm: "auth_refused", Text: "of another router"},
			moved("02:13:07.361", "BACKUP", "MASTER", "master_down", silent),
			moved("02:15:11.002", "MASTER", "BACKUP", "better_master", func(e *stats.Event) {
				e.Source, e.Priority, e.Text = "10.0.0.1", 150, "better advert from 10.0.0.1 (priority 150)"
			}),
		},
		at: "02:13:00", exact: time.Minute,
		facts: []string{"from BACKUP to MASTER at 02:13:07.361", "do not authenticate alike", "fell silent", "02:13:04.002", "MASTER until 02:15:11.002"},
	},
	{
		name:   "past_state",
		status: node("MASTER", 100, nil),
		events: []stats.Event{began("2026-11-22 21:00:00"), moved("02:13:07.361", "BACKUP", "MASTER", "master_down", silent)},
		at:     "02:16:00", exact: time.Second,
		facts: []string{"at 02:16:00: MASTER, since 02:13:07.361", "It is MASTER still"},
	},
	{
		name:   "past_of_a_killed_daemon",
		status: node("BACKUP", 100, func(r *stats.Router) { r.Since = on("02:16:00.1") }),
		events: []stats.Event{
			began("2026-11-22 21:00:00"), moved("02:13:07.361", "BACKUP", "MASTER", "master_down", silent),
			began("02:16:00"), moved("02:16:00.1", "INIT", "BACKUP", "startup", nil),
		},
		at: "02:14:00", exact: time.Second,
		facts: []string{"MASTER, since 02:13:07.361", "ended without a word between 02:13:07.361 and its next start at 02:16:00.000"},
	},
	{
		name: "no_daemon",
		events: []stats.Event{
			began("2026-11-22 21:00:00"), moved("02:13:07.361", "BACKUP", "MASTER", "master_down", silent),
			moved("02:16:00", "MASTER", "INIT", "shutdown", nil), {At: on("02:16:00.1"), Kind: stats.EventStop, Text: "vrrpx stopped"},
		},
		facts: []string{"it was stopped at 02:16:00.100", "VI_1 was MASTER until 02:16:00.000", "stopped in good order"},
	},
	{
		name:   "no_daemon_killed",
		events: []stats.Event{began("2026-11-22 21:00:00"), moved("02:13:07.361", "BACKUP", "MASTER", "master_down", silent)},
		facts:  []string{"ended without a word after 02:13:07.361"},
	},
	{
		name:   "past_of_a_router_that_was_removed",
		status: &stats.Status{Started: on("2026-11-22 21:00:00")},
		events: []stats.Event{
			began("2026-11-22 21:00:00"),
			moved("02:13:07.361", "MASTER", "BACKUP", "better_master", func(e *stats.Event) { e.Source, e.Priority = "10.0.0.77", 200 }),
			{At: on("02:13:07.361"), Kind: stats.EventAlarm, Router: "VI_1", VRID: 51, Alarm: "addresses_differ", Text: "10.0.0.77 advertises the addresses [10.0.0.99], ours are [10.0.0.3]"},
			{At: on("02:15:00"), Kind: stats.EventReload, Text: "reloaded, 1 changes, 0 routers untouched", Changes: []string{"(VI_1) removed"}},
		},
		at: "02:13:00", exact: time.Minute,
		facts: []string{"VRID 51 is used by another group of routers", "10.0.0.77 (priority 200) sent a better advert"},
	},
	{
		name: "near_misses",
		status: node("BACKUP", 100, func(r *stats.Router) {
			r.Since, r.Master = on("2026-11-22 21:00:00.1"), peer(150, 3*ms)
			r.NearMisses, r.LastNearMiss = 2, gap(33*ms, "02:17:15.2")
			r.LongestGap, r.LongestGapToday = r.LastNearMiss, r.LastNearMiss
		}),
		events: []stats.Event{
			moved("2026-11-22 21:00:00.1", "INIT", "BACKUP", "startup", nil),
			{At: on("01:02:03.5"), Kind: stats.EventNearMiss, Router: "VI_1", Source: "10.0.0.1", Silence: sec(28 * ms), MasterDown: sec(36093750), Text: "near"},
		},
		facts: []string{"The adverts of 10.0.0.1 came within 3.09 ms of the deadline at 02:17:15.200: a gap of 33 ms, of 36.09 ms. 2 such misses", "adverts today: 33 ms of 36.09 ms, at 02:17:15.200"},
	},
	{
		name: "deadline_that_stood_still_too",
		status: node("BACKUP", 100, func(r *stats.Router) {
			r.Since, r.Master = on("2026-11-22 21:00:00.1"), peer(150, 3*ms)
			r.LastNearMiss = gap(50*ms, "02:17:15.2")
		}),
		facts: []string{"an advert of 10.0.0.1 came after 50 ms, of 36.09 ms, and it was not taken for dead"},
	},
	{name: "no_history", at: "02:13:00", exact: time.Minute, status: node("MASTER", 100, nil), facts: []string{"Nothing is known of 02:13"}},
}
