package loader

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/vrrpx/vrrpx/vrrp"
)

func types(t *testing.T) *btf.Spec {
	t.Helper()
	spec, err := loadVrrpx()
	if err != nil {
		t.Fatal(err)
	}
	return spec.Types
}

func TestDropsOfCAndGoAreOneList(t *testing.T) {
	var enum *btf.Enum
	if err := types(t).TypeByName("drop", &enum); err != nil {
		t.Fatal(err)
	}
	if len(enum.Values) != vrrp.NumDrops+1 {
		t.Fatalf("enum drop has %d values, want %d and the last", len(enum.Values), vrrp.NumDrops)
	}
	for i, v := range enum.Values[:vrrp.NumDrops] {
		name := strings.ToLower(strings.TrimPrefix(v.Name, "DROP_"))
		if v.Value != uint64(i) || name != vrrp.Drop(i).String() {
			t.Errorf("%s is %d in C, %v is %d in Go", v.Name, v.Value, vrrp.Drop(i), i)
		}
	}
}

func TestCountersAreNamedForTheirDrops(t *testing.T) {
	for name, first := range map[string]int{"interface_drops": 1, "router_drops": firstOfRouter} {
		var s *btf.Struct
		if err := types(t).TypeByName(name, &s); err != nil {
			t.Fatal(err)
		}
		for i, m := range s.Members {
			d := vrrp.Drop(first + i)
			if m.Name != d.String() || m.Offset.Bytes() != uint32(8*i) {
				t.Errorf("%s: counter %d is %s at %d, want %v", name, i, m.Name, m.Offset.Bytes(), d)
			}
			if d.OfRouter() != (name == "router_drops") {
				t.Errorf("%v is counted in %s", d, name)
			}
		}
	}
}

func TestAuthTypesAreThoseOfC(t *testing.T) {
	c := map[Auth]vrrpxAuth{
		vrrp.AuthNone: vrrpxAuthAUTH_NONE, vrrp.AuthPass: vrrpxAuthAUTH_PASS, vrrp.AuthAH: vrrpxAuthAUTH_AH,
	}
	for g, c := range c {
		if uint32(g) != uint32(c) {
			t.Errorf("%d in Go is %d in C", g, c)
		}
	}
}
