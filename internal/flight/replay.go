package flight

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Result counts what a replay did.
type Result struct {
	Steps     int // inputs stepped again
	Keyframes int // with which the machine agreed
	Begun     int // keyframes from which it began anew
	Skipped   int // records without one before them

	Moved []Moved // what the machine did, stepped again
}

// Moved is a change of state in a replay, at the stamp of the input that led to it.
type Moved struct {
	At vrrp.Instant
	vrrp.Transition
}

// Difference is where a replay first did something else than what was recorded.
type Difference struct {
	Router string
	Record Record
	Want   string // as recorded
	Got    string
}

func (d *Difference) Error() string {
	what := "the keyframe"
	if d.Record.Input != nil { // else a keyframe: what is refused is not compared
		what = inputText(d.Record.Input)
	}
	return fmt.Sprintf("%s: record %d at %d ns (%s):\n  recorded %s\n  replayed %s", d.Router, d.Record.Seq, d.Record.At, what, d.Want, d.Got)
}

// ErrNoKeyframe is a capture that has no machine to begin with.
var ErrNoKeyframe = errors.New("no keyframe to begin with")

// Replay steps the recorded inputs again, at their stamps, and compares all effects,
// and the machine with each keyframe. It fails with a *Difference, or with an error
// that wraps ErrNoKeyframe.
func Replay(c *Capture) (Result, error) {
	var res Result
	var m *vrrp.Machine
	for i := range c.Records {
		r := &c.Records[i]
		lost := i > 0 && r.Seq != c.Records[i-1].Seq+1
		switch {
		case r.Refused != nil && !lost:
		case r.keyframe() && (m == nil || r.Anew || lost):
			m = vrrp.Restore(r.Key)
			res.Begun++
		case m == nil || lost: // nothing to step until the next keyframe
			m = nil
			res.Skipped++
		case r.keyframe():
			if want, got := snapshotOctets(r.Key), machineOctets(m); !bytes.Equal(want, got) {
				return res, &Difference{c.Router, *r, machineText(vrrp.Restore(r.Key), r.At) + differs(want, got), machineText(m, r.At)}
			}
			res.Keyframes++
		default:
			out := m.Step(r.At, r.Input, nil)
			if !bytes.Equal(effectOctets(r.Effects, r.Input), effectOctets(out, r.Input)) {
				return res, &Difference{c.Router, *r, orNothing(effectsText(r.Effects)), orNothing(effectsText(out))}
			}
			res.Steps++
			for _, e := range out {
				if t, ok := e.(vrrp.Transition); ok {
					res.Moved = append(res.Moved, Moved{r.At, t})
				}
			}
		}
	}
	if res.Begun == 0 {
		return res, fmt.Errorf("%s: %w", c.Router, ErrNoKeyframe)
	}
	return res, nil
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

// differs tells where two keyframes do that look alike in words.
func differs(a, b []byte) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return fmt.Sprintf(" (differs from octet %d of %d on)", n, len(a))
}

// What is compared is what would be recorded.

func effectOctets(all []vrrp.Effect, in vrrp.Input) []byte {
	var e encoder
	e.effects(all, in)
	return e.b
}

func snapshotOctets(s *vrrp.Snapshot) []byte {
	var e encoder
	e.snapshot(s)
	return e.b
}

func machineOctets(m *vrrp.Machine) []byte {
	var s vrrp.Snapshot
	m.Snapshot(&s)
	return snapshotOctets(&s)
}
