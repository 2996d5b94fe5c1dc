package testnet

import (
	"fmt"
	"strings"
	"testing"
)

func TestAbridgedLogKeepsWarningsAndBothEnds(t *testing.T) {
	var all []string
	for i := range 500 {
		level := "INFO"
		if i == 200 {
			level = "WARN"
		}
		all = append(all, fmt.Sprintf("t %s line %d.", level, i))
	}
	got := abridged(strings.Join(all, "\n") + "\n")
	for _, line := range []string{"line 0.", "line 7.", "WARN line 200.", "... 467 lines ...", "line 476.", "line 499."} {
		if !strings.Contains(got, line) {
			t.Errorf("%q is not in:\n%s", line, got)
		}
	}
	if n := strings.Count(got, "\n"); n > 40 {
		t.Errorf("%d lines", n)
	}
	if short := strings.Join(all[:40], "\n"); abridged(short) != short {
		t.Error("a short log was cut")
	}
}
