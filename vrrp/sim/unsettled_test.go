package sim

import (
	"strings"
	"testing"
)

// The limit that the package's comment tells of, in its least form: nothing is
// lost, yet a fast BACKUP takes over beside the slow MASTER about once a second,
// without end, because the last adverts of the one before it arrive behind the
// MASTER's and teach it the short interval. RFC 9568 section 6.4.2 wants it so.
func TestSlowMasterFastBackupsAndALongWireNeverSettle(t *testing.T) {
	const text = `version 3
router 1 192.0.2.3 priority 103 every 1s
router 2 192.0.2.2 priority 57 every 100ms nopreempt
router 3 192.0.2.1 priority 48 every 100ms nopreempt
link 1 2 delay 255ms
link 1 3 delay 255ms
link 2 1 delay 255ms
link 2 3 delay 255ms
link 3 1 delay 255ms
link 3 2 delay 255ms
at 0s start 2
at 2s start 3
at 3s start 1
at 5m end
`
	run := func(text string) (*world, *Violation) {
		s, err := Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(&s, nil)
		return w, w.run().Violation
	}
	if _, v := run(text); v == nil || v.Broke != Settled {
		t.Errorf("violation %v, want it not to settle: then the package's comment and Generate can do without the limit", v)
	}
	// With equal intervals, or a wire shorter than the shortest, it does.
	for _, cure := range [][2]string{{"every 1s", "every 100ms"}, {"delay 255ms", "delay 25ms"}} {
		if w, v := run(strings.ReplaceAll(text, cure[0], cure[1])); v != nil || w.stats.Settled == 0 {
			t.Errorf("%s: %v, settled %d times", cure[1], v, w.stats.Settled)
		}
	}
}
