package track

import "testing"

func TestTallyFollowsRiseAndFall(t *testing.T) {
	for name, c := range map[string]struct {
		rise, fall int
		begin      State
		results    string // + success, - failure
		states     string // after each: U, D or ? for unknown
	}{
		"one of each":                    {1, 1, Unknown, "+-+-", "UDUD"},
		"the first success decides":      {3, 3, Unknown, "+", "U"},
		"the first failure decides":      {3, 3, Unknown, "-", "D"},
		"fall in a row":                  {1, 3, Unknown, "+--+---", "UUUUUUD"},
		"rise in a row":                  {3, 1, Unknown, "-++-+++", "DDDDDDU"},
		"from init_fail it has to rise":  {2, 2, Down, "++--", "DUUD"},
		"after a change it begins again": {2, 2, Unknown, "+--++-", "UUDDUU"},
	} {
		tl := tally{rise: c.rise, fall: c.fall, state: c.begin}
		got := ""
		for _, r := range c.results {
			was := tl.state
			if changed := tl.add(r == '+'); changed != (tl.state != was) {
				t.Errorf("%s: changed %v from %v to %v", name, changed, was, tl.state)
			}
			got += string("?UD"[tl.state])
		}
		if got != c.states {
			t.Errorf("%s: %s gives %s, want %s", name, c.results, got, c.states)
		}
	}
}
