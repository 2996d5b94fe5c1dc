package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/plotter"

	"github.com/vrrpx/vrrpx/tools/bench/meter"
)

const memoryLimit = 40_000_000 // octets, of issue 5

func steadyReport(cells []cell) (*Report, error) {
	r := &Report{Title: "Steady state", Text: []string{
		"A master alone, then with its backup. *Process* is the time that /proc/PID/stat charges to the daemon's processes, in percent of one core. *Machine* is what the whole machine " +
			"was busier: with the master than idle just before, with the backup than with the master alone. It has in it what no process is charged for (adverts that the kernel paces leave in softirqs), " +
			"the bridge and the other host's receive path, for every daemon alike; and what else the machine did, so look at *others*, the machine before and after: a figure of the machine counts only where that is at most 10 %, and differs before and after by at most half of what the target allows.",
		"Context switches are those of all threads, voluntary and not, a second. Memory is RSS / PSS in MB. `garp_master_delay 1` for all, so that no announcement falls into the measurement.",
	}}
	t := Table{Header: []string{"routers", "adverts", "daemon", "paced by", "sent /s", "others %", "master process %", "machine %", "switches /s", "MB",
		"backup process %", "machine %", "switches /s", "MB"}}
	r.CSV.Header = []string{"routers", "interval_ms", "daemon", "pacer", "sent_per_s", "before_percent", "after_percent", "master_process_percent", "master_machine_percent",
		"master_voluntary_per_s", "master_involuntary_per_s", "master_rss_bytes", "master_pss_bytes", "backup_process_percent", "backup_machine_percent",
		"backup_voluntary_per_s", "backup_involuntary_per_s", "backup_rss_bytes", "backup_pss_bytes"}
	mb := func(m meter.Memory) string {
		return fmt.Sprintf("%.1f / %.1f", float64(m.RSS)/1e6, float64(m.PSS)/1e6)
	}
	for _, c := range cells {
		master, backup := c.onMachine()
		wall := c.wall.Seconds()
		t.Add(c.routers, fmt.Sprint(c.interval), c.contestant.Name, c.pacing, fmt.Sprintf("%.0f", float64(c.sent)/wall), 100*max(c.idle, c.idleAfter),
			c.percent(c.master.CPU), master, fmt.Sprintf("%.0f", c.switches(c.master)), mb(c.masterMemory),
			c.percent(c.backup.CPU), backup, fmt.Sprintf("%.0f", c.switches(c.backup)), mb(c.backupMemory))
		r.CSV.Add(c.routers, c.interval, c.contestant.Name, c.pacing, float64(c.sent)/wall, 100*c.idle, 100*c.idleAfter, c.percent(c.master.CPU), master,
			float64(c.master.Voluntary)/wall, float64(c.master.Involuntary)/wall, c.masterMemory.RSS, c.masterMemory.PSS,
			c.percent(c.backup.CPU), backup, float64(c.backup.Voluntary)/wall, float64(c.backup.Involuntary)/wall, c.backupMemory.RSS, c.backupMemory.PSS)
	}
	r.Tables = []Table{t}
	r.Figures = steadyFigures(cells)
	for _, side := range []string{onMaster, onBackup} {
		title := "CPU of a " + side + ", whole machine, against adverts a second"
		p, err := LinePlot(title, "adverts a second", "percent of one core", "xy", cpuSeries(cells, side)...)
		if err != nil {
			return nil, err
		}
		r.Plots = append(r.Plots, Plot{File: "cpu-" + side, Title: title, Plot: p})
	}
	return r, nil
}

// cpuSeries is a line for each contestant: CPU against routers x rate.
func cpuSeries(cells []cell, side string) (all []Series) {
	for _, c := range cells {
		master, backup := c.onMachine()
		at := plotter.XY{X: float64(c.routers) / c.interval.Seconds(), Y: master}
		if side == onBackup {
			at.Y = backup
		}
		i := slices.IndexFunc(all, func(s Series) bool { return s.Name == c.contestant.Name })
		if i < 0 {
			i, all = len(all), append(all, Series{Name: c.contestant.Name})
		}
		all[i].XY = append(all[i].XY, at)
	}
	for _, s := range all {
		slices.SortFunc(s.XY, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
	}
	return all
}

// steadyFigures are those at the most that VRRP can ask: 255 routers, 10 ms.
func steadyFigures(cells []cell) (fs []Figure) {
	find := func(name string) (cell, bool) {
		i := slices.IndexFunc(cells, func(c cell) bool {
			return c.contestant.Name == name && c.routers == 255 && c.interval == ladderInterval
		})
		if i < 0 {
			return cell{}, false
		}
		return cells[i], true
	}
	ours, ok := find(vrrpx)
	theirs, both := find(keepalivedLean)
	if !ok {
		return nil
	}
	memory := max(ours.masterMemory.RSS, ours.backupMemory.RSS)
	m := Figure{Target: targetMemory, Ours: fmt.Sprintf("%.1f MB", float64(memory)/1e6), Met: memory <= memoryLimit}
	if both {
		m.Theirs = fmt.Sprintf("%.1f MB", float64(max(theirs.masterMemory.RSS, theirs.backupMemory.RSS))/1e6)
		om, ob := ours.onMachine()
		tm, tb := theirs.onMachine()
		for _, f := range []struct {
			name         string
			ours, theirs float64
			share        float64
		}{
			{"master, whole machine", om, tm, 0.5},
			{"master, process", ours.percent(ours.master.CPU), theirs.percent(theirs.master.CPU), 0.5},
			{"backup, whole machine", ob, tb, 0.1},
			{"backup, process", ours.percent(ours.backup.CPU), theirs.percent(theirs.backup.CPU), 0.1},
		} {
			met := f.ours <= f.share*f.theirs
			note := ""
			// A figure of the machine is a difference of two that are each as fine as the
			// machine was even; of the process it is in ticks, and none may be none.
			machine := strings.HasSuffix(f.name, "machine")
			drift := max(ours.drift(), theirs.drift())
			switch {
			case machine && !(ours.calm() && theirs.calm()):
				met, note = false, "the machine was not idle: does not count"
			case f.theirs <= 0 || machine && (f.ours <= 0 || drift > f.share*f.theirs/2):
				met, note = false, fmt.Sprintf("too little to tell: the idle machine itself varied by %.1f %%", drift)
			case ours.tooFew() != "":
				met, note = false, ours.tooFew()
			case !met:
				note = "paced by " + ours.pacing.String()
			}
			note = notes(note, theirs.tooFew())
			fs = append(fs, Figure{Target: targetCPU, Case: f.name, Ours: fmt.Sprintf("%.1f %%", f.ours), Theirs: fmt.Sprintf("%.1f %%", f.theirs), Met: met, Note: note})
		}
	}
	return append(fs, m)
}
