package main

import (
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Takeover is what one router's backup did, in time past its deadline: the last
// advert of the master on the wire plus the backup's master-down interval.
type Takeover struct {
	VRID      int
	Deadline  vrrp.Instant
	Advert    time.Duration // the first
	GARP      time.Duration // the first gratuitous ARP, of whichever address
	Addresses time.Duration // the last address's first gratuitous ARP
}

// Takeovers finds them on the wire, in the order of the routers. done is false,
// and the rest worth nothing, when one has not ended; an error is a master that
// did not die without a word, errSpoiled a backup that spoke before its last one.
func Takeovers(frames []testnet.Frame, a, b *testnet.Host, routers []Router) (ts []Takeover, done bool, err error) {
	last, first := map[uint8]vrrp.Instant{}, map[uint8]vrrp.Instant{}
	garps := map[string]vrrp.Instant{}
	for _, f := range frames {
		advert, isAdvert := f.Advert()
		switch {
		case isAdvert && advert.Src == a.Addr:
			if advert.Priority != masterPriority {
				return nil, false, fmt.Errorf("the master's VRID %d sent priority %d", advert.VRID, advert.Priority)
			}
			last[advert.VRID] = f.At
		case isAdvert && advert.Src == b.Addr:
			if _, ok := first[advert.VRID]; !ok {
				first[advert.VRID] = f.At
			}
		case f.SrcMAC().String() == b.MAC.String():
			ip := f.SrcIP().String()
			if _, ok := garps[ip]; !ok && f.SrcIP().IsValid() && f.IsGARP(ip) {
				garps[ip] = f.At
			}
		}
	}
	for id := range first {
		if first[id] < last[id] {
			return nil, false, errSpoiled
		}
	}
	for _, r := range routers {
		id := uint8(r.VRID)
		if _, ok := first[id]; !ok {
			return nil, false, nil
		}
		t := Takeover{VRID: r.VRID, Deadline: last[id].Add(r.MasterDown())}
		t.Advert = first[id].Sub(t.Deadline)
		for i, vip := range r.VIPs {
			at, ok := garps[vip]
			if !ok {
				return nil, false, nil
			}
			late := at.Sub(t.Deadline)
			if i == 0 || late < t.GARP {
				t.GARP = late
			}
			if i == 0 || late > t.Addresses {
				t.Addresses = late
			}
		}
		ts = append(ts, t)
	}
	return ts, true, nil
}
