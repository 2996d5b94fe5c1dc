package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"time"

	"github.com/vrrpx/vrrpx/internal/promlab"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// The grid is Grafana's of 24 columns; lengths are points, and an inch has dpi pixels.
const (
	columns = 24
	column  = vg.Length(46)
	row     = vg.Length(32)
	between = vg.Length(6)
	head    = vg.Length(52) // the title above the grid
	dpi     = 110
)

var (
	page    = color.RGBA{0xf4, 0xf5, 0xf5, 0xff}
	frame   = color.RGBA{0xd5, 0xd6, 0xd8, 0xff}
	ink     = color.RGBA{0x24, 0x29, 0x2e, 0xff}
	faint   = color.RGBA{0x6e, 0x70, 0x7a, 0xff}
	rule    = color.RGBA{0xe6, 0xe7, 0xe9, 0xff}
	palette = []color.RGBA{
		{0x56, 0xa6, 0x4b, 0xff}, {0xf2, 0xcc, 0x0c, 0xff}, {0x32, 0x74, 0xd9, 0xff}, {0xff, 0x78, 0x0a, 0xff},
		{0xe0, 0x2f, 0x44, 0xff}, {0xa3, 0x52, 0xcc, 0xff}, {0x70, 0x6c, 0x61, 0xff}, {0x1f, 0x9e, 0x9e, 0xff},
	}
	named = map[string]color.RGBA{
		"green": {0x73, 0xbf, 0x69, 0xff}, "blue": {0x57, 0x94, 0xf2, 0xff}, "red": {0xf2, 0x49, 0x5c, 0xff},
		"orange": {0xff, 0x98, 0x30, 0xff}, "text": {0xc0, 0xc2, 0xc8, 0xff}, "transparent": {},
	}
)

// Draw draws the panels of a dashboard as a PNG. A type of panel that it does not know
// is an error.
func Draw(d *promlab.Dashboard, a *Answers) ([]byte, error) {
	rows := 0
	for _, p := range d.Panels {
		rows = max(rows, p.GridPos.Y+p.GridPos.H)
	}
	width, height := columns*column, vg.Length(rows)*row+head
	img := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(page))
	c := draw.New(img)
	heading(c, d, a)
	for i := range d.Panels {
		p := &d.Panels[i]
		x, top := vg.Length(p.GridPos.X)*column, height-head-vg.Length(p.GridPos.Y)*row
		box := area(c, x+between/2, top-vg.Length(p.GridPos.H)*row+between/2, x+vg.Length(p.GridPos.W)*column-between/2, top-between/2)
		if p.Type == "row" {
			write(box, box.Min.X+2, box.Center().Y, "▾ "+p.Title, 11, ink, true, 0, 0.5)
			continue
		}
		if err := drawPanel(box, p, a); err != nil {
			return nil, fmt.Errorf("panel %q: %w", p.Title, err)
		}
	}
	var png bytes.Buffer
	_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(&png)
	return png.Bytes(), err
}

func heading(c draw.Canvas, d *promlab.Dashboard, a *Answers) {
	top := c.Max.Y - 16
	write(c, between, top, d.Title, 14, ink, true, 0, 0.5)
	write(c, c.Max.X-between, top, "drawn by tools/dashboard from the answers of Prometheus, not by Grafana", 9, faint, false, 1, 0.5)
	said := "Dotted lines:"
	for i, e := range a.Events {
		if i > 0 {
			said += ","
		}
		said += fmt.Sprintf(" %s %s", e.At.UTC().Format(clock), e.Text)
	}
	write(c, between, top-20, said+".", 9, faint, false, 0, 0.5)
}

const clock = "15:04:05"

func drawPanel(box draw.Canvas, p *promlab.Panel, a *Answers) error {
	fill(box, color.White)
	outline(box, frame)
	write(box, box.Min.X+8, box.Max.Y-11, p.Title, 9, ink, true, 0, 0.5)
	inner := area(box, box.Min.X+8, box.Min.Y+6, box.Max.X-8, box.Max.Y-22)
	switch p.Type {
	case "timeseries":
		return timeSeries(inner, p, a)
	case "state-timeline":
		return timeline(inner, p, a)
	case "stat":
		return stat(inner, p, a)
	case "heatmap":
		return heatmap(inner, p, a)
	case "table":
		return table(inner, p, a)
	}
	return fmt.Errorf("what a %s looks like is not known", p.Type)
}

// area is a part of a canvas.
func area(c draw.Canvas, x0, y0, x1, y1 vg.Length) draw.Canvas {
	c.Rectangle = vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x1, Y: y1}}
	return c
}

func fill(c draw.Canvas, with color.Color) {
	c.FillPolygon(with, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
}

func outline(c draw.Canvas, with color.Color) {
	c.StrokeLines(draw.LineStyle{Color: with, Width: 0.8}, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}, c.Min})
}

func style(size float64, ink color.Color, bold bool) text.Style {
	f := font.Font{Typeface: plot.DefaultFont.Typeface, Variant: "Sans", Size: vg.Points(size)}
	if bold {
		f.Weight = 3 // bold: golang.org/x/image/font.WeightBold
	}
	return text.Style{Color: ink, Font: f, Handler: plot.DefaultTextHandler}
}

// write puts a text so that the point is this part of its width and height into it.
func write(c draw.Canvas, x, y vg.Length, s string, size float64, ink color.Color, bold bool, part, up float64) {
	st := style(size, ink, bold)
	st.XAlign, st.YAlign = text.XAlignment(-part), text.YAlignment(-up)
	c.FillText(st, vg.Point{X: x, Y: y}, s)
}

// widthOf is how wide a text is.
func widthOf(s string, size float64) vg.Length { return style(size, ink, false).Width(s) }

// fit cuts a text that is too wide.
func fit(s string, size float64, width vg.Length) string {
	if widthOf(s, size) <= width {
		return s
	}
	r := []rune(s)
	for len(r) > 1 && widthOf(string(r)+"…", size) > width {
		r = r[:len(r)-1]
	}
	return string(r) + "…"
}

// scale maps values to places.
type scale struct {
	min, max float64
	from, to vg.Length
}

func (s scale) at(v float64) vg.Length {
	return s.from + vg.Length((v-s.min)/(s.max-s.min))*(s.to-s.from)
}

// times is the scale of the time, in seconds, of a picture, and its axis with the
// events.
func times(c draw.Canvas, a *Answers) scale {
	s := scale{seconds(a.From), seconds(a.To), c.Min.X, c.Max.X}
	every := 15 * time.Second
	for t := a.From.Truncate(every).Add(every); t.Before(a.To); t = t.Add(every) {
		x := s.at(seconds(t))
		c.StrokeLine2(draw.LineStyle{Color: rule, Width: 0.6}, x, c.Min.Y, x, c.Max.Y)
		write(c, x, c.Min.Y-7, t.UTC().Format(clock), 7, faint, false, 0.5, 0.5)
	}
	return s
}

// marks draws the events.
func marks(c draw.Canvas, s scale, a *Answers) {
	for _, e := range a.Events {
		x := s.at(seconds(e.At))
		c.StrokeLine2(draw.LineStyle{Color: faint, Width: 0.7, Dashes: []vg.Length{1.5, 2.5}}, x, c.Min.Y, x, c.Max.Y)
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// unit writes a value as Grafana would.
func unit(v float64, name string) string {
	short := func(v float64) string {
		if v == math.Trunc(v) {
			return fmt.Sprintf("%.0f", v)
		}
		return fmt.Sprintf("%.3g", v)
	}
	switch name {
	case "percentunit":
		return short(v*100) + "%"
	case "s":
		if v != 0 && math.Abs(v) < 1 {
			return short(v*1000) + " ms"
		}
		return short(v) + " s"
	case "cps":
		return short(v) + " c/s"
	case "bytes":
		return short(v/(1<<20)) + " MiB"
	}
	return short(v)
}
