package sim

import (
	"testing"

	"github.com/vrrpx/vrrpx/internal/flight"
	"github.com/vrrpx/vrrpx/vrrp"
)

// recorded is a machine with a flight recorder, as the daemon's are.
type recorded struct {
	*vrrp.Machine
	ring  *flight.Ring
	steps *int
}

func (r recorded) Step(now vrrp.Instant, in vrrp.Input, out []vrrp.Effect) []vrrp.Effect {
	out = r.Machine.Step(now, in, out)
	r.ring.Step(now, now, r.Machine, in, out)
	*r.steps++
	return out
}

// What machines did on simulated LANs they do again, alone, from what was recorded of
// them: the same effects at the same stamps, and the same machine at each keyframe.
func TestRecordingsOfASimulationReplay(t *testing.T) {
	stepped, replayed, keyframes, late := 0, 0, 0, 0
	for seed := range uint64(60) {
		s := Generate(seed)
		w := newWorld(&s, nil)
		var rings []*flight.Ring
		w.newCore = func(c vrrp.Config) core {
			m := vrrp.New(c)
			ring := flight.NewRing(flight.Least)
			ring.Begin(0, m)
			rings = append(rings, ring)
			return recorded{m, ring, &stepped}
		}
		if v := w.run().Violation; v != nil {
			t.Fatalf("seed %d: %v", seed, v)
		}
		for _, ring := range rings {
			records, err := flight.Read(ring.Copy(nil))
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			res, err := flight.Replay(&flight.Capture{Router: "r", Records: records})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if records[0].Seq > 1 {
				late++ // its beginning was overwritten
			}
			replayed += res.Steps
			keyframes += res.Keyframes
		}
	}
	t.Logf("%d of %d steps replayed, %d keyframes, %d rings that had gone round", replayed, stepped, keyframes, late)
	if replayed < stepped/20 || keyframes == 0 || late == 0 {
		t.Errorf("%d of %d steps replayed, %d keyframes, %d rings that had gone round: the test does not reach them", replayed, stepped, keyframes, late)
	}
}
