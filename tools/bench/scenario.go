package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A Scenario is one thing that is measured, of every contestant in turn.
type Scenario interface {
	// Name is the word for SCENARIO= and the name of its files: no spaces.
	Name() string
	// Run measures. It returns ctx.Err() soon after ctx is done, with all that
	// it started ended. A figure that misses its target is no error; that the
	// thing could not be measured is.
	Run(ctx context.Context, env *Env) (*Report, error)
}

// scenarios are all of them, in the order in which they run and are shown.
var scenarios = []Scenario{
	death{},
	starved{},
	storm{},
	steadyRun{},
	ladder{},
	junk{},
	soak{},
}

// pick returns the scenarios with these names, which commas part, in the order
// of the table; all of them for "".
func pick(names string) ([]Scenario, error) {
	if names == "" {
		return scenarios, nil
	}
	var picked []Scenario
	wanted := strings.Split(names, ",")
	for _, s := range scenarios {
		if i := slices.Index(wanted, s.Name()); i >= 0 {
			picked = append(picked, s)
			wanted = slices.Delete(wanted, i, i+1)
		}
	}
	if len(wanted) > 0 {
		return nil, fmt.Errorf("no scenario %q; there are: %s", wanted[0], strings.Join(scenarioNames(), ", "))
	}
	return picked, nil
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.Name())
	}
	return names
}
