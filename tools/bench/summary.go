package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
)

// record is NAME.json: of a scenario all that the summary shows. So a scenario
// that is run alone keeps the others' results in the summary.
type record struct {
	Name    string
	Machine Machine
	Stale   bool // it failed when it was last run: this is from before
	Report  Report
	Plots   []Plot // without their pictures
}

// save writes the files of one scenario.
func save(dir, name string, m Machine, r *Report) error {
	data, err := r.CSV.Bytes()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name+".csv"), data, 0o644); err != nil {
		return err
	}
	rec := record{Name: name, Machine: m, Report: *r}
	rec.Report.Figures = slices.Clone(r.Figures)
	for i := range rec.Report.Figures {
		if f := &rec.Report.Figures[i]; m.Quick && f.Ours != notMeasured {
			f.Note = notes(f.Note, "quick: too few samples to judge")
		}
	}
	for _, p := range r.Plots {
		if err := p.Plot.Save(20*vg.Centimeter, 12*vg.Centimeter, filepath.Join(dir, name+"-"+p.File+".png")); err != nil {
			return fmt.Errorf("plot %s: %w", p.File, err)
		}
		rec.Plots = append(rec.Plots, Plot{File: p.File, Title: p.Title})
	}
	return rec.write(dir)
}

func (rec record) write(dir string) error {
	text, err := json.MarshalIndent(rec, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, rec.Name+".json"), append(text, '\n'), 0o644)
}

// readRecord returns nil where there is none.
func readRecord(dir, name string) (*record, error) {
	text, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s.json: %w", name, err)
	}
	return &r, nil
}

// markStale has the summary tell that what it shows of a scenario is not of its
// last run, which failed.
func markStale(dir, name string) error {
	r, err := readRecord(dir, name)
	if r == nil || r.Stale || err != nil {
		return err
	}
	r.Stale = true
	for i := range r.Report.Figures {
		f := &r.Report.Figures[i]
		f.Note = notes(f.Note, "of an earlier run, "+r.Machine.Date)
	}
	return r.write(dir)
}

// summarise writes README.md from the records in dir.
func summarise(dir string) (figures []Figure, err error) {
	var records []record
	for _, name := range scenarioNames() {
		r, err := readRecord(dir, name)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		records = append(records, *r)
		figures = append(figures, r.Report.Figures...)
	}
	return figures, os.WriteFile(filepath.Join(dir, "README.md"), []byte(markdown(records)), 0o644)
}

func markdown(records []record) string {
	var b strings.Builder
	b.WriteString("# Measured: vrrpx and keepalived\n\nWritten by `make bench`; [how it is measured, and how to read it](../bench.md).\n\n")
	var figures []Figure
	for _, r := range records {
		figures = append(figures, r.Report.Figures...)
	}
	b.WriteString("## Targets\n\n" + targetTable(figures).Markdown())
	b.WriteString(machines(records))
	for _, r := range records {
		fmt.Fprintf(&b, "## %s\n\n", r.Report.Title)
		for _, p := range r.Report.Text {
			fmt.Fprintf(&b, "%s\n\n", p)
		}
		for _, t := range r.Report.Tables {
			b.WriteString(t.Markdown())
		}
		for _, p := range r.Plots {
			fmt.Fprintf(&b, "![%s](%s-%s.png)\n\n", p.Title, r.Name, p.File)
		}
		fmt.Fprintf(&b, "Raw data: [%s.csv](%s.csv). `make bench SCENARIO=%s`\n\n", r.Name, r.Name, r.Name)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// machines describes where the records were made: once what all have in
// common, and each scenario's own time and load.
func machines(records []record) string {
	if len(records) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("## Machine\n\n")
	last := Machine{}
	for _, r := range records {
		m := r.Machine
		m.Date, m.Load, m.Quick = "", "", false
		if m != last {
			fmt.Fprintf(&b, "%s, %d CPUs, %s of memory; %s; kernel %s; kernel.sched_rt_runtime_us %s; %s; %s.\n\n",
				m.CPU, m.CPUs, m.Memory, m.System, m.Kernel, m.RTRuntime, m.VRRPX, m.Keepalived)
			last = m
		}
	}
	t := Table{Header: []string{"scenario", "when", "load averages before", "run"}}
	for _, r := range records {
		run := "full"
		if r.Machine.Quick {
			run = "quick"
		}
		if r.Stale {
			run += "; the last one failed"
		}
		t.Add(r.Name, r.Machine.Date, r.Machine.Load, run)
	}
	return b.String() + t.Markdown()
}
