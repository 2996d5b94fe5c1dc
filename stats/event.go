package stats

import "time"

// Event is something that an operator may ask about later. Which fields have a meaning is
// up to the kind; those that have none are left out of its JSON.
type Event struct {
	Seq    uint64    `json:"seq"` // counts up from 1, over restarts
	At     time.Time `json:"at"`
	Kind   EventKind `json:"kind"`
	Router string    `json:"router,omitempty"` // its name; empty: of the daemon
	VRID   uint8     `json:"vrid,omitempty"`   // the router's, which a reload may have removed since
	Text   string    `json:"text"`             // a sentence without its full stop

	// Of a transition: between which states, why (vrrp.ReasonCode's name), and what decided.
	From     string `json:"from,omitempty"`
	To       string `json:"to,omitempty"`
	Code     string `json:"code,omitempty"`
	Source   string `json:"source,omitempty"`   // whose advert, or silence, decided
	MAC      string `json:"mac,omitempty"`      // that it was last heard from
	Priority uint8  `json:"priority,omitempty"` // that it last had
	// Silence is how long nothing came from it; of a near miss the gap between two of its
	// adverts; of a pause or stall how long that was.
	Silence    Seconds `json:"silence_seconds,omitempty"`
	MasterDown Seconds `json:"master_down_seconds,omitempty"` // the silence that was allowed
	Lease      Seconds `json:"lease_seconds,omitempty"`       // of one that ran out
	By         string  `json:"by,omitempty"`                  // who kept the deadline: kernel or loop

	// Cause is that of a fault, in words, or of an alarm, a word for programs.
	Cause string `json:"cause,omitempty"`
	Alarm string `json:"alarm,omitempty"` // its kind

	// Of a transition and of a change of priority: ours after it, what the configuration
	// says, and what else counts.
	OwnPriority  uint8     `json:"own_priority,omitempty"`
	BasePriority uint8     `json:"base_priority,omitempty"`
	Tracked      []Tracked `json:"tracked,omitempty"`

	Changes []string `json:"changes,omitempty"` // of a reload
}

// EventKind names an Event.
type EventKind string

// The kinds.
const (
	EventStart      EventKind = "start" // of the daemon
	EventStop       EventKind = "stop"  // an orderly one
	EventReload     EventKind = "reload"
	EventTransition EventKind = "transition"
	EventPriority   EventKind = "priority" // the effective one has changed
	EventAlarm      EventKind = "alarm"
	EventAlarmOver  EventKind = "alarm_over"
	EventPause      EventKind = "pause"     // a MASTER that had sent nothing for a master-down interval
	EventStall      EventKind = "stall"     // a BACKUP whose host stood still
	EventNearMiss   EventKind = "near_miss" // a master whose advert nearly came too late
)

// History is how the store of events fares.
type History struct {
	Lost    uint64 `json:"events_lost"`       // that are not in the file
	Problem string `json:"problem,omitempty"` // why, while that lasts
}
