package stats

import "time"

// Heartbeat is one line on which a router's adverts go out and are heard.
type Heartbeat struct {
	Name      string `json:"name"`
	Interface string `json:"interface"`
	First     bool   `json:"first,omitempty"`  // the router's own interface
	Source    string `json:"source,omitempty"` // of the adverts that are sent there
	// State is lost, ok (the master is heard there) or up (it can be used, and
	// there is no master to be heard: a MASTER hears nobody).
	State  string          `json:"state"`
	Since  time.Time       `json:"since"`            // lost, or not lost
	Reason string          `json:"reason,omitempty"` // why it is lost
	Peers  []HeartbeatPeer `json:"peers,omitempty"`  // the 16 last heard there
	// Of the first line these are the router's own.
	Ingest   string            `json:"ingest,omitempty"` // xdp native, xdp generic, packet socket or none
	Received uint64            `json:"adverts_received,omitempty"`
	Sent     uint64            `json:"adverts_sent,omitempty"`
	Drops    map[string]uint64 `json:"drops,omitempty"`
}

// HeartbeatPeer is a router heard on a line.
type HeartbeatPeer struct {
	Address string  `json:"address"`         // on this line
	First   string  `json:"first,omitempty"` // on the first line, where it is another
	MAC     string  `json:"mac"`
	Heard   Seconds `json:"heard_seconds_ago"`
}
