package loader

import (
	"net"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// What Features says of the kernel is what Open makes of it.
func TestFeaturesAreWhatOpenFinds(t *testing.T) {
	testnet.Need(t, "root")
	k, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	has := map[string]bool{}
	for _, f := range Features() {
		if f.Err != nil || f.Since == "" {
			t.Errorf("%s: %v, since %q", f.Name, f.Err, f.Since)
		}
		has[f.Name] = f.Has
	}
	if !has[FeatureXDP] || !has[FeatureRing] || has[FeatureTimer] != k.Deadlines() {
		t.Errorf("%v, and deadlines: %v (%s)", has, k.Deadlines(), k.NoDeadlines())
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := Occupant(lo.Index); other != nil || err != nil {
		t.Errorf("on the loopback interface: %v (%v)", other, err)
	}
	if _, err := Occupant(1 << 30); err == nil {
		t.Error("an interface that is not there has an occupant or none")
	}
}
