package vrrp

import "fmt"

// State is the state of a virtual router. INIT, BACKUP and MASTER are those of
// RFC 9568 section 6.3 under the names that keepalived's users know; FAULT
// (Faulted here, since Fault is the input) is keepalived's name for INIT forced
// by a failed link or tracker.
type State uint8

// The states. The zero value is Init.
const (
	Init State = iota
	Backup
	Master
	Faulted

	NumStates = int(Faulted) + 1
)

var stateNames = [...]string{"INIT", "BACKUP", "MASTER", "FAULT"}

// String returns the name used in logs, scripts and metrics.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Family is the address family of a virtual router: 4 or 6. Routers of the two
// families are independent even with one VRID (RFC 9568 section 5.2.3).
type Family uint8

// The families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

func (f Family) String() string { return fmt.Sprintf("IPv%d", uint8(f)) }
