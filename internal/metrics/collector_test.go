package metrics

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/vrrpx/vrrpx/stats"
)

var update = flag.Bool("update", false, "write the files of testdata anew")

func gather(t testing.TB, src Source) []*dto.MetricFamily {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(NewCollector(src))
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// exposition is the text that a scrape gets, but for the build, which differs.
func exposition(t *testing.T, src Source) string {
	t.Helper()
	var b bytes.Buffer
	for _, f := range gather(t, src) {
		if f.GetName() == "vrrpx_build_info" {
			continue
		}
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// What Prometheus sees of a daemon to which everything has happened, whole.
func TestExposition(t *testing.T) {
	const file = "testdata/exposition.txt"
	got := exposition(t, of(busy()))
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it is not that of %s (-update writes it):\n%s", file, got)
	}
}

// Every name that is described is in it: none that is documented can be forgotten.
func TestEveryMetricIsInTheExposition(t *testing.T) {
	found := map[string]bool{}
	for _, f := range gather(t, of(busy())) {
		found[f.GetName()] = true
	}
	for _, m := range all {
		if name := nameOf(m); !found[name] {
			t.Errorf("%s is described, and not in the exposition", name)
		}
	}
}

// nameOf takes the name out of what a Desc prints.
func nameOf(m *metric) string {
	_, rest, _ := strings.Cut(m.desc.String(), `fqName: "`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

func TestNamesAreByTheConventions(t *testing.T) {
	problems, err := testutil.CollectAndLint(NewCollector(of(busy())))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestHistogramIsClassicAndNative(t *testing.T) {
	var h *dto.Histogram
	for _, f := range gather(t, of(busy())) {
		if f.GetName() == "vrrpx_router_inter_arrival_seconds" {
			h = f.Metric[0].Histogram
		}
	}
	if h == nil {
		t.Fatal("there is none")
	}
	// By the middle of each power of two, 1.5 x 2^k us.
	sum := 1.5e-6 * (1 + 90000*(1<<13) + 12*(1<<14) + 3*(1<<20) + 2*(1<<31))
	if h.GetSampleCount() != 90018 || math.Abs(h.GetSampleSum()-sum) > 1e-6*sum {
		t.Errorf("count %d, sum %v", h.GetSampleCount(), h.GetSampleSum())
	}
	// 1 below the bounds, 90000 and 12 around 10 and 20 ms, 3 around a second, 2 above.
	want := map[float64]uint64{0.002048: 1, 0.008192: 1, 0.016384: 90001, 0.032768: 90013, 1.048576: 90013, 2.097152: 90016, 268.435456: 90016}
	for _, b := range h.Bucket {
		if n, ok := want[b.GetUpperBound()]; ok && n != b.GetCumulativeCount() {
			t.Errorf("le %v: %d, want %d", b.GetUpperBound(), b.GetCumulativeCount(), n)
		}
		delete(want, b.GetUpperBound())
	}
	if len(want) > 0 {
		t.Errorf("no bucket for %v", want)
	}
	if h.GetSchema() != 0 || h.GetZeroThreshold() != 0 {
		t.Errorf("schema %d, zero threshold %v", h.GetSchema(), h.GetZeroThreshold())
	}
	// Of schema 0, the bucket i ends at 2^i seconds.
	native, index, count := map[int]int64{}, 0, int64(0)
	for n, d := 0, h.GetPositiveDelta(); n < len(h.PositiveSpan); n++ {
		index += int(h.PositiveSpan[n].GetOffset())
		for range h.PositiveSpan[n].GetLength() {
			count += d[0]
			d = d[1:]
			if count > 0 {
				native[index] = count
			}
			index++
		}
	}
	for i, n := range map[int]int64{-19: 1, -6: 90000, -5: 12, 1: 3, 12: 2} {
		if native[i] != n {
			t.Errorf("native bucket %d has %d, want %d", i, native[i], n)
		}
		delete(native, i)
	}
	if len(native) > 0 {
		t.Errorf("and beside them %v", native)
	}
	if !h.GetCreatedTimestamp().AsTime().Equal(noon) {
		t.Errorf("created %v", h.GetCreatedTimestamp().AsTime())
	}
}

// A daemon whose loop hangs is not one that has gone.
func TestLoopThatDoesNotAnswer(t *testing.T) {
	for name, src := range map[string]source{
		"an error": func(context.Context) (*stats.Status, error) { return nil, errors.New("busy") },
		"silence":  func(ctx context.Context) (*stats.Status, error) { <-ctx.Done(); return nil, ctx.Err() },
		"nothing":  of(nil),
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			if got := exposition(t, src); !strings.HasSuffix(got, "# TYPE vrrpx_up gauge\nvrrpx_up 0\n") || strings.Count(got, "\n") != 3 {
				t.Errorf("%s: %s", name, got)
			}
			if took := time.Since(begin); took > patience {
				t.Errorf("%s: it took %v", name, took)
			}
		})
	}
}

// A panic in a goroutine of the registry would end the daemon.
func TestPanicIsAnErrorOfTheScrape(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(NewCollector(source(func(context.Context) (*stats.Status, error) { panic("oh") })))
	if _, err := reg.Gather(); err == nil || !strings.Contains(err.Error(), "oh") {
		t.Errorf("got %v", err)
	}
}

func TestManyScrapesTakeOneSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := NewCollector(source(func(context.Context) (*stats.Status, error) {
			asked++
			return many(1), nil
		}))
		for range 5 {
			testutil.CollectAndCount(c)
		}
		if asked != 1 {
			t.Errorf("%d snapshots at one time", asked)
		}
		time.Sleep(shared)
		testutil.CollectAndCount(c)
		if asked != 2 {
			t.Errorf("%d snapshots after %v", asked, shared)
		}
	})
}

// A file may have any bytes as a name.
func TestNamesThatAreNoUTF8(t *testing.T) {
	st := many(1)
	st.Routers[0].Name = "V\xffI \"1\"\n"
	if got := exposition(t, of(st)); !strings.Contains(got, `vrrpx_router_state{router="V�I \"1\"\n",state="master"} 1`) {
		t.Errorf("got %s", got)
	}
}

// series is how many of them Prometheus makes of a scrape that is text.
func series(t testing.TB, src Source) (n int) {
	for _, f := range gather(t, src) {
		for _, m := range f.Metric {
			n++
			if h := m.Histogram; h != nil {
				n += len(h.Bucket) + 2 // +Inf, sum and count for the one
			}
		}
	}
	return n
}

// What a host costs its Prometheus is known, and a matter of its routers alone,
// whatever the LAN sends. docs/monitoring.md has these figures.
func TestCardinality(t *testing.T) {
	none := series(t, of(many(0)))
	quiet := series(t, of(many(255)))
	most := series(t, of(worst(255)))
	t.Logf("no router: %d series, 255: %d, at the most: %d", none, quiet, most)
	if each := (quiet - none + 254) / 255; each > 65 {
		t.Errorf("%d series for each router, want at most 65", each)
	}
	if each := (most - none + 254) / 255; each > 200 {
		t.Errorf("%d series for each router that had every mishap, want at most 200", each)
	}
	doc, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{none, quiet, most} {
		if !strings.Contains(string(doc), " "+strconv.Itoa(n)+" ") {
			t.Errorf("docs/monitoring.md does not say %s", strconv.Itoa(n))
		}
	}
}
