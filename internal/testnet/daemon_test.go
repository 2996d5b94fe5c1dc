package testnet

import (
	"strings"
	"testing"
	"time"
)

const vip = "10.99.9.1"

func pair(version int) (a, b string) {
	i := Instance{Priority: 150, AdvertInt: "0.1", VIPs: []string{vip}}
	if version == 2 {
		i.AdvertInt = "1"
	}
	a = Conf(version, i)
	i.Priority = 100
	return a, Conf(version, i)
}

func TestKeepalivedFailsOverAndTheTapSeesIt(t *testing.T) {
	l := ForTest(t, "a", "b")
	Need(t, "keepalived")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	confA, confB := pair(3)
	da := a.StartForTest(t, Keepalived, confA)
	if !WaitFor(10*time.Second, func() bool { return a.HasAddr(vip) && len(tap.Adverts(a.Addr)) > 0 }) {
		t.Fatal("a never became master")
	}
	db := b.StartForTest(t, Keepalived, confB)
	if !WaitFor(10*time.Second, func() bool { return strings.Contains(db.Log(), "Entering BACKUP STATE") }) {
		t.Fatal("b never became backup")
	}

	before := Now()
	da.Kill9()
	if da.Running() || len(da.PIDs()) != 0 {
		t.Errorf("after Kill9 there still run %v", da.PIDs())
	}
	if !a.HasAddr(vip) {
		t.Error("Kill9 took the address away: it models the process, not the host")
	}
	if !WaitFor(10*time.Second, func() bool { return b.HasAddr(vip) && len(tap.Adverts(b.Addr)) > 0 }) {
		t.Fatal("b never took over")
	}
	last, first := tap.Adverts(a.Addr), tap.Adverts(b.Addr)
	gap := first[0].At.Sub(last[len(last)-1].At)
	if gap < 300*time.Millisecond || first[0].At < before || first[0].At > Now() {
		t.Errorf("takeover %v after the last advert, at %d; killed at %d", gap, first[0].At, before)
	}
	if ad, _ := first[0].Advert(); ad.VRID != 51 || ad.Priority != 100 || ad.Version != 3 || ad.SrcMAC.String() != b.MAC.String() {
		t.Errorf("first advert of b: %+v", ad)
	}
	if !WaitFor(5*time.Second, func() bool { return hasGARP(tap, b) }) {
		t.Error("no gratuitous ARP of b seen")
	}

	if err := db.Stop(); err != nil {
		t.Error(err)
	}
	ads := tap.Adverts(b.Addr)
	if ad, _ := ads[len(ads)-1].Advert(); ad.Priority != 0 {
		t.Errorf("last advert of a stopped daemon has priority %d", ad.Priority)
	}
	if db.Log() == "" || db.Stop() != nil {
		t.Error("no log, or a second Stop is an error")
	}
}

func hasGARP(tap *Tap, h *Host) bool {
	for _, f := range tap.Frames() {
		if f.IsGARP(vip) && f.SrcMAC().String() == h.MAC.String() {
			return true
		}
	}
	return false
}

func TestAFirewallSplitsKeepalived(t *testing.T) {
	l := ForTest(t, "a", "b")
	Need(t, "keepalived")
	a, b := l.Host("a"), l.Host("b")
	confA, confB := pair(3)
	for _, h := range []*Host{a, b} {
		if err := h.DropVRRP(); err != nil {
			t.Fatal(err)
		}
	}
	a.StartForTest(t, Keepalived, confA)
	b.StartForTest(t, Keepalived, confB)
	if !WaitFor(10*time.Second, func() bool { return a.HasAddr(vip) && b.HasAddr(vip) }) {
		t.Fatal("two daemons deaf to each other are not both master: nothing was dropped")
	}
	for _, h := range []*Host{a, b, b} { // the second time there is nothing to remove
		if err := h.AllowVRRP(); err != nil {
			t.Fatal(err)
		}
	}
	if !WaitFor(10*time.Second, func() bool { return a.HasAddr(vip) && !b.HasAddr(vip) }) {
		t.Error("b is still master after the firewall went away")
	}
}

func TestPauseHoldsTheDaemonAndItsCostIsCounted(t *testing.T) {
	l := ForTest(t, "a")
	Need(t, "keepalived")
	a := l.Host("a")
	tap := l.TapForTest(t)
	conf, _ := pair(3)
	d := a.StartForTest(t, Keepalived, conf)
	own, err := a.Tap("eth0", Frame.IsAdvert)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if !WaitFor(10*time.Second, func() bool { return len(tap.Adverts(a.Addr)) > 1 }) {
		t.Fatal("no adverts")
	}
	if n := len(own.Frames()); n != 0 {
		t.Errorf("a tap on a host saw %d frames that the host sent itself", n)
	}
	if ads := tap.Adverts(a.Addr); ads[1].At.Sub(ads[0].At) < 50*time.Millisecond {
		t.Errorf("adverts every 100 ms, the first two %v apart: one was seen twice", ads[1].At.Sub(ads[0].At))
	}
	switches := d.Switches()
	if !WaitFor(5*time.Second, func() bool { return d.Switches() > switches }) {
		t.Error("a master that sends adverts switches no context")
	}
	if d.CPU() < 0 || d.CPU() > 10*time.Second {
		t.Errorf("CPU time %v", d.CPU())
	}
	d.Pause()
	time.Sleep(50 * time.Millisecond) // what was under way
	tap.Clear()
	time.Sleep(400 * time.Millisecond)
	if n := len(tap.Adverts(a.Addr)); n != 0 {
		t.Errorf("%d adverts of a paused daemon", n)
	}
	d.Resume()
	if !WaitFor(5*time.Second, func() bool { return len(tap.Adverts(a.Addr)) > 0 }) {
		t.Error("no advert after Resume")
	}
	d.Pause()
	if err := d.Stop(); err != nil {
		t.Errorf("Stop of a paused daemon: %v", err)
	}
}
