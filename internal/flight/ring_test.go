package flight

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Whatever the machine was stepped with, and however small the ring: what is read
// begins with a keyframe, lacks nothing to the end, and does the same again.
func TestRingReplays(t *testing.T) {
	steps, late := 0, 0
	for seed := range uint64(40) {
		rng := newRand(seed)
		p := newPilot(base(), Least<<rng.IntN(3))
		p.fly(rng, 50+rng.IntN(2000))
		records, err := Read(p.ring.Copy(nil))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !records[0].keyframe() || records[len(records)-1].Seq != p.ring.seq {
			t.Fatalf("seed %d: the records are %d to %d of %d", seed, records[0].Seq, records[len(records)-1].Seq, p.ring.seq)
		}
		if records[0].Seq > 1 {
			late++
		}
		back := len(p.done)
		for i := len(records) - 1; i >= 0; i-- {
			if r := records[i]; !r.keyframe() {
				back--
				if want := p.done[back]; !same(&r, &want) {
					t.Fatalf("seed %d: record %d is\n%+v\nwant\n%+v", seed, r.Seq, r, want)
				}
			}
		}
		res, err := Replay(&Capture{Router: "r", Records: records})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		steps += res.Steps
	}
	if steps < 1000 || late == 0 {
		t.Errorf("%d steps, %d rings that had gone round: the test does not reach them", steps, late)
	}
}

// same compares what is recorded of two steps.
func same(a, b *Record) bool {
	var x, y encoder
	x.input(a.Input)
	x.effects(a.Effects, a.Input)
	y.input(b.Input)
	y.effects(b.Effects, b.Input)
	return a.At == b.At && a.Done == b.Done && bytes.Equal(x.b, y.b)
}

// Each kind of input comes back as it was, but for the password.
func TestInputsComeBack(t *testing.T) {
	for _, in := range kinds {
		var e encoder
		e.record(&Record{Seq: 1, At: 5, Done: 7, Input: in})
		r, err := record(e.b)
		if err != nil || !reflect.DeepEqual(r.Input, in) || r.At != 5 || r.Done != 7 {
			t.Errorf("%T%+v came back as %+v, %v", in, in, r, err)
		}
		if text := inputText(in); strings.HasPrefix(text, "vrrp.") {
			t.Errorf("%T has no words: %q", in, text)
		}
	}
	a := advert(other, 200)
	a.Version, a.Auth, a.AuthData = 2, vrrp.AuthPass, [8]byte([]byte("password"))
	var e encoder
	e.record(&Record{Seq: 1, Input: vrrp.Heard{Advert: a}})
	if bytes.Contains(e.b, []byte("pass")) {
		t.Error("the password is recorded")
	}
}

// The bytes of a record are those of files that exist: they do not change.
func TestGoldenRecord(t *testing.T) {
	var e encoder
	e.record(&Record{Seq: 300, At: 1000, Done: 1003, Input: vrrp.Heard{Advert: advert(other, 200)}, Effects: []vrrp.Effect{
		vrrp.Transition{From: vrrp.Master, To: vrrp.Backup, Reason: vrrp.Reason{Code: vrrp.ReasonBetterMaster, Src: other, Priority: 200}},
		vrrp.ReleaseVIPs{},
		vrrp.Note{Kind: vrrp.NoteAddrsDiffer, Advert: advert(other, 200)},
	}})
	want := []byte{
		1, 0xac, 2, 0xd0, 0x0f, 6, // step 300 at 1000, 3 later
		4, 3, 51, 200, 0, 0x80, 0xa8, 0xd6, 0xb9, 0x07, // heard: version 3, VRID 51, priority 200, no auth, 1e9 ns
		1, 10, 0, 0, 10, 2, 0, 0, 0, 0, 6, // from and by
		2, 1, 10, 0, 0, 100, // one address
		3,                                         // effects
		1, 2, 1, 6, 200, 1, 10, 0, 0, 10, 0, 0, 0, // MASTER to BACKUP, better_master
		4,    // releases
		7, 2, // a note of the advert
	}
	if !bytes.Equal(e.b, want) {
		t.Errorf("the record is\n%x\nwant\n%x", e.b, want)
	}
}

// The loop must not allocate: each allocation is a garbage collection some day.
func TestRecordingAllocatesNothing(t *testing.T) {
	p := newPilot(base(), Least)
	p.m.Step(t0, vrrp.Fault{Cause: "link down", Active: true}, nil)
	p.fly(newRand(1), 1000) // it has gone round
	heard := vrrp.Input(vrrp.Heard{Advert: advert(other, 200)})
	out := []vrrp.Effect{
		vrrp.Transition{Reason: vrrp.Reason{Cause: "a cause"}}, vrrp.SendAdvert{}, vrrp.TakeVIPs{}, vrrp.Announce{},
		vrrp.Note{Advert: advert(other, 200)}, vrrp.Note{Advert: advert(other, 1)}, vrrp.AskTakeover{},
	}
	before := p.ring.seq
	if n := testing.AllocsPerRun(2000, func() { p.ring.Step(t0, t0, p.m, heard, out) }); n > 0 {
		t.Errorf("%v allocations a record", n)
	}
	if keys := p.ring.seq - before - 2001; keys < 10 {
		t.Errorf("%d keyframes among them: the test does not reach them", keys)
	}
	for _, in := range kinds {
		if n := testing.AllocsPerRun(100, func() { p.ring.Step(t0, t0, p.m, in, nil) }); n > 0 {
			t.Errorf("%v allocations for %T", n, in)
		}
	}
	room := make([]byte, 0, p.ring.Len())
	if n := testing.AllocsPerRun(10, func() { room = p.ring.Copy(room[:0]) }); n > 0 {
		t.Errorf("%v allocations a copy", n)
	}
}

// A ring that is not there records nothing.
func TestNoRing(t *testing.T) {
	var r *Ring
	r.Begin(t0, vrrp.New(base()))
	r.Step(t0, t0, nil, vrrp.Timer{}, nil)
	if r.Copy(nil) != nil || r.Len()+r.Cap() != 0 || r.Lost() != 0 {
		t.Error("it has something")
	}
}

// A record longer than the ring is counted, and what comes after it begins anew.
func TestRecordTooLongForTheRing(t *testing.T) {
	p := newPilot(base(), Least)
	p.step(t0, vrrp.Startup{})
	huge := base()
	for i := range 4000 {
		huge.Addrs = append(huge.Addrs, netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}))
	}
	p.step(t0+1, vrrp.SetConfig{Config: huge}) // nor does a keyframe fit now
	p.step(t0+2, vrrp.SetConfig{Config: base()})
	p.step(t0+3, vrrp.Heard{Advert: advert(other, 200)})
	records, err := Read(p.ring.Copy(nil))
	if err != nil || p.ring.Lost() == 0 {
		t.Fatalf("%v, lost %d", err, p.ring.Lost())
	}
	res, err := Replay(&Capture{Records: records})
	if err != nil || res.Skipped != 1 || res.Steps != 2 || res.Begun != 2 {
		t.Errorf("%+v, %v: want the one step after the gap skipped", res, err)
	}
	last := records[len(records)-1]
	if h, ok := last.Input.(vrrp.Heard); !ok || h.Priority != 200 {
		t.Errorf("the last record is %+v", last)
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct{ used, n, want int }{
		{0, 1, Most}, {0, 16, Most}, {0, 64, 64 << 10}, {0, 256, Least}, {0, 4000, Least},
		{Budget, 1, Least}, {Budget + Least, 3, Least}, {Budget - Most, 1, Most}, {0, 0, Most},
	} {
		if got := Size(c.used, c.n); got != c.want {
			t.Errorf("%d used, %d more: %d, want %d", c.used, c.n, got, c.want)
		}
	}
}

// The budget is what the rings take, and not the half of it.
func TestRingsTakeWhatTheyAreGiven(t *testing.T) {
	const n = Budget / Least
	rings := make([]*Ring, 0, n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		rings = append(rings, NewRing(Size(len(rings)*Least, n-len(rings))))
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > Budget*5/4 {
		t.Errorf("%d rings take %d octets, the budget is %d", len(rings), took, Budget)
	}
}

// FuzzRead: any octets are records that replay or not, or an error.
func FuzzRead(f *testing.F) {
	p := newPilot(base(), Least)
	p.fly(rand.New(rand.NewPCG(1, 1)), 30)
	good := p.ring.Copy(nil)
	f.Add(good, 0, byte(0))
	f.Add(good, len(good)/2, byte(1))
	f.Add(good[:len(good)-3], 9, byte(0x80))
	f.Fuzz(func(t *testing.T, b []byte, at int, flip byte) {
		if len(b) > 0 && at >= 0 {
			b = bytes.Clone(b)
			b[at%len(b)] ^= flip
		}
		records, err := Read(b)
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		for i := range records {
			_, _ = inputText(records[i].Input), effectsText(records[i].Effects)
		}
		_, _ = Replay(&Capture{Records: records})
		// What is behind the CRC: any body.
		if r, err := record(b); err == nil {
			_, _ = Replay(&Capture{Records: []Record{r}})
		}
	})
}

// Even when nothing but refused adverts comes, each from another address, the ring has
// a keyframe to begin with.
func TestRefusedAdvertsLeaveAKeyframe(t *testing.T) {
	p := newPilot(base(), Least)
	p.step(t0, vrrp.Startup{})
	for i := range 2000 {
		at := t0.Add(time.Duration(i+1) * refusedAny)
		p.ring.Refuse(at, at, p.m, Refused{Why: vrrp.DropAuthKey, Src: netip.AddrFrom4([4]byte{10, 2, byte(i >> 8), byte(i)})})
	}
	records, err := Read(p.ring.Copy(nil))
	if err != nil || len(records) < 100 || records[0].Seq == 1 || !records[0].keyframe() {
		t.Fatalf("%d records, %v", len(records), err)
	}
	p.step(p.now+1e12, vrrp.Timer{})
	if records, err = Read(p.ring.Copy(nil)); err != nil {
		t.Fatal(err)
	}
	if res, err := Replay(&Capture{Records: records}); err != nil || res.Steps != 1 || res.Skipped > 0 {
		t.Errorf("%+v, %v", res, err)
	}
}

// What a step costs the loop beside the reading of the clock.
func BenchmarkStep(b *testing.B) {
	p := newPilot(base(), Most)
	heard := vrrp.Input(vrrp.Heard{Advert: advert(other, 200)})
	for b.Loop() {
		p.ring.Step(t0, t0, p.m, heard, nil)
	}
}
