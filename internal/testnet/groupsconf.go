package testnet

import (
	"fmt"
	"strings"
)

// GroupsConf writes a keepalived.conf of many routers in sync groups, for a pair
// of hosts with the configuration ids high and low: the lines of each begin with
// @high or @low. The routers are BACKUP, version 3, spread over the interfaces,
// with VRIDs from 1 on each, at most 255, and one address each from 10.200.0.1
// on.
func GroupsConf(groups, each int, advertInt string, interfaces ...string) string {
	var b strings.Builder
	b.WriteString("global_defs {\n    @high router_id high\n    @low router_id low\n    vrrp_version 3\n}\n")
	for g := range groups {
		fmt.Fprintf(&b, "vrrp_sync_group G_%d {\n    group {\n", g)
		for i := g * each; i < (g+1)*each; i++ {
			fmt.Fprintf(&b, "        VI_%d\n", i)
		}
		b.WriteString("    }\n}\n")
	}
	for i := range groups * each {
		fmt.Fprintf(&b, `vrrp_instance VI_%d {
    state BACKUP
    interface %s
    virtual_router_id %d
    @high priority 200
    @low priority 100
    @^high preempt_delay 2
    advert_int %s
    virtual_ipaddress {
        10.200.%d.%d/32
    }
}
`, i, interfaces[i%len(interfaces)], i/len(interfaces)+1, advertInt, i/250, i%250+1)
	}
	return b.String()
}
