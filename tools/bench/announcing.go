package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/tools/bench/meter"
	"github.com/vrrpx/vrrpx/vrrp"
)

// The hosts of a lab in meter.Advert.
const (
	fromA = iota
	fromB
)

// announced are the adverts of VRID 1 that the two hosts sent, by their own
// addresses, in the order of their stamps.
func (l *Lab) announced(frames []testnet.Frame) (ads []meter.Advert) {
	for _, f := range frames {
		a, ok := f.Advert()
		if !ok || a.VRID != 1 {
			continue
		}
		switch a.Src {
		case l.A.Addr:
			ads = append(ads, meter.Advert{At: f.At, Host: fromA, Priority: a.Priority})
		case l.B.Addr:
			ads = append(ads, meter.Advert{At: f.At, Host: fromB, Priority: a.Priority})
		}
	}
	return ads
}

// of are the instants of one host's adverts, farewells left out.
func of(ads []meter.Advert, host int) (at []vrrp.Instant) {
	for _, a := range ads {
		if a.Host == host && a.Priority > 0 {
			at = append(at, a.At)
		}
	}
	return at
}

// within are the adverts between two instants.
func within(ads []meter.Advert, from, to vrrp.Instant) (in []meter.Advert) {
	for _, a := range ads {
		if a.At > from && a.At < to {
			in = append(in, a)
		}
	}
	return in
}

// advertFrame is an advert of a router as host h sends it.
func advertFrame(h *testnet.Host, r Router) ([]byte, error) {
	group := netip.MustParseAddr("224.0.0.18")
	p := vrrp.Packet{Version: 3, VRID: uint8(r.VRID), Priority: uint8(r.Priority), Interval: r.Interval}
	for _, vip := range r.VIPs {
		p.Addrs = append(p.Addrs, netip.MustParseAddr(vip))
	}
	m, err := p.Append(nil, h.Addr, group, vrrp.ChecksumPseudo)
	if err != nil {
		return nil, err
	}
	return h.GroupFrame(h.Addr, 255, vrrp.Protocol, m), nil
}

// pacing is what vrrpx says of how the adverts of its first router are paced.
type pacing struct {
	Pacer string
	Why   string        // not the kernel
	Lease time.Duration // 0: none
	Down  time.Duration // master-down interval
}

func (p pacing) String() string {
	switch {
	case p.Why != "":
		return fmt.Sprintf("%s (%s)", p.Pacer, p.Why)
	case p.Lease > 0:
		return fmt.Sprintf("%s, lease %v", p.Pacer, p.Lease)
	}
	return p.Pacer
}

// pacing asks; other daemons cannot be asked and have none.
func (n *Node) pacing(ctx context.Context) (pacing, error) {
	if !n.Contestant.Ours() {
		return pacing{}, nil
	}
	out, err := n.Host.Command(ctx, n.Contestant.Binary, "status", "--json").Output()
	if err != nil {
		return pacing{}, fmt.Errorf("status of %s: %w", n.Host.Name, err)
	}
	return parsePacing(out)
}

func parsePacing(text []byte) (pacing, error) {
	var s struct {
		Routers []struct {
			Pacer string  `json:"pacer"`
			Why   string  `json:"pacer_reason"`
			Lease float64 `json:"lease_seconds"`
			Down  float64 `json:"master_down_seconds"`
		} `json:"routers"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return pacing{}, fmt.Errorf("status: %w", err)
	}
	if len(s.Routers) == 0 {
		return pacing{}, fmt.Errorf("status: no router")
	}
	seconds := func(f float64) time.Duration { return time.Duration(f * float64(time.Second)).Round(time.Microsecond) }
	r := s.Routers[0]
	return pacing{r.Pacer, r.Why, seconds(r.Lease), seconds(r.Down)}, nil
}
