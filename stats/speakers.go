package stats

import "time"

// Speakers is who has been heard to speak VRRP or CARP, as `vrrpx speakers --json`
// prints it. This host's own adverts are not among them.
type Speakers struct {
	At       time.Time    `json:"at"`
	Speakers []LANSpeaker `json:"speakers"` // by interface, VRID, address
	Ears     []Ear        `json:"interfaces"`
}

// Ear is an interface on which the daemon listens for them.
type Ear struct {
	Interface string `json:"interface"`
	By        string `json:"heard_by"`          // xdp native, xdp generic, packet socket or none
	NotListed uint64 `json:"frames_not_listed"` // of senders that were too many at once
}

// LANSpeaker is one sender of one VRID's adverts on one interface.
type LANSpeaker struct {
	Interface string `json:"interface"`
	Protocol  string `json:"protocol"` // VRRP or CARP
	VRID      uint8  `json:"vrid"`     // CARP: the VHID
	Family    string `json:"family"`   // IPv4 or IPv6
	Address   string `json:"address"`
	MAC       string `json:"mac"`
	Version   uint8  `json:"version"`
	// Priority is VRRP's, Skew is CARP's advskew: the higher, the later it advertises.
	Priority  uint8    `json:"priority"`
	Skew      *uint8   `json:"advskew,omitempty"`
	Interval  Seconds  `json:"advert_interval_seconds"` // that it names; 0: none can be read
	Addresses []string `json:"addresses,omitempty"`     // its virtual addresses; CARP names none
	More      int      `json:"addresses_not_shown,omitempty"`
	TTL       uint8    `json:"ttl,omitempty"` // or hop limit, of its last frame; 0: not known
	// Router is the one of this host with that interface, VRID and family; empty: the
	// speaker is foreign.
	Router string `json:"router,omitempty"`
	// Verdict is what became of its last frame: accepted, or the vrrp.Drop that it was
	// dropped for; vrid where no router of this host has its VRID.
	Verdict string  `json:"verdict"`
	Heard   Seconds `json:"heard_seconds_ago"`
	// Frames noted of it, and when the first came; 0: not known. Those of a master that
	// the kernel keeps to itself are not counted.
	Frames uint64  `json:"frames,omitempty"`
	First  Seconds `json:"first_heard_seconds_ago,omitempty"`
}
