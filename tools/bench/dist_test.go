package main

import (
	"testing"
	"time"
)

func TestPercentileIsAMeasuredValue(t *testing.T) {
	ds := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for p, want := range map[float64]time.Duration{0: 1, 50: 5, 51: 6, 90: 9, 99: 10, 100: 10} {
		if got := Percentile(ds, p); got != want {
			t.Errorf("p%v of 1 to 10: %d, want %d", p, got, want)
		}
	}
	if got := Percentile(ds[:1], 50); got != 1 {
		t.Errorf("p50 of one: %d", got)
	}
}

func TestSummarise(t *testing.T) {
	for _, test := range []struct {
		name  string
		ds    []time.Duration
		limit time.Duration
		want  Dist
	}{
		{"nothing", nil, 1, Dist{}},
		{"one at the limit", []time.Duration{5}, 5, Dist{1, 5, 5, 5, 0}},
		{"unsorted, some beyond", []time.Duration{9, 1, 7, 3}, 5, Dist{4, 3, 9, 9, 2}},
		{"early ones", []time.Duration{-4, 2, -3}, 0, Dist{3, -3, 2, 2, 1}},
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
