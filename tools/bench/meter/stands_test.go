package meter

import (
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

func at(n int) vrrp.Instant { return vrrp.Instant(time.Duration(n) * time.Millisecond) }

func stand(cpu, from, to int) Stand { return Stand{CPU: cpu, From: at(from), To: at(to)} }

func doubtful(s Stand) Stand { s.Doubtful = true; return s }

func steal(cpu, from, to, ms int) Steal {
	return Steal{cpu, at(from), at(to), time.Duration(ms) * time.Millisecond}
}

func TestWhoMadeAProcessorStand(t *testing.T) {
	for _, c := range []struct {
		name   string
		stands []Stand
		steals []Steal
		want   []Cause // in the order of their ends
	}{
		{"all of it was stolen", []Stand{stand(0, 100, 140)}, []Steal{steal(0, 90, 140, 40)}, []Cause{ByHost}},
		{"entered after it", []Stand{stand(0, 100, 140)}, []Steal{steal(0, 145, 195, 40)}, []Cause{ByHost}},
		{"entered long after", []Stand{stand(0, 100, 140)}, []Steal{steal(0, 160, 210, 40)}, []Cause{ByOthers}},
		{"stolen from another", []Stand{stand(0, 100, 140)}, []Steal{steal(1, 90, 140, 40)}, []Cause{ByOthers}},
		{"a tick of it was stolen", []Stand{stand(0, 100, 140)}, []Steal{steal(0, 90, 140, 10)}, []Cause{ByOthers}},
		{"nothing was stolen", []Stand{stand(0, 100, 140)}, nil, []Cause{ByOthers}},
		{"shorter than a tick", []Stand{stand(0, 100, 107)}, []Steal{steal(0, 90, 140, 10)}, []Cause{ByHost}},
		{"both, nothing was stolen", []Stand{stand(0, 100, 140), stand(1, 102, 141)}, nil, []Cause{Together, Together}},
		{"both, one was stolen", []Stand{stand(0, 100, 140), stand(1, 102, 141)}, []Steal{steal(0, 90, 150, 40)}, []Cause{ByHost, Together}},
		{"both, one for longer", []Stand{stand(0, 100, 140), stand(1, 100, 151)}, nil, []Cause{ByOthers, ByOthers}},
		{"both, one from before", []Stand{stand(0, 100, 140), stand(1, 90, 140)}, nil, []Cause{ByOthers, ByOthers}},
		{"one twice", []Stand{stand(0, 100, 140), stand(0, 102, 141)}, nil, []Cause{ByOthers, ByOthers}},
		{"one that may be none", []Stand{doubtful(stand(0, 100, 140))}, nil, nil},
		{"and that was stolen", []Stand{doubtful(stand(0, 100, 140))}, []Steal{steal(0, 90, 150, 40)}, []Cause{ByHost}},
		{"and beside another", []Stand{doubtful(stand(0, 100, 140)), stand(1, 102, 141)}, nil, []Cause{Together, Together}},
		{"two in one reading, one stolen", []Stand{stand(0, 100, 140), stand(0, 142, 242)}, []Steal{steal(0, 90, 260, 40)}, []Cause{ByOthers, ByOthers}},
		{"two in one reading, both stolen", []Stand{stand(0, 142, 242), stand(0, 100, 140)}, []Steal{steal(0, 90, 260, 130)}, []Cause{ByHost, ByHost}},
	} {
		var got []Cause
		for _, s := range Blame(c.stands, c.steals, []int{0, 1}).All {
			got = append(got, s.Cause)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// host is stands that are all the host's, of two processors.
func host(stands ...Stand) Stands {
	for i := range stands {
		stands[i].Cause = ByHost
	}
	return Stands{stands, []int{0, 1}}
}

func TestExcusesOfALongGap(t *testing.T) {
	others := Stands{[]Stand{stand(0, 110, 150), stand(1, 110, 150)}, []int{0, 1}}
	whole := host(stand(0, 110, 150), stand(1, 110, 150))
	for i := range whole.All {
		whole.All[i].Cause = Together
	}
	for _, c := range []struct {
		name        string
		stands      Stands
		every, some int // ms
		want        Excuse
	}{
		{"nobody stood", host(), 0, 0, NoExcuse},
		{"all stood", host(stand(0, 110, 150), stand(1, 110, 150)), 40, 40, EveryHeld},
		{"one stood", host(stand(0, 110, 150)), 0, 40, SomeHeld},
		{"one after the other", host(stand(0, 110, 130), stand(1, 130, 150)), 0, 40, SomeHeld},
		{"they overlapped too little", host(stand(0, 105, 130), stand(1, 125, 150)), 5, 45, SomeHeld},
		{"too short", host(stand(0, 110, 120), stand(1, 110, 120)), 10, 10, NoExcuse},
		{"several short ones", host(stand(0, 110, 120), stand(1, 110, 120), stand(0, 130, 145), stand(1, 130, 145)), 25, 25, EveryHeld},
		{"another time", host(stand(0, 10, 99), stand(1, 161, 200)), 0, 0, NoExcuse},
		{"the whole machine", whole, 40, 40, EveryHeld},
		{"not the host's", others, 0, 0, NoExcuse},
		{"from before to after", host(stand(0, 10, 999), stand(1, 10, 999)), 60, 60, EveryHeld},
	} {
		every, some := c.stands.Held(at(100), at(160))
		if got := c.stands.Excuse(at(100), at(160), 36*time.Millisecond); got != c.want || every != time.Duration(c.every)*time.Millisecond || some != time.Duration(c.some)*time.Millisecond {
			t.Errorf("%s: %v, every %v, some %v", c.name, got, every, some)
		}
	}
}

// A master (host 0) that is held, or whose backup is deaf, loses its place for
// 100 ms and comes back.
func TestExcusesOfATransition(t *testing.T) {
	const down = 36 * time.Millisecond
	every := func(host, from, to int) (ads []Advert) {
		for ; from <= to; from += 10 {
			ads = append(ads, Advert{at(from), host, 100})
		}
		return ads
	}
	silent := slices.Concat(every(0, 10, 1000), every(1, 1060, 1160), every(0, 1165, 2000))
	deaf := slices.Concat(every(0, 10, 1000), every(1, 1005, 1105), every(0, 1141, 2000))
	long := LongGaps([]vrrp.Instant{at(5), at(10), at(20), at(80)}, at(8), at(120), down)
	if want := []Silence{{at(20), at(80)}, {at(80), at(120)}}; !slices.Equal(long, want) {
		t.Errorf("long gaps: %v", long)
	}
	for _, c := range []struct {
		name   string
		ads    []Advert
		stands Stands
		want   []Excuse
	}{
		{"well", every(0, 10, 1000), host(), nil},
		{"silent, nobody stood", silent, host(), []Excuse{NoExcuse, NoExcuse}},
		{"silent, all stood", silent, host(stand(0, 1005, 1050), stand(1, 1005, 1050)), []Excuse{EveryHeld, EveryHeld}},
		{"silent, one stood", silent, host(stand(1, 1005, 1050)), []Excuse{SomeHeld, SomeHeld}},
		{"silent, stood as it came back", silent, host(stand(0, 1100, 1160), stand(1, 1100, 1160)), []Excuse{NoExcuse, NoExcuse}},
		{"deaf, one stood", deaf, host(stand(0, 970, 1000)), []Excuse{SomeHeld, SomeHeld}},
		{"deaf, nobody stood", deaf, host(stand(0, 900, 940)), []Excuse{NoExcuse, NoExcuse}},
	} {
		changes := ChangesOf(c.ads, down)
		if n := HoldingOf(c.ads, down).Transitions; n != len(changes) {
			t.Errorf("%s: %d changes, %d transitions", c.name, len(changes), n)
		}
		if got := c.stands.ExcuseChange(changes, 0, down); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
