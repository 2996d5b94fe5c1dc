package meter

import (
	"reflect"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

const ms = time.Millisecond

func instants(at ...time.Duration) (is []vrrp.Instant) {
	for _, d := range at {
		is = append(is, vrrp.Instant(d))
	}
	return is
}

func TestPercentileIsAMeasuredValue(t *testing.T) {
	ds := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for p, want := range map[float64]time.Duration{0: 1, 50: 5, 51: 6, 90: 9, 99: 10, 100: 10} {
		if got := Percentile(ds, p); got != want {
			t.Errorf("p%v of 1 to 10: %d, want %d", p, got, want)
		}
	}
	var thousand []time.Duration
	for i := range time.Duration(1000) {
		thousand = append(thousand, i+1)
	}
	if got := Percentile(thousand, 99.9); got != 999 {
		t.Errorf("p99.9 of 1 to 1000: %d", got)
	}
	if got := SpreadOf(nil); got != (Spread{}) {
		t.Errorf("of nothing: %+v", got)
	}
	if got, want := SpreadOf([]time.Duration{3, 1, 2}), (Spread{3, 2, 3, 3, 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestGapsIncludeTheSilenceAtBothEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		at   []vrrp.Instant
		want []time.Duration
	}{
		{"nobody", nil, []time.Duration{100 * ms}},
		{"outside", instants(90*ms, 201*ms), []time.Duration{100 * ms}},
		{"even", instants(90*ms, 110*ms, 150*ms, 205*ms), []time.Duration{10 * ms, 40 * ms, 50 * ms}},
	} {
		if got := GapsBetween(c.at, vrrp.Instant(100*ms), vrrp.Instant(200*ms)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	g := GapsOf([]time.Duration{10 * ms, 15 * ms, 15*ms + 1, 36 * ms, 36*ms - 1}, 10*ms, 36*ms)
	if g.Late != 3 || g.Beyond != 1 || g.Max != 36*ms {
		t.Errorf("%+v", g)
	}
}

func TestHistogramHasNoEmptySteps(t *testing.T) {
	got := Histogram([]time.Duration{10 * ms, 10*ms + 99*time.Microsecond, 9*ms + 999*time.Microsecond, 40 * ms}, ms/10)
	want := []Bucket{{9*ms + 900*time.Microsecond, 1}, {10 * ms, 2}, {40 * ms, 1}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// every makes a host's adverts from one time to another, both included.
func every(interval time.Duration, host int, from, to time.Duration) (ads []Advert) {
	for at := from; at <= to; at += interval {
		ads = append(ads, Advert{vrrp.Instant(at), host, uint8(200 - 100*host)})
	}
	return ads
}

func merge(lists ...[]Advert) (ads []Advert) {
	for _, l := range lists {
		ads = append(ads, l...)
	}
	for i := range ads {
		for j := i; j > 0 && ads[j].At < ads[j-1].At; j-- {
			ads[j], ads[j-1] = ads[j-1], ads[j]
		}
	}
	return ads
}

func TestHoldingIsReadFromTheWire(t *testing.T) {
	const down = 36 * ms
	for _, c := range []struct {
		name string
		ads  []Advert
		want Holding
	}{
		{"nothing", nil, Holding{}},
		{"one master", every(10*ms, 0, 10*ms, 500*ms), Holding{}},
		{"a stall that nobody used", merge(every(10*ms, 0, 10*ms, 100*ms), every(10*ms, 0, 200*ms, 300*ms)), Holding{Silent: 64 * ms}},
		{"a clean takeover", merge(every(10*ms, 0, 10*ms, 100*ms), every(10*ms, 1, 137*ms, 300*ms)), Holding{Transitions: 1, Silent: ms}},
		{"and back", merge(every(10*ms, 0, 10*ms, 100*ms), every(10*ms, 1, 136*ms, 206*ms), every(10*ms, 0, 212*ms, 300*ms)), Holding{Transitions: 2}},
		{"a lone advert on waking", merge(every(10*ms, 0, 10*ms, 100*ms), every(10*ms, 1, 136*ms, 506*ms), every(10*ms, 0, 300*ms, 300*ms)),
			Holding{Transitions: 2, BothAdverts: 1}},
		{"two at once", merge(every(10*ms, 0, 10*ms, 200*ms), every(10*ms, 1, 105*ms, 145*ms)), Holding{Transitions: 1, Both: 40 * ms, BothAdverts: 9}},
		{"a farewell", append(every(10*ms, 0, 10*ms, 100*ms), Advert{vrrp.Instant(101 * ms), 0, 0}, Advert{vrrp.Instant(102 * ms), 1, 100}), Holding{Transitions: 1}},
	} {
		if got := HoldingOf(c.ads, down); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestTakeoversAreJudgedByTheMastersLastAdvert(t *testing.T) {
	const down = 36 * ms
	up := every(10*ms, 0, 10*ms, 100*ms)
	again := every(10*ms, 0, 300*ms, 400*ms)
	for _, c := range []struct {
		name string
		ads  []Advert
		want Takeovers
	}{
		{"in time", merge(up, every(10*ms, 1, 137*ms, 297*ms), again), Takeovers{Late: []time.Duration{ms}}},
		{"the stamps a little early", merge(up, every(10*ms, 1, 136*ms-ms/2, 290*ms), again), Takeovers{Late: []time.Duration{-ms / 2}}},
		{"never", merge(up, again), Takeovers{Missed: 1}},
		{"no time to", merge(up, every(10*ms, 0, 249*ms, 300*ms)), Takeovers{}},
		{"twice, and once more after its end", merge(up, every(10*ms, 1, 137*ms, 297*ms), again, every(10*ms, 1, 438*ms, 490*ms), every(10*ms, 0, 500*ms, 500*ms), every(10*ms, 1, 540*ms, 590*ms)), Takeovers{Late: []time.Duration{ms, 2 * ms}}},
		{"false", merge(up, every(10*ms, 1, 55*ms, 75*ms)), Takeovers{False: 1, FalseAt: []vrrp.Instant{vrrp.Instant(55 * ms)}}},
		{"too early, and on until the deadline has passed", merge(up, every(10*ms, 1, 120*ms, 290*ms), again), Takeovers{False: 1, FalseAt: []vrrp.Instant{vrrp.Instant(120 * ms)}, Late: []time.Duration{4 * ms}}},
		{"it yields late: no new term", merge(up, every(10*ms, 1, 137*ms, 317*ms), again), Takeovers{Late: []time.Duration{ms}}},
		{"the last silence is open", up, Takeovers{}},
	} {
		if got := TakeoversOf(c.ads, 0, 1, down, 150*ms); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
