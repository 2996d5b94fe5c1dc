package main

import (
	"image/color"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is one line of a plot.
type Series struct {
	Name string
	XY   plotter.XYs
	Dots bool // not joined
}

// colors of the lines in turn; dashes tell them apart in black and white.
var colors = []color.Color{
	color.RGBA{0x1f, 0x77, 0xb4, 0xff}, color.RGBA{0xd6, 0x27, 0x28, 0xff}, color.RGBA{0xff, 0x7f, 0x0e, 0xff},
	color.RGBA{0x2c, 0xa0, 0x2c, 0xff}, color.RGBA{0x94, 0x67, 0xbd, 0xff}, color.RGBA{0x8c, 0x56, 0x4b, 0xff},
}

// glyphs are those of dots in turn.
var glyphs = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.CrossGlyph{}, draw.TriangleGlyph{}, draw.BoxGlyph{}}

// LinePlot draws each series as a line. An axis is logarithmic where its name
// is in log ("x", "y", "xy"): what is not above zero is then left out.
func LinePlot(title, x, y, log string, series ...Series) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.BackgroundColor = color.White
	p.Add(plotter.NewGrid())
	p.Legend.Top = true
	logX, logY := slices.Contains([]string{"x", "xy"}, log), slices.Contains([]string{"y", "xy"}, log)
	drawn := 0
	for i, s := range series {
		xy := slices.DeleteFunc(slices.Clone(s.XY), func(v plotter.XY) bool { return logX && v.X <= 0 || logY && v.Y <= 0 })
		if len(xy) == 0 {
			continue
		}
		drawn++
		if s.Dots {
			dots, err := plotter.NewScatter(xy)
			if err != nil {
				return nil, err
			}
			dots.Color, dots.Radius, dots.Shape = colors[i%len(colors)], vg.Points(1.5), glyphs[i%len(glyphs)]
			p.Add(dots)
			p.Legend.Add(s.Name, dots)
			continue
		}
		line, err := plotter.NewLine(xy)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = colors[i%len(colors)], vg.Points(1.5)
		if i > 0 {
			line.Dashes = []vg.Length{vg.Points(float64(3 + 3*i)), vg.Points(2)}
		}
		p.Add(line)
		p.Legend.Add(s.Name, line)
	}
	// A logarithmic axis of nothing would panic.
	if logX && drawn > 0 {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		p.X.Min, p.X.Max = decades(p.X.Min, p.X.Max)
	}
	if logY && drawn > 0 {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		p.Y.Min, p.Y.Max = decades(p.Y.Min, p.Y.Max)
	}
	return p, nil
}

// decades widens a range to whole powers of ten, at least one.
func decades(low, high float64) (float64, float64) {
	a, b := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	if a == b {
		b++
	}
	return math.Pow(10, a), math.Pow(10, b)
}

// CDF is the share, in percent, of the durations that are at most x
// milliseconds: a staircase. One of less than a microsecond is drawn there.
func CDF(name string, ds []time.Duration) Series {
	s := Series{Name: name}
	sorted := slices.Sorted(slices.Values(ds))
	for i, d := range sorted {
		x := max(ms(d), 0.001)
		s.XY = append(s.XY,
			plotter.XY{X: x, Y: 100 * float64(i) / float64(len(sorted))},
			plotter.XY{X: x, Y: 100 * float64(i+1) / float64(len(sorted))})
	}
	return s
}

// CDFPlot draws CDFs over a logarithmic axis of milliseconds.
func CDFPlot(title, x, y string, series ...Series) (*plot.Plot, error) {
	p, err := LinePlot(title, x, y, "x", series...)
	if err != nil {
		return nil, err
	}
	p.Legend.Top = false // where a staircase has not yet begun there is room
	p.Y.Min, p.Y.Max = 0, 100
	return p, nil
}
