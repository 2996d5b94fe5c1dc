package doctor

import (
	"slices"
	"testing"
)

// The kernel's own answers, of the one interface that every namespace has.
func TestSystemReadsTheLoopbackInterface(t *testing.T) {
	s := &System{}
	links, err := s.Links()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(links, func(l Link) bool { return l.Name == "lo" })
	if i < 0 || links[i].Index != 1 || links[i].MTU == 0 || links[i].Multicast {
		t.Fatalf("%+v", links)
	}
	bits, err := xdpFeatures(links[i].Index)
	v := &visit{host: s}
	if v.kernelAt(6, 3) && err != nil {
		t.Errorf("XDP features: %v", err)
	}
	if bits != 0 {
		t.Errorf("the loopback interface has native XDP: %#x", bits)
	}
	if s.Release() == "" {
		t.Error("no release")
	}
}
