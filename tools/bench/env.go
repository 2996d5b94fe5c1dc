package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Env is what a scenario may use.
type Env struct {
	Quick bool          // as few repetitions as still show something
	Soak  time.Duration // of the soak scenario, zero: its own choice

	contestants []Contestant
	named       []string // by -contestants; empty: a scenario's own choice
	rungs       []stress // of the ladder
	scenario    string
}

// Contestants are those that run in a scenario: those that the command line
// names, else those that are not Only, and those named here. They take turns,
// sample for sample.
func (e *Env) Contestants(also ...string) []Contestant {
	var cs []Contestant
	for _, c := range e.contestants {
		if len(e.named) > 0 && !slices.Contains(e.named, c.Name) {
			continue
		}
		if len(e.named) > 0 || !c.Only || slices.Contains(also, c.Name) {
			cs = append(cs, c)
		}
	}
	return cs
}

// rotate begins a list with its n-th, so that nobody always comes first: what one
// leaves behind would always meet the same next.
func rotate[T any](s []T, n int) []T {
	if len(s) == 0 {
		return s
	}
	n %= len(s)
	return slices.Concat(s[n:], s[:n])
}

// Pick is one of two numbers: for a quick run, for a full one.
func (e *Env) Pick(quick, full int) int {
	if e.Quick {
		return quick
	}
	return full
}

// Progress tells the person who waits, on standard error.
func (e *Env) Progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s %s: %s\n", time.Now().Format(time.TimeOnly), e.scenario, fmt.Sprintf(format, args...))
}

// Sleep ends early, with an error, when ctx is done.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// name limits the contestants to those that commas part in names.
func (e *Env) name(names string) error {
	if names == "" {
		return nil
	}
	var known []string
	for _, c := range e.contestants {
		known = append(known, c.Name)
	}
	e.named = strings.Split(names, ",")
	for _, n := range e.named {
		if !slices.Contains(known, n) {
			return fmt.Errorf("no contestant %q; there are: %s", n, strings.Join(known, ", "))
		}
	}
	return nil
}
