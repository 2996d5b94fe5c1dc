package main

import (
	"fmt"
	"time"
)

func advertOf(t Takeover) time.Duration    { return t.Advert }
func garpOf(t Takeover) time.Duration      { return t.GARP }
func addressesOf(t Takeover) time.Duration { return t.Addresses }

// stormMeasures: a router's, and the worst router's of each kill.
var stormMeasures = []struct {
	name  string
	of    func(Takeover) time.Duration
	worst bool
}{
	{"first advert, each router", advertOf, false},
	{"first gratuitous ARP, each router", garpOf, false},
	{"all addresses announced, each router", addressesOf, false},
	{"last first gratuitous ARP, each kill", garpOf, true},
	{"last address, each kill", addressesOf, true},
}

func stormReport(blows []blow, spoiled map[string]int) (*Report, error) {
	r := &Report{
		Title: "Storms: many routers change hands at once",
		Text: []string{fmt.Sprintf("The master of 255 routers with one address each, and of 64 routers with 16 each, falls silent; adverts every %v. "+
			"In one half of the kills the master is a second daemon of the contestant's own kind. Then the phases of its adverts decide how far apart the deadlines are, and so how hard the storm is. "+
			"In the other half it is the same for all: the bench sends all routers' adverts in one burst, so that all deadlines fall together. "+
			"Each router has a deadline of its own: its last advert on the wire plus the backup's master-down interval. "+
			"An address counts as moved with its first gratuitous ARP from the new holder. Milliseconds past the deadline:", stormInterval)},
		CSV: CSV{Header: []string{"shape", "master", "contestant", "kill", "vrid", "deadline_ms", "first_advert_late_ms", "first_garp_late_ms", "last_address_late_ms"}},
	}
	for _, b := range blows {
		for _, t := range b.takeovers {
			r.CSV.Add(b.shape, b.shape.master(), b.contestant, b.number, t.VRID, t.Deadline.Sub(b.firstDeadline()), t.Advert, t.GARP, t.Addresses)
		}
	}
	names := inOrder(blows, func(b blow) string { return b.contestant })
	table := Table{Header: append([]string{"routers x addresses", "master", "contestant", "what"}, distHeader("over 1 ms")...)}
	spread := Table{
		Caption: "How far apart the deadlines of a kill's routers are, which the phases of the master's adverts decide: the closer, the harder. First to last, and where the middle half of them lies:",
		Header:  []string{"routers x addresses", "master", "contestant", "kills", "first to last, p50 ms", "middle half, p50 ms"},
	}
	for _, s := range inOrder(blows, func(b blow) shape { return b.shape }) {
		var series []Series
		last, earliest := map[string]Dist{}, map[string]time.Duration{}
		for _, name := range names {
			for i, m := range stormMeasures {
				var ds []time.Duration
				for _, b := range blows {
					if b.shape != s || b.contestant != name {
						continue
					}
					if m.worst {
						ds = append(ds, b.worst(m.of))
						continue
					}
					for _, t := range b.takeovers {
						ds = append(ds, m.of(t))
					}
				}
				d := Summarise(ds, time.Millisecond)
				table.Add(append([]any{s, s.master(), name, m.name}, d.Cells()...)...)
				switch i {
				case 1:
					earliest[name] = d.Min
				case 2:
					series = append(series, CDF(name, ds))
				case 3:
					d.Min = earliest[name] // of any router, not of the worst
					last[name] = d
				}
			}
		}
		apart := map[string]time.Duration{}
		for _, name := range names {
			var all, half []time.Duration
			for _, b := range blows {
				if b.shape == s && b.contestant == name {
					a, h := b.spread()
					all, half = append(all, a), append(half, h)
				}
			}
			apart[name] = Summarise(half, 0).P50
			spread.Add(s, s.master(), name, len(all), Summarise(all, 0).P50, apart[name])
		}
		title := fmt.Sprintf("Storm %v, master %s: a router's last address past its deadline", s, s.master())
		p, err := CDFPlot(title, "ms past the deadline", "% of routers", series...)
		if err != nil {
			return nil, err
		}
		r.Plots = append(r.Plots, Plot{File: s.file(), Title: title, Plot: p})
		if ours := last[vrrpx]; ours.N > 0 {
			f := stormFigure(s, ours, last[keepalivedLean])
			if s.own && f.Theirs != "" {
				f.Note = notes(f.Note, fmt.Sprintf("not the same task: half of vrrpx's deadlines lie within %.1f ms, half of keepalived's within %.1f ms", ms(apart[vrrpx]), ms(apart[keepalivedLean])))
			}
			r.Figures = append(r.Figures, f)
		}
	}
	r.Tables = []Table{table, spread}
	r.Text = append(r.Text, repeats(names, spoiled)...)
	return r, nil
}

// stormFigure judges the last first gratuitous ARP: our p50 is to be at most
// half of keepalived's, and our maximum at most half of its maximum.
func stormFigure(s shape, ours, theirs Dist) Figure {
	f := Figure{Target: targetStorm, Case: s.String() + ", master " + s.master(), Ours: ours.Short()}
	if theirs.N == 0 {
		f.Note = "keepalived -G did not run"
		return f
	}
	f.Theirs = theirs.Short()
	f.Met = 2*ours.P50 <= theirs.P50 && 2*ours.Max <= theirs.Max && ours.tooEarly() == ""
	f.Note = ours.tooEarly()
	return f
}
