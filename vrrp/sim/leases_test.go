package sim

import (
	"os"
	"reflect"
	"testing"
	"time"
)

// Processes stop between any two steps, hosts freeze: the bounds of
// docs/liveness.md hold.
//
//vrrp:row 34
func TestLeasesHoldOnEveryLAN(t *testing.T) {
	began := time.Now()
	var sum LeaseStats
	failed := sweep(func(seed uint64) (ok bool, count func()) {
		s := GenerateLeases(seed)
		n, broken := RunLeases(&s, nil)
		if broken != nil {
			tell(t, seed, broken, func() { RunLeases(&s, os.Stderr) })
		}
		return broken == nil, func() { sum.add(&n) }
	})
	if n := int(*seeds); n >= 1000 && failed == 0 {
		v := reflect.ValueOf(sum)
		for i := range v.NumField() {
			if got := v.Field(i).Int(); got < int64(n)/20 {
				t.Errorf("%s: %d on %d LANs prove nothing", v.Type().Field(i).Name, got, n)
			}
		}
	}
	t.Logf("%d seeds in %v: %+v", *seeds, time.Since(began).Round(time.Millisecond), sum)
}

func (s *LeaseStats) add(o *LeaseStats) {
	to, from := reflect.ValueOf(s).Elem(), reflect.ValueOf(o).Elem()
	for i := range to.NumField() {
		to.Field(i).SetInt(to.Field(i).Int() + from.Field(i).Int())
	}
}

// Each mistake must break what is there to find it.
func TestLeaseInvariantsFindTheirMistakes(t *testing.T) {
	for _, m := range []struct {
		mistake
		name  string
		broke Invariant
	}{
		{deafGate, "XDP does not shut the gate", Beside},
		{noGuard, "no freeze guard", Owed},
		{lateStamp, "renewal stores a later reading", Fresh},
		{noLease, "no lease", Fresh},
		{eagerBackup, "no freeze guard of a BACKUP", Early},
	} {
		t.Run(m.name, func(t *testing.T) {
			for seed := range uint64(2000) {
				s := GenerateLeases(seed)
				y := newYard(&s, nil)
				y.wrong = m.mistake
				if _, broken := y.run(); broken != nil && broken.Broke == m.broke {
					t.Logf("seed %d: %v", seed, broken)
					return
				}
			}
			t.Errorf("2000 seeds did not break %q", m.broke)
		})
	}
}
