package main

import (
	"image/color"
	"math"
	"time"

	"github.com/vrrpx/vrrpx/internal/promlab"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// line is a series of a panel.
type line struct {
	name  string
	color color.RGBA
	right bool // by the axis on the right
	at    []promlab.Point
}

// linesOf are those of all queries of a panel, but for values that are no numbers.
func linesOf(p *promlab.Panel, a *Answers) (lines []line, right string) {
	for i := range p.Targets {
		q := &p.Targets[i]
		onRight := false
		for _, o := range p.FieldConfig.Overrides {
			if o.Matcher.ID == "byFrameRefID" && o.Matcher.Options == q.RefID {
				for _, property := range o.Properties {
					switch v, _ := property.Value.(string); property.ID {
					case "unit":
						right = v
					case "custom.axisPlacement":
						onRight = v == "right"
					}
				}
			}
		}
		for _, s := range a.Series[key(p, q)] {
			l := line{name: q.Legend(s.Labels), color: palette[len(lines)%len(palette)], right: onRight}
			for _, pt := range s.Points {
				if !math.IsNaN(pt.V) && !math.IsInf(pt.V, 0) {
					l.at = append(l.at, pt)
				}
			}
			lines = append(lines, l)
		}
	}
	return lines, right
}

func timeSeries(c draw.Canvas, p *promlab.Panel, a *Answers) error {
	lines, rightUnit := linesOf(p, a)
	legend := legendOf(c, lines)
	f := &p.FieldConfig.Defaults
	stacked := f.Custom.Stacking.Mode == "normal"
	data := area(c, c.Min.X+44, c.Min.Y+legend+16, c.Max.X-4, c.Max.Y-2)
	if rightUnit != "" {
		data.Max.X -= 44
	}
	x := times(data, a)
	y := vertical(data, f, lines, stacked, false)
	for _, t := range (plot.DefaultTicks{}).Ticks(y.min, y.max) {
		if t.IsMinor() {
			continue
		}
		at := y.at(t.Value)
		data.StrokeLine2(draw.LineStyle{Color: rule, Width: 0.6}, data.Min.X, at, data.Max.X, at)
		write(data, data.Min.X-4, at, unit(t.Value, f.Unit), 7, faint, false, 1, 0.4)
	}
	yRight := y
	if rightUnit != "" {
		yRight = vertical(data, &promlab.Field{Min: f.Min}, lines, false, true)
		for _, t := range (plot.DefaultTicks{}).Ticks(yRight.min, yRight.max) {
			if !t.IsMinor() {
				write(data, data.Max.X+4, yRight.at(t.Value), unit(t.Value, rightUnit), 7, faint, false, 0, 0.4)
			}
		}
	}
	if f.Custom.ThresholdsStyle.Mode == "area" {
		thresholds(data, f, y)
	}
	marks(data, x, a)
	if len(lines) == 0 {
		write(data, data.Center().X, data.Center().Y, "No data", 9, faint, false, 0.5, 0.5)
	}
	below := map[time.Time]float64{}
	for _, l := range lines {
		on := y
		if l.right {
			on = yRight
		}
		if f.Custom.DrawStyle == "bars" {
			bars(data, x, on, l, a.Step, stacked, below)
		} else {
			joined(data, x, on, l, a.Step, f.Custom.LineInterpolation == "stepAfter", stacked, below)
		}
	}
	return nil
}

// vertical is the scale of one side.
func vertical(c draw.Canvas, f *promlab.Field, lines []line, stacked, right bool) scale {
	s := scale{math.Inf(1), math.Inf(-1), c.Min.Y, c.Max.Y}
	sums := map[time.Time]float64{}
	for _, l := range lines {
		for _, pt := range l.at {
			if l.right != right {
				continue
			}
			v := pt.V
			if stacked {
				sums[pt.At] += v
				v = sums[pt.At]
			}
			s.min, s.max = min(s.min, v), max(s.max, v)
		}
	}
	if s.min > s.max {
		s.min, s.max = 0, 1
	}
	s.max += (s.max - s.min) / 20
	if f.Min != nil {
		s.min = *f.Min
	}
	if f.Max != nil {
		s.max = *f.Max
	}
	if s.max <= s.min {
		s.max = s.min + 1
	}
	return s
}

func thresholds(c draw.Canvas, f *promlab.Field, y scale) {
	steps := f.Thresholds.Steps
	for i, s := range steps {
		shade := named[s.Color]
		if s.Value == nil || shade.A == 0 || *s.Value >= y.max {
			continue
		}
		to := y.max
		if i+1 < len(steps) && steps[i+1].Value != nil {
			to = min(to, *steps[i+1].Value)
		}
		fill(area(c, c.Min.X, y.at(*s.Value), c.Max.X, y.at(to)), pale(shade, 0.15))
	}
}

// pale is a colour that lies on white with this opacity.
func pale(c color.RGBA, opacity float64) color.Color {
	mix := func(v uint8) uint8 { return uint8(255 - (255-float64(v))*opacity) }
	return color.RGBA{mix(c.R), mix(c.G), mix(c.B), 0xff}
}

func bars(c draw.Canvas, x, y scale, l line, step time.Duration, stacked bool, below map[time.Time]float64) {
	half := (x.at(x.min+step.Seconds()) - x.from) * 0.4
	for _, pt := range l.at {
		from := 0.0
		if stacked {
			from = below[pt.At]
			below[pt.At] += pt.V
		}
		at := x.at(seconds(pt.At))
		fill(area(c, at-half, y.at(max(from, y.min)), at+half, y.at(from+pt.V)), l.color)
	}
}

// joined draws a line, with a hole where points are missing.
func joined(c draw.Canvas, x, y scale, l line, step time.Duration, steps, stacked bool, below map[time.Time]float64) {
	var path []vg.Point
	flush := func() {
		if len(path) == 1 {
			c.DrawGlyph(draw.GlyphStyle{Color: l.color, Radius: 1.2, Shape: draw.CircleGlyph{}}, path[0])
		} else if len(path) > 1 {
			c.StrokeLines(draw.LineStyle{Color: l.color, Width: 1.2}, path)
		}
		path = nil
	}
	for i, pt := range l.at {
		v := pt.V
		if stacked {
			below[pt.At] += v
			v = below[pt.At]
		}
		at := vg.Point{X: x.at(seconds(pt.At)), Y: y.at(max(y.min, min(v, y.max)))}
		if i > 0 && pt.At.Sub(l.at[i-1].At) > step*3/2 {
			flush()
		} else if steps && len(path) > 0 {
			path = append(path, vg.Point{X: at.X, Y: path[len(path)-1].Y})
		}
		path = append(path, at)
	}
	flush()
}

// legendOf writes the names of lines at the bottom, and says how high that is.
func legendOf(c draw.Canvas, lines []line) (height vg.Length) {
	const size, high = 7.5, vg.Length(12)
	type item struct {
		line
		x vg.Length
		n int
	}
	var items []item
	x, n := c.Min.X, 0
	for _, l := range lines {
		l.name = fit(l.name, size, c.Max.X-c.Min.X-16)
		w := 14 + widthOf(l.name, size) + 10
		if x > c.Min.X && x+w > c.Max.X {
			x, n = c.Min.X, n+1
		}
		items = append(items, item{l, x, n})
		x += w
	}
	if len(items) == 0 {
		return 0
	}
	for _, it := range items {
		y := c.Min.Y + high*vg.Length(n-it.n) + high/2
		fill(area(c, it.x, y-1.5, it.x+10, y+1.5), it.color)
		write(c, it.x+14, y, it.name, size, ink, false, 0, 0.4)
	}
	return high * vg.Length(n+1)
}
