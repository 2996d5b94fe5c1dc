package track

// State is what a tracked thing was last found to be.
type State uint8

// The states. A script is Unknown until it has run once.
const (
	Unknown State = iota
	Up
	Down
)

func (s State) String() string { return [...]string{"unknown", "up", "down"}[s] }

// tally counts a script's results as keepalived does: from Down it takes rise
// successes in a row to Up, from Up fall failures in a row to Down. The first
// result of all decides by itself.
type tally struct {
	rise, fall int // at least 1
	state      State
	against    int // results in a row that speak against the state
}

// add counts one result and tells whether the state has changed.
func (t *tally) add(ok bool) (changed bool) {
	found, need := Down, t.fall
	if ok {
		found, need = Up, t.rise
	}
	switch {
	case t.state == found:
		t.against = 0
		return false
	case t.state != Unknown:
		if t.against++; t.against < need {
			return false
		}
	}
	t.state, t.against = found, 0
	return true
}
