package main

import (
	"strings"
	"testing"
	"time"
)

func TestSummarise(t *testing.T) {
	for _, test := range []struct {
		name  string
		ds    []time.Duration
		limit time.Duration
		want  Dist
	}{
		{"nothing", nil, 1, Dist{}},
		{"one at the limit", []time.Duration{5}, 5, Dist{1, 5, 5, 5, 0, 5}},
		{"unsorted, some beyond", []time.Duration{9, 1, 7, 3}, 5, Dist{4, 3, 9, 9, 2, 1}},
		{"early ones", []time.Duration{-4, 2, -3}, 0, Dist{3, -3, 2, 2, 1, -4}},
	} {
		before := append([]time.Duration(nil), test.ds...)
		if got := Summarise(test.ds, test.limit); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
		for i := range before {
			if test.ds[i] != before[i] {
				t.Errorf("%s: the argument was changed: %v", test.name, test.ds)
			}
		}
	}
}

func TestATakeoverFarBeforeItsDeadlineIsNoMerit(t *testing.T) {
	const us = time.Microsecond
	for _, c := range []struct {
		first time.Duration
		met   bool
	}{{50 * us, true}, {-900 * us, true}, {-1100 * us, false}} {
		s := []sample{{contestant: Contestant{Name: vrrpx}, interval: starvedInterval, Takeover: Takeover{Advert: c.first, GARP: c.first}}}
		death, err1 := deathReport(s, nil, seen{})
		starved, err2 := starvedReport(s, nil)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		for _, f := range append(death.Figures, starved.Figures...) {
			if f.Met != c.met || strings.Contains(f.Note, "before its deadline") == c.met {
				t.Errorf("%v past the deadline: %+v", c.first, f)
			}
		}
		if len(death.Figures) != 1 || len(starved.Figures) != 1 {
			t.Errorf("%d and %d figures", len(death.Figures), len(starved.Figures))
		}
		on := func(name string, late time.Duration) blow {
			return blow{shape: shapes[0], contestant: name, takeovers: []Takeover{{GARP: late, Advert: late}, {GARP: 2 * late.Abs(), Advert: late}}}
		}
		storm, err := stormReport([]blow{on(vrrpx, c.first), on(keepalivedLean, time.Second)}, nil)
		if err != nil || len(storm.Figures) != 1 || storm.Figures[0].Met != c.met {
			t.Errorf("storm, one of two %v past the deadline: %v, %+v", c.first, err, storm)
		}
	}
}

func TestMasterDownIsTheRFCs(t *testing.T) {
	for _, test := range []struct {
		version, priority int
		interval, want    time.Duration
	}{
		{3, 100, 100 * time.Millisecond, 360937500 * time.Nanosecond},
		{3, 254, 10 * time.Millisecond, 30078125 * time.Nanosecond},
		{3, 100, 10 * time.Millisecond, 36093750 * time.Nanosecond},
		{2, 100, time.Second, 3609375 * time.Microsecond},
		{2, 192, 2 * time.Second, 6250 * time.Millisecond}, // the skew of version 2 is of a second
	} {
		if got := MasterDown(test.version, test.priority, test.interval); got != test.want {
			t.Errorf("version %d, priority %d, %v: %v, want %v", test.version, test.priority, test.interval, got, test.want)
		}
	}
}
