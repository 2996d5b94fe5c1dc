package main

import (
	"fmt"
	"time"
)

// measures are the columns of a sample that are summarised.
var measures = []struct {
	name string
	of   func(sample) time.Duration
}{
	{"first advert", func(s sample) time.Duration { return s.Advert }},
	{"first gratuitous ARP", func(s sample) time.Duration { return s.GARP }},
	{"client's ping answered", func(s sample) time.Duration { return s.answered }},
}

// choose returns a measure of the samples that are chosen.
func choose(samples []sample, contestant string, interval time.Duration, of func(sample) time.Duration) []time.Duration {
	var ds []time.Duration
	for _, s := range samples {
		if s.contestant.Name == contestant && s.interval == interval {
			ds = append(ds, of(s))
		}
	}
	return ds
}

// inOrder lists what the samples have of something, as it first occurs.
func inOrder[T any, K comparable](list []T, of func(T) K) []K {
	var keys []K
	seen := map[K]bool{}
	for _, v := range list {
		if k := of(v); !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}

// garpP50 and garpMax are the target of one router.
const (
	garpP50 = 200 * time.Microsecond
	garpMax = time.Millisecond
)

func deathReport(samples []sample, spoiled map[string]int, seen seen) (*Report, error) {
	r := &Report{
		Title: "Sudden death of the master",
		Text: []string{"One router, one address. The master is stopped and cut off at the switch at once, and killed when the sample is over; the deadline is its last advert on the wire plus " +
			"the backup's master-down interval. A client pings the address every millisecond, which is how finely its answers are seen. Milliseconds past the deadline:"},
	}
	r.CSV.Header = []string{"advert_interval_ms", "contestant", "first_advert_late_ms", "first_garp_late_ms", "ping_answered_late_ms", "ping_outage_ms", "host_held_a_cpu_ms"}
	for _, s := range samples {
		r.CSV.Add(s.interval.Milliseconds(), s.contestant.Name, s.Advert, s.GARP, s.answered, s.outage, s.held)
	}
	names := inOrder(samples, func(s sample) string { return s.contestant.Name })
	t := Table{Header: append([]string{"adverts", "contestant", "what"}, distHeader("over 1 ms")...)}
	for _, interval := range inOrder(samples, func(s sample) time.Duration { return s.interval }) {
		var series []Series
		for _, name := range names {
			for _, m := range measures {
				ds := choose(samples, name, interval, m.of)
				t.Add(append([]any{interval.String(), name, m.name}, Summarise(ds, garpMax).Cells()...)...)
			}
			series = append(series, CDF(name, choose(samples, name, interval, measures[1].of)))
		}
		title := fmt.Sprintf("First gratuitous ARP past the deadline, adverts every %v", interval)
		p, err := CDFPlot(title, "ms past the deadline", "% of kills", series...)
		if err != nil {
			return nil, err
		}
		r.Plots = append(r.Plots, Plot{File: fmt.Sprintf("cdf-%dms", interval.Milliseconds()), Title: title, Plot: p})

		ours := Summarise(choose(samples, vrrpx, interval, measures[1].of), garpMax)
		if ours.N == 0 {
			continue
		}
		f := Figure{
			Target: targetGARP, Case: fmt.Sprintf("adverts every %v", interval),
			Ours: ours.Short(), Met: ours.P50 <= garpP50 && ours.Max <= garpMax && ours.tooEarly() == "", Note: ours.tooEarly(),
		}
		if theirs := Summarise(choose(samples, keepalivedLean, interval, measures[1].of), garpMax); theirs.N > 0 {
			f.Theirs = theirs.Short()
		}
		r.Figures = append(r.Figures, f)
	}
	r.Tables = []Table{t}
	r.Text = append(append(r.Text, repeats(names, spoiled)...), seen.text())
	return r, nil
}

// repeats tells of samples that were taken again.
func repeats(contestants []string, spoiled map[string]int) []string {
	var text []string
	for _, name := range contestants {
		if n := spoiled[name]; n > 0 {
			text = append(text, fmt.Sprintf("%s took over %d times while its master lived: those were repeated.", name, n))
		}
	}
	return text
}
