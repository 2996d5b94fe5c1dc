package main

import (
	"cmp"
	"fmt"
	"image/color"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vrrpx/vrrpx/internal/promlab"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// timeline draws a bar for each series, whose parts have the colours and words of the
// value mappings.
func timeline(c draw.Canvas, p *promlab.Panel, a *Answers) error {
	lines, _ := linesOf(p, a)
	if len(lines) == 0 {
		write(c, c.Center().X, c.Center().Y, "No data", 9, faint, false, 0.5, 0.5)
		return nil
	}
	const names = 150
	data := area(c, c.Min.X+names, c.Min.Y+16, c.Max.X-4, c.Max.Y)
	x := times(data, a)
	high := (data.Max.Y - data.Min.Y) / vg.Length(len(lines))
	for i, l := range lines {
		top := data.Max.Y - vg.Length(i)*high
		write(c, data.Min.X-6, top-high/2, fit(l.name, 8, names-6), 8, ink, false, 1, 0.4)
		for from := 0; from < len(l.at); {
			to := from
			for to+1 < len(l.at) && l.at[to+1].V == l.at[from].V && l.at[to+1].At.Sub(l.at[to].At) <= a.Step*3/2 {
				to++
			}
			end := min(x.at(seconds(l.at[to].At.Add(a.Step))), data.Max.X)
			if to+1 < len(l.at) {
				end = min(end, x.at(seconds(l.at[to+1].At)))
			}
			part := area(c, x.at(seconds(l.at[from].At)), top-high*0.95, end, top-high*0.05)
			word, shade := mapped(&p.FieldConfig.Defaults, l.at[from].V)
			fill(part, shade)
			if widthOf(word, 8) < part.Max.X-part.Min.X-6 {
				write(part, part.Min.X+5, part.Center().Y, word, 8, color.White, true, 0, 0.4)
			}
			from = to + 1
		}
	}
	marks(data, x, a)
	return nil
}

// mapped is what a value stands for.
func mapped(f *promlab.Field, v float64) (word string, shade color.Color) {
	for _, m := range f.Mappings {
		if o, ok := m.Options[strconv.FormatFloat(v, 'g', -1, 64)]; ok {
			return o.Text, named[o.Color]
		}
	}
	return unit(v, f.Unit), byThreshold(f, v)
}

func byThreshold(f *promlab.Field, v float64) color.Color {
	shade := named["text"]
	for _, s := range f.Thresholds.Steps {
		if s.Value == nil || v >= *s.Value {
			shade = named[s.Color]
		}
	}
	return shade
}

// stat draws the last value of each series.
func stat(c draw.Canvas, p *promlab.Panel, a *Answers) error {
	lines, _ := linesOf(p, a)
	f := &p.FieldConfig.Defaults
	lines = slices.DeleteFunc(lines, func(l line) bool { // what has none at the end
		return len(l.at) == 0 || l.at[len(l.at)-1].At.Before(a.To.Add(-a.Step))
	})
	if len(lines) == 0 {
		write(c, c.Center().X, c.Center().Y, cmp.Or(f.NoValue, "No data"), 18, ink, true, 0.5, 0.5)
		return nil
	}
	high := (c.Max.Y - c.Min.Y) / vg.Length(len(lines))
	for i, l := range lines {
		top, v := c.Max.Y-vg.Length(i)*high, l.at[len(l.at)-1].V
		tile := area(c, c.Min.X, top-high+2, c.Max.X, top)
		fill(tile, byThreshold(f, v))
		write(tile, tile.Center().X, tile.Center().Y+12, fit(l.name, 10, tile.Max.X-tile.Min.X-8), 10, color.White, false, 0.5, 0.5)
		write(tile, tile.Center().X, tile.Center().Y-12, unit(v, f.Unit), 22, color.White, true, 0.5, 0.5)
	}
	return nil
}

// heatmap draws what each bucket got, from the cumulative counts.
func heatmap(c draw.Canvas, p *promlab.Panel, a *Answers) error {
	type bucket struct {
		le   float64
		name string
		at   map[int64]float64
	}
	var buckets []bucket
	for i := range p.Targets {
		for _, s := range a.Series[key(p, &p.Targets[i])] {
			le, err := strconv.ParseFloat(s.Labels["le"], 64)
			if err != nil {
				return fmt.Errorf("a bucket %v: %w", s.Labels, err)
			}
			b := bucket{le, s.Labels["le"], map[int64]float64{}}
			for _, pt := range s.Points {
				if !math.IsNaN(pt.V) {
					b.at[pt.At.Unix()] = pt.V
				}
			}
			buckets = append(buckets, b)
		}
	}
	if len(buckets) == 0 {
		write(c, c.Center().X, c.Center().Y, "No data", 9, faint, false, 0.5, 0.5)
		return nil
	}
	slices.SortFunc(buckets, func(a, b bucket) int { return cmp.Compare(a.le, b.le) })
	most := 0.0
	share := func(i int, t int64) float64 {
		v := buckets[i].at[t]
		if i > 0 {
			v -= buckets[i-1].at[t]
		}
		return v
	}
	for i, b := range buckets {
		for t := range b.at {
			most = max(most, share(i, t))
		}
	}
	data := area(c, c.Min.X+56, c.Min.Y+16, c.Max.X-4, c.Max.Y-4)
	x := times(data, a)
	high := (data.Max.Y - data.Min.Y) / vg.Length(len(buckets))
	for i, b := range buckets {
		low := data.Min.Y + vg.Length(i)*high
		name := "above"
		if !math.IsInf(b.le, 1) {
			name = unit(b.le, "s")
		}
		write(data, data.Min.X-4, low+high/2, name, 6.5, faint, false, 1, 0.4)
		for t := range b.at {
			v := share(i, t)
			if v <= 1e-9 {
				continue
			}
			from, to := x.at(float64(t)), min(x.at(float64(t)+a.Step.Seconds()), data.Max.X)
			fill(area(data, from, low, to-0.5, low+high-0.5), heat(math.Pow(v/most, 0.3)))
		}
	}
	marks(data, x, a)
	return nil
}

// heat is an orange, the darker the more.
func heat(v float64) color.Color {
	mix := func(from, to float64) uint8 { return uint8(from + (to-from)*v) }
	return color.RGBA{mix(255, 166), mix(240, 54), mix(220, 3), 0xff}
}

// table draws the last values, merged by the labels that they share, with the columns
// of the transformations.
func table(c draw.Canvas, p *promlab.Panel, a *Answers) error {
	hidden, renamed := map[string]bool{}, map[string]string{}
	for _, t := range p.Transformations {
		maps.Copy(hidden, t.Options.ExcludeByName)
		maps.Copy(renamed, t.Options.RenameByName)
	}
	var names []string
	rows := map[string]map[string]string{} // by instance
	set := func(row map[string]string, name, value string) {
		if !hidden[name] {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			row[name] = value
		}
	}
	for i := range p.Targets {
		q := &p.Targets[i]
		for _, s := range a.Series[key(p, q)] {
			at := s.Labels["instance"]
			if rows[at] == nil {
				rows[at] = map[string]string{}
			}
			for _, label := range slices.Sorted(maps.Keys(s.Labels)) {
				set(rows[at], label, s.Labels[label])
			}
			set(rows[at], "Value #"+q.RefID, unit(s.Points[len(s.Points)-1].V, ""))
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { // labels first
		return cmp.Compare(strings.Count(a, "#"), strings.Count(b, "#"))
	})
	cells := [][]string{nil} // the first line is the head
	for _, name := range names {
		cells[0] = append(cells[0], cmp.Or(renamed[name], name))
	}
	for _, at := range slices.Sorted(maps.Keys(rows)) {
		var line []string
		for _, name := range names {
			line = append(line, rows[at][name])
		}
		cells = append(cells, line)
	}
	lines(c, cells)
	return nil
}

// lines draws cells in columns as wide as they need, or their part of that.
func lines(c draw.Canvas, cells [][]string) {
	const size, gap, high = 7.5, vg.Length(8), vg.Length(20)
	wide, all := make([]vg.Length, len(cells[0])), vg.Length(0)
	for i := range wide {
		for n := range cells {
			wide[i] = max(wide[i], widthOf(cells[n][i], size)*1.1+gap) // bold ones are wider
		}
		all += wide[i]
	}
	part := min(1, (c.Max.X-c.Min.X)/max(all, 1))
	for n, line := range cells {
		x, y := c.Min.X, c.Max.Y-10-vg.Length(n)*high
		for i, text := range line {
			write(c, x, y, fit(text, size, wide[i]*part-gap/2), size, ink, n == 0, 0, 0.4)
			x += wide[i] * part
		}
		c.StrokeLine2(draw.LineStyle{Color: rule, Width: 0.6}, c.Min.X, y-high/2, c.Max.X, y-high/2)
	}
}
