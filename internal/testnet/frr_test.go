package testnet

import (
	"strings"
	"testing"
	"time"
)

func TestFRRIsMasterAndLeavesNothing(t *testing.T) {
	l := ForTest(t, "a")
	a := l.Host("a")
	if err := a.AddFRRDevice(51, "10.99.9.1"); err != nil {
		t.Fatal(err)
	}
	tap, err := a.Links[0].Tap()
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	conf := FRRConf(3, Instance{Priority: 150, AdvertInt: "0.1", VIPs: []string{"10.99.9.1"}})
	d := a.StartForTest(t, FRR, conf)
	adverts := func(more int) bool {
		have := len(tap.Adverts(a.Addr))
		return WaitFor(10*time.Second, func() bool { return len(tap.Adverts(a.Addr)) >= have+more })
	}
	if !adverts(3) || !a.HasCarrier(FRRDevice(51, false)) {
		t.Fatalf("FRR did not become MASTER")
	}
	if ad, _ := tap.Adverts(a.Addr)[0].Advert(); ad.Priority != 150 || ad.SrcMAC.String() != "00:00:5e:00:01:33" {
		t.Errorf("advert %+v", ad)
	}
	if err := d.Stop(); err != nil {
		t.Error(err)
	}
	ads := tap.Adverts(a.Addr)
	if ad, _ := ads[len(ads)-1].Advert(); ad.Priority != 0 || a.HasCarrier(FRRDevice(51, false)) {
		t.Errorf("stopped, it leaves the device up or its last advert is %+v", ad)
	}
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	if !adverts(3) {
		t.Fatal("FRR did not start again")
	}
	d.Kill9()
	if pids := processesIn("/run/netns/" + a.Namespace); len(pids) != 0 {
		t.Errorf("killed, and still there: %v", pids)
	}
}

func TestFRRConf(t *testing.T) {
	got := FRRConf(3, Instance{VRID: 7, AdvertInt: "0.01", VIPs: []string{"fe80::1/64", "2001:db8::1"}, Lines: []string{"nopreempt", "use_vmac"}})
	for _, want := range []string{
		"interface eth0\n vrrp 7 version 3\n", " vrrp 7 priority 100\n", " vrrp 7 advertisement-interval 10\n",
		" no vrrp 7 preempt\n", " vrrp 7 ipv6 fe80::1\n vrrp 7 ipv6 2001:db8::1\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
