package main

import (
	"fmt"
	"strings"
	"time"

	"gonum.org/v1/plot/plotter"

	"github.com/vrrpx/vrrpx/tools/bench/meter"
)

const (
	gapLimit   = 2 * ladderInterval   // of issue 5, within the lease
	againSlack = 5 * time.Millisecond // for a process that stops a moment after it is told to
)

// beyondLease tells whether a stop outlasted the lease. Without one there is nothing
// to outlast: then a silence is one. A stop of more than half of it may, as it was renewed the moment before, or long
// ago: then the wire tells which.
func (st step) beyondLease() bool {
	pause, lease := st.stress.pause, st.pacing.Lease
	return lease > 0 && (pause > lease || pause > lease/2 && st.again > 0)
}

// slug is a name fit for a file.
func slug(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' {
			return '-'
		}
		return r
	}, strings.ToLower(name))
}

func ladderReport(steps []step) (*Report, error) {
	r := &Report{Title: "Stress ladder", Text: []string{
		"One router, adverts every 10 ms, master-down interval " + fmt.Sprint(ladderDown) + ". Each stress with each daemon in turn, fresh processes each time. " +
			"Both hosts share the machine, so loads on its processors meet both; what concerns one process (cgroup, stop, log) is on the one named.",
		"On the master's side the pair is of one kind. *Beyond* counts silences of the master of at least the master-down interval; *transitions* are changes of who " +
			"announces, by the wire; *both* is for how long two hosts announced at once, *amid* how many adverts one sent while the other went on announcing; *silent* is the time " +
			"beyond the master-down interval in which nobody announced. *Stood* is the longest stand of a processor that the host of this virtual machine held meanwhile, and *held* are those of the column before that " +
			"would not have been without.",
		"On the backup's side the master is an ideal one: a sender of SCHED_FIFO priority above every load, that falls silent and comes back. *Late* is the backup's first advert past " +
			"its deadline, the last advert on the wire and the master-down interval; *false* is how often it announced more than 1 ms before that.",
	}}
	var what []string
	for _, st := range steps {
		if line := fmt.Sprintf("**%s**: %s.", st.stress.name, st.stress.what); len(what) == 0 || what[len(what)-1] != line {
			what = append(what, line)
		}
	}
	r.Text = append(r.Text, strings.Join(what, " "))
	r.CSV.Header = []string{"side", "stress", "daemon", "what", "at_ms", "ms"}
	r.Tables = []Table{masterTable(steps, &r.CSV), stopTable(steps), backupTable(steps, &r.CSV)}
	r.Figures = ladderFigures(steps)
	spoiled := map[string]int{}
	for _, st := range steps {
		spoiled[st.contestant.Name] += st.spoiled
	}
	r.Text = append(r.Text, repeats(inOrder(steps, func(st step) string { return st.contestant.Name }), spoiled)...)
	plots, err := gapPlots(steps)
	r.Plots = plots
	return r, err
}

func masterTable(steps []step, csv *CSV) Table {
	t := Table{Caption: "Gaps between the adverts of a master under stress, ms", Header: []string{"stress", "daemon", "paced by",
		"gaps", "p50", "p99", "max", "beyond", "held", "transitions", "held", "stood", "both ms", "amid", "silent ms", "note"}}
	for _, st := range steps {
		if st.side != onMaster {
			continue
		}
		if st.skipped != "" {
			t.Add(st.stress.name, st.contestant.Name, "", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "not measured: "+st.skipped)
			continue
		}
		g, h := meter.GapsOf(st.gaps, ladderInterval, ladderDown), st.holding
		t.Add(st.stress.name, st.contestant.Name, st.pacing, g.N, g.P50, g.P99, g.Max, g.Beyond, st.held(st.beyond()), h.Transitions,
			st.held(excuseOf(st.seen.ExcuseChange(st.changes, fromA, ladderDown))), st.seen.longest(), h.Both, h.BothAdverts, h.Silent, strings.Join(st.notes, "; "))
		for i, at := range append(st.at, st.to) {
			csv.Add(st.side, st.stress.name, st.contestant.Name, "gap", at.Sub(st.from), st.gaps[i])
		}
		st.standRows(csv)
	}
	return t
}

// standRows are the stands of the processors in a step.
func (st step) standRows(csv *CSV) {
	st.seen.rows(st.from, func(cpu string, at, length, _ time.Duration, cause meter.Cause) {
		csv.Add(st.side, st.stress.name, st.contestant.Name, "stand of "+cpu+", "+cause.String(), at, length)
	})
}

// held is a cell: how many have an excuse.
func (st step) held(e meter.Excused) any { return st.seen.heldCells(e)[0] }

// beyond are the gaps of the master-down interval or more.
func (st step) beyond() meter.Excused {
	return st.seen.excuses(st.at, st.from, st.to, st.changes, ladderDown)
}

// falls are the takeovers of a backup before their deadlines.
func (st step) falls() (all []meter.Change) {
	for _, at := range st.takeovers.FalseAt {
		all = append(all, meter.Change{Host: fromB, At: at, Since: at.Add(-ladderDown * 3 / 2)})
	}
	return all
}

func stopTable(steps []step) Table {
	t := Table{Caption: "A master that is stopped: how long it went on announcing, when the backup began, and what two did at once", Header: []string{"stopped", "daemon", "paced by",
		"last advert after ms", "the backup's first after ms", "both ms", "amid", "transitions"}}
	for _, st := range steps {
		if st.side != onMaster || st.stress.pause == 0 || st.skipped != "" {
			continue
		}
		last, again := any(st.last), any(st.again)
		if st.again == 0 {
			last, again = "went on", "-"
		}
		t.Add(fmt.Sprintf("%g s", st.stress.pause.Seconds()), st.contestant.Name, st.pacing, last, again, st.holding.Both, st.holding.BothAdverts, st.holding.Transitions)
	}
	return t
}

func backupTable(steps []step, csv *CSV) Table {
	t := Table{Caption: "First advert of a backup under stress past its deadline, ms", Header: []string{"stress", "daemon",
		"takeovers", "p50", "p99", "max", "never", "false", "held", "stood", "note"}}
	for _, st := range steps {
		if st.side != onBackup {
			continue
		}
		if st.skipped != "" {
			t.Add(st.stress.name, st.contestant.Name, "-", "-", "-", "-", "-", "-", "-", "-", "not measured: "+st.skipped)
			continue
		}
		d := meter.SpreadOf(st.takeovers.Late)
		p50, p99, most := any(d.P50), any(d.P99), any(d.Max)
		if d.N == 0 {
			p50, p99, most = "-", "-", "-"
		}
		t.Add(st.stress.name, st.contestant.Name, d.N, p50, p99, most, st.takeovers.Missed, st.takeovers.False,
			st.held(excuseOf(st.seen.ExcuseChange(st.falls(), fromA, ladderDown))), st.seen.longest(), strings.Join(st.notes, "; "))
		for _, late := range st.takeovers.Late {
			csv.Add(st.side, st.stress.name, st.contestant.Name, "late", "", late)
		}
		st.standRows(csv)
	}
	return t
}

// ladderFigures are those of two targets, a case for each rung, with keepalived
// at its leanest beside.
func ladderFigures(steps []step) (fs []Figure) {
	for _, st := range steps {
		if st.side != onMaster || st.contestant.Name != vrrpx {
			continue
		}
		if st.skipped != "" {
			fs = append(fs, Figure{Target: targetGaps, Case: st.stress.name, Ours: notMeasured, Note: st.skipped})
			continue
		}
		f := Figure{Target: targetGaps, Case: st.stress.name}
		g := meter.GapsOf(st.gaps, ladderInterval, ladderDown)
		f.Met = g.Max < gapLimit && g.Beyond == 0 && st.holding.Transitions == 0
		text := step.gapText
		if st.beyondLease() {
			f.Target, text = targetStopped, step.stopText
			f.Met = st.again > 0 && st.again <= st.pacing.Lease+ladderDown+againSlack && st.holding.BothAdverts == 0
		}
		f.Ours, f.Met = text(st), f.Met && st.void == ""
		if !f.Met {
			f.Note = notes(st.void, "paced by "+st.pacing.String(), st.excuse())
		}
		for _, o := range steps {
			if o.side == onMaster && o.stress.name == st.stress.name && o.contestant.Name == keepalivedLean && o.skipped == "" {
				f.Theirs = text(o)
			}
		}
		fs = append(fs, f)
	}
	theirs := ""
	if b := backupsOf(steps, keepalivedLean); b.rungs > 0 {
		theirs = b.String()
	}
	for _, name := range []string{vrrpx, vrrpxTakeover} {
		if b := backupsOf(steps, name); b.rungs > 0 {
			fs = append(fs, Figure{Target: targetGaps, Case: "backups under stress, " + name, Ours: b.String(), Theirs: theirs,
				Met: b.false == 0 && b.missed == 0 && len(b.bad) == 0, Note: notes(b.bad...)})
		}
	}
	return fs
}

// backups is how a contestant did as backup, under all stresses.
type backups struct {
	rungs, false, missed int
	bad                  []string // under which it cannot have done well
}

// backupsOf looks at every rung that was made. One that does not stop the backup
// must have had a takeover.
func backupsOf(steps []step, name string) (b backups) {
	for _, st := range steps {
		if st.side != onBackup || st.contestant.Name != name || st.skipped != "" {
			continue
		}
		b.rungs++
		b.false += st.takeovers.False
		b.missed += st.takeovers.Missed
		if st.void != "" {
			b.bad = append(b.bad, st.stress.name+": "+st.void)
		} else if st.stress.pause == 0 && len(st.takeovers.Late) == 0 {
			b.bad = append(b.bad, st.stress.name+": no takeover")
		}
	}
	return b
}

func (b backups) String() string {
	return fmt.Sprintf("%d false transitions, %d never, under %d stresses", b.false, b.missed, b.rungs)
}

func (st step) gapText() string {
	g := meter.GapsOf(st.gaps, ladderInterval, ladderDown)
	return fmt.Sprintf("max %.1f ms, %d beyond, %d transitions", ms(g.Max), g.Beyond, st.holding.Transitions)
}

func (st step) stopText() string {
	if st.again == 0 {
		return "no other holder"
	}
	return fmt.Sprintf("another holder after %.0f ms, %d adverts amid the other's", ms(st.again), st.holding.BothAdverts)
}

// excuse is a note of how many of a master's long gaps are the host's.
func (st step) excuse() string {
	long := st.seen.excuses(st.at, st.from, st.to, st.changes, gapLimit)
	n := long.Held() + long[meter.NoExcuse]
	if n == 0 || st.seen.why != "" || st.stress.pause > 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d gaps of 20 ms or more while the host held a processor", long.Held(), n)
}

// gapPlots draw the gaps of the master's adverts over time, a picture for each
// rung: a dot where a gap ended.
func gapPlots(steps []step) (plots []Plot, err error) {
	var names []string
	series, end := map[string][]Series{}, map[string]float64{}
	for _, st := range steps {
		if st.side != onMaster || st.skipped != "" {
			continue
		}
		if len(series[st.stress.name]) == 0 {
			names = append(names, st.stress.name)
		}
		s := Series{Name: st.contestant.Name, Dots: true}
		for i, at := range append(st.at, st.to) {
			s.XY = append(s.XY, plotter.XY{X: at.Sub(st.from).Seconds(), Y: ms(st.gaps[i])})
		}
		series[st.stress.name] = append(series[st.stress.name], s)
		end[st.stress.name] = max(end[st.stress.name], st.to.Sub(st.from).Seconds())
	}
	for _, name := range names {
		down := Series{Name: "master-down interval", XY: plotter.XYs{{X: 0, Y: ms(ladderDown)}, {X: end[name], Y: ms(ladderDown)}}}
		p, err := LinePlot("Advert gaps of the master: "+name, "seconds since it began", "gap, ms", "y", append(series[name], down)...)
		if err != nil {
			return nil, err
		}
		plots = append(plots, Plot{File: "gaps-" + slug(name), Title: "Advert gaps of the master: " + name, Plot: p})
	}
	return plots, nil
}
