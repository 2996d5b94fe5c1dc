package stats

// TransitionCount is how often a router entered a state for one reason, since it
// began.
type TransitionCount struct {
	To     string `json:"to"`
	Reason string `json:"reason"` // a word for programs: vrrp.ReasonCode
	Count  uint64 `json:"count"`
}
