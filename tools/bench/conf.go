package main

import (
	"fmt"
	"strings"
	"time"
)

// Router is one virtual router on one host. Version 3, IPv4.
type Router struct {
	VRID     int
	Priority int
	Interval time.Duration // of adverts
	VIPs     []string
}

// MasterDown is that of this router as BACKUP.
func (r Router) MasterDown() time.Duration { return MasterDown(3, r.Priority, r.Interval) }

// Routers makes n routers with VRIDs from 1 on and `addresses` addresses each,
// 10.99.100.0 and up: no two the same.
func Routers(n, addresses, priority int, interval time.Duration) []Router {
	var rs []Router
	for i := range n {
		r := Router{VRID: i + 1, Priority: priority, Interval: interval}
		for k := range addresses {
			a := i*addresses + k
			r.VIPs = append(r.VIPs, fmt.Sprintf("10.99.%d.%d", 100+a/250, a%250+1))
		}
		rs = append(rs, r)
	}
	return rs
}

// Conf is the keepalived.conf of these routers for a contestant.
func (c Contestant) Conf(routers []Router) string {
	var b strings.Builder
	b.WriteString("global_defs {\n    vrrp_version 3\n")
	for _, line := range c.Globals {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	b.WriteString("}\n")
	for _, r := range routers {
		fmt.Fprintf(&b, "vrrp_instance VI_%d {\n    state BACKUP\n    interface eth0\n    virtual_router_id %d\n", r.VRID, r.VRID)
		fmt.Fprintf(&b, "    priority %d\n    advert_int %g\n", r.Priority, r.Interval.Seconds())
		for _, line := range c.Lines {
			fmt.Fprintf(&b, "    %s\n", line)
		}
		b.WriteString("    virtual_ipaddress {\n")
		for _, vip := range r.VIPs {
			fmt.Fprintf(&b, "        %s/32\n", vip)
		}
		b.WriteString("    }\n}\n")
	}
	return b.String()
}
