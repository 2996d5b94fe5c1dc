package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	table := Table{Caption: "Late:", Header: []string{"who", "how", "n", "ms"}}
	table.Add("a|b", "64x16", 3, 1500*time.Microsecond)
	table.Add("c", "9 of 10", "-", -time.Millisecond)
	const want = "Late:\n\n| who | how | n | ms |\n|---|---|---:|---:|\n| a\\|b | 64x16 | 3 | 1.500 |\n| c | 9 of 10 | - | -1.000 |\n\n"
	if got := table.Markdown(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestCSVQuotes(t *testing.T) {
	c := CSV{Header: []string{"who", "ms", "x"}}
	c.Add(`say "hi", you`, 2*time.Millisecond, 0.5)
	got, err := c.Bytes()
	if want := "who,ms,x\n\"say \"\"hi\"\", you\",2.000,0.50\n"; err != nil || string(got) != want {
		t.Errorf("%v: got %q, want %q", err, got, want)
	}
}

func TestTargetsAreAllShown(t *testing.T) {
	got := targetTable([]Figure{
		{Target: targetGARP, Case: "10ms", Ours: "0.1", Theirs: "0.3", Met: true},
		{Target: targetGARP, Case: "1s", Ours: "0.4", Note: "the CPU sleeps"},
	})
	if want := len(targets) + 1; len(got.Rows) != want {
		t.Fatalf("%d rows, want %d", len(got.Rows), want)
	}
	for i, want := range []string{"10ms 0.1 0.3 yes ", "1s 0.4 - no the CPU sleeps", " not measured - - "} {
		if row := strings.Join(got.Rows[i][2:], " "); row != want {
			t.Errorf("row %d: %q, want %q", i, row, want)
		}
	}
}

// One scenario is run again: the others keep their place in the summary.
func TestSummaryKeepsWhatWasMeasuredBefore(t *testing.T) {
	dir := t.TempDir()
	for _, r := range []struct{ name, title, ours string }{
		{"storm", "Storms", "4 ms"}, {"death", "Deaths", "7 ms"}, {"death", "Deaths", "8 ms"},
	} {
		report := &Report{Title: r.title, Figures: []Figure{{Target: targetGARP, Ours: r.ours}}, CSV: CSV{Header: []string{"x"}}}
		p, err := CDFPlot("t", "x", "y", CDF("a", []time.Duration{0, -5, time.Millisecond}), CDF("nothing", nil))
		if err != nil {
			t.Fatal(err)
		}
		report.Plots = []Plot{{File: "cdf", Title: "CDF", Plot: p}}
		if err := save(dir, r.name, Machine{CPUs: 7, Load: "0 0 0"}, report); err != nil {
			t.Fatal(err)
		}
	}
	if figures, err := summarise(dir); err != nil || len(figures) != 2 {
		t.Fatalf("%v, %v", figures, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	death, storm := strings.Index(text, "## Deaths"), strings.Index(text, "## Storms")
	if death < 0 || storm < death {
		t.Errorf("sections in the wrong order:\n%s", text)
	}
	for want, count := range map[string]int{"8 ms": 1, "7 ms": 0, "4 ms": 1, "(death-cdf.png)": 1, "7 CPUs": 1} {
		if got := strings.Count(text, want); got != count {
			t.Errorf("%q occurs %d times, want %d", want, got, count)
		}
	}
	for _, file := range []string{"death.csv", "death-cdf.png", "storm.json"} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestFiguresSayWhichRunTheyAreOf(t *testing.T) {
	dir := t.TempDir()
	report := &Report{Figures: []Figure{{Target: targetGARP, Ours: "1", Met: true, Note: "x"}, {Target: targetGaps, Ours: notMeasured, Note: "y"}}}
	note := func(i int) string {
		t.Helper()
		figures, err := summarise(dir)
		if err != nil || len(figures) != 2 {
			t.Fatal(figures, err)
		}
		return figures[i].Note
	}
	if err := markStale(dir, "death"); err != nil { // there is none
		t.Fatal(err)
	}
	m := Machine{Date: "yesterday", Quick: true}
	if err := save(dir, "death", m, report); err != nil {
		t.Fatal(err)
	}
	if a, b := note(0), note(1); a != "x; quick: too few samples to judge" || b != "y" || report.Figures[0].Note != "x" {
		t.Errorf("quick: %q, %q", a, b)
	}
	m.Quick = false
	if err := save(dir, "death", m, report); err != nil {
		t.Fatal(err)
	}
	if a := note(0); a != "x" {
		t.Errorf("full: %q", a)
	}
	for range 2 {
		if err := markStale(dir, "death"); err != nil {
			t.Fatal(err)
		}
	}
	if a := note(0); a != "x; of an earlier run, yesterday" {
		t.Errorf("stale: %q", a)
	}
	b, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil || !strings.Contains(string(b), "| full; the last one failed |") {
		t.Errorf("%v: %s", err, b)
	}
	if err := save(dir, "death", m, report); err != nil || note(0) != "x" {
		t.Errorf("measured anew: %v, %q", err, note(0))
	}
}

func TestPick(t *testing.T) {
	if all, err := pick(""); err != nil || len(all) != len(scenarios) {
		t.Errorf("all: %d, %v", len(all), err)
	}
	if two, err := pick("storm,death"); err != nil || len(two) != 2 || two[0].Name() != "death" {
		t.Errorf("two, in the table's order: %v, %v", two, err)
	}
	if _, err := pick("deaht"); err == nil || !strings.Contains(err.Error(), "death") {
		t.Errorf("no hint: %v", err)
	}
	seen := map[string]bool{}
	for _, s := range scenarios {
		if seen[s.Name()] || strings.ContainsAny(s.Name(), " ,/") {
			t.Errorf("the name %q", s.Name())
		}
		seen[s.Name()] = true
	}
}

func TestEverybodyIsFirstInTurn(t *testing.T) {
	var got []string
	for n := range 4 {
		got = append(got, strings.Join(rotate([]string{"a", "b", "c"}, n), ""))
	}
	if s := strings.Join(got, " "); s != "abc bca cab abc" || len(rotate([]string(nil), 2)) != 0 {
		t.Error(s)
	}
}

func TestContestantsTakePartWhenNamed(t *testing.T) {
	e := &Env{contestants: []Contestant{{Name: "a"}, {Name: "b", Only: true}, {Name: "c"}}}
	names := func(also ...string) string {
		var n []string
		for _, c := range e.Contestants(also...) {
			n = append(n, c.Name)
		}
		return strings.Join(n, "")
	}
	if got := names() + " " + names("b"); got != "ac abc" {
		t.Errorf("by default: %s", got)
	}
	if err := e.name("b,c"); err != nil || names() != "bc" {
		t.Errorf("named: %v, %v", names(), err)
	}
	if err := e.name("d"); err == nil {
		t.Error("an unknown one is taken")
	}
}
