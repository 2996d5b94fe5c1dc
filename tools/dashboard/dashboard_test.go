package main

import (
	"bytes"
	"image/png"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/promlab"
)

const file = "../../packaging/grafana/vrrpx.json"

// madeUp are answers for each query of a dashboard: two series of a minute, with a
// hole, and what is no number.
func madeUp(d *promlab.Dashboard) *Answers {
	begun := time.Unix(1_790_000_000, 0)
	a := &Answers{From: begun, To: begun.Add(time.Minute), Step: time.Second, Series: map[string][]promlab.Series{}}
	a.Events = []Event{{begun.Add(20 * time.Second), "something is done"}}
	for i := range d.Panels {
		p := &d.Panels[i]
		for j := range p.Targets {
			for n, host := range []string{"10.99.0.1:9652", "10.99.0.2:9652"} {
				s := promlab.Series{Labels: map[string]string{
					"instance": host, "router": "web", "interface": "eth0", "mode": "native", "to": "master", "reason": "master_down",
					"address": "10.99.9.1", "kind": "two_masters", "le": []string{"0.131072", "+Inf"}[n],
				}}
				for t := range 60 {
					v := float64(1 + (n+t/20)%2)
					if t == 7 {
						v = math.NaN()
					}
					if t < 30 || t > 35 {
						s.Points = append(s.Points, promlab.Point{At: begun.Add(time.Duration(t+1) * time.Second), V: v})
					}
				}
				k := key(p, &p.Targets[j])
				a.Series[k] = append(a.Series[k], s)
			}
		}
	}
	return a
}

// Each panel of the dashboard is one that can be drawn, and answers make a difference
// in it.
func TestEveryPanelIsDrawn(t *testing.T) {
	d, err := promlab.ReadDashboard(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	full, err := Draw(d, madeUp(d))
	if err != nil {
		t.Fatal(err)
	}
	a := madeUp(d)
	a.Series = nil
	empty, err := Draw(d, a)
	if err != nil {
		t.Fatal(err)
	}
	with, err := png.Decode(bytes.NewReader(full))
	if err != nil {
		t.Fatal(err)
	}
	without, err := png.Decode(bytes.NewReader(empty))
	if err != nil {
		t.Fatal(err)
	}
	if with.Bounds() != without.Bounds() {
		t.Fatalf("%v, and without answers %v", with.Bounds(), without.Bounds())
	}
	// Pixels by length: the picture is as many of them as it has columns.
	px := float64(with.Bounds().Dx()) / float64(columns*column)
	for _, p := range d.Panels {
		if p.Type == "row" {
			continue
		}
		different, g := 0, p.GridPos
		x0, x1 := float64(g.X)*float64(column)*px, float64(g.X+g.W)*float64(column)*px
		y0, y1 := (float64(head)+float64(g.Y)*float64(row))*px, (float64(head)+float64(g.Y+g.H)*float64(row))*px
		for x := int(x0); x < int(x1); x++ {
			for y := int(y0); y < int(y1); y++ {
				if with.At(x, y) != without.At(x, y) {
					different++
				}
			}
		}
		if different < 500 {
			t.Errorf("of panel %q %d pixels show what was answered", p.Title, different)
		}
	}
}

func TestPanelThatIsNotKnown(t *testing.T) {
	d := &promlab.Dashboard{Panels: []promlab.Panel{{Type: "piechart", Title: "Pie"}}}
	d.Panels[0].GridPos.W, d.Panels[0].GridPos.H = 8, 8
	if _, err := Draw(d, madeUp(d)); err == nil {
		t.Error("a panel of an unknown type was drawn")
	}
}
