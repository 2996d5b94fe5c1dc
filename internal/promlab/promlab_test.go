package promlab

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestPointsAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]Point{
		`[1790000000.25,"1.5"]`:  {time.UnixMilli(1790000000250), 1.5},
		`[1790000000.000,"NaN"]`: {time.UnixMilli(1790000000000), math.NaN()},
		`[1790000000,"+Inf"]`:    {time.UnixMilli(1790000000000), math.Inf(1)},
	} {
		var p, q Point
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(p)
		if err != nil || json.Unmarshal(b, &q) != nil {
			t.Errorf("%s became %s, %v", text, b, err)
		}
		for _, got := range []Point{p, q} {
			if !got.At.Equal(want.At) || got.V != want.V && !(math.IsNaN(got.V) && math.IsNaN(want.V)) {
				t.Errorf("%s is %v, want %v", text, got, want)
			}
		}
	}
	for _, text := range []string{`[1790000000,"one"]`, `["now","1"]`, `7`} {
		var p Point
		if json.Unmarshal([]byte(text), &p) == nil {
			t.Errorf("%s was taken for %v", text, p)
		}
	}
}

func TestVariablesAreExpanded(t *testing.T) {
	d := Dashboard{}
	d.Templating.List = []Variable{
		{Name: "job", Type: "query", AllValue: ".*", Query: json.RawMessage(`{"query":"label_values(vrrpx_up{a=\"b\"}, job)"}`)},
		{Name: "jobs", AllValue: ".+", Query: json.RawMessage(`"prometheus"`)},
	}
	got, err := d.Expand(`rate(x{job=~"$job",other=~"$jobs"}[$__rate_interval])`, 4*time.Second)
	if want := `rate(x{job=~".*",other=~".+"}[4000ms])`; err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if _, err := d.Expand("x{a=$none}", 0); err == nil {
		t.Error("a variable that there is not was taken")
	}
	if series, label, ok := d.Templating.List[0].LabelValues(); !ok || label != "job" || series != `vrrpx_up{a="b"}` {
		t.Errorf("%q of %q, %v", label, series, ok)
	}
	if _, _, ok := d.Templating.List[1].LabelValues(); ok {
		t.Error("a data source has label values")
	}
	q := PanelQuery{LegendFormat: "{{router}} on {{ instance }}"}
	if got := q.Legend(map[string]string{"router": "web", "instance": "lb01"}); got != "web on lb01" {
		t.Errorf("it is called %q", got)
	}
}
