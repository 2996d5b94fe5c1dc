package testnet

import (
	"fmt"
	"strings"
)

// Instance is one vrrp_instance. Zero fields get the values named here.
type Instance struct {
	Name      string   // VI_ and the VRID
	State     string   // BACKUP
	Interface string   // eth0
	VRID      int      // 51
	Priority  int      // 100
	AdvertInt string   // "1", in seconds as keepalived reads it
	VIPs      []string // lines of virtual_ipaddress
	Lines     []string // further lines of the block
}

// Conf writes a keepalived.conf for VRRP version 2 or 3.
func Conf(version int, instances ...Instance) string {
	var b strings.Builder
	fmt.Fprintf(&b, "global_defs {\n    vrrp_version %d\n}\n", version)
	for _, i := range instances {
		i.setDefaults()
		fmt.Fprintf(&b, "vrrp_instance %s {\n", i.Name)
		fmt.Fprintf(&b, "    state %s\n    interface %s\n    virtual_router_id %d\n", i.State, i.Interface, i.VRID)
		fmt.Fprintf(&b, "    priority %d\n    advert_int %s\n", i.Priority, i.AdvertInt)
		for _, line := range i.Lines {
			fmt.Fprintf(&b, "    %s\n", line)
		}
		b.WriteString("    virtual_ipaddress {\n")
		for _, vip := range i.VIPs {
			fmt.Fprintf(&b, "        %s\n", vip)
		}
		b.WriteString("    }\n}\n")
	}
	return b.String()
}

func (i *Instance) setDefaults() {
	if i.VRID == 0 {
		i.VRID = 51
	}
	if i.Name == "" {
		i.Name = fmt.Sprintf("VI_%d", i.VRID)
	}
	if i.State == "" {
		i.State = "BACKUP"
	}
	if i.Interface == "" {
		i.Interface = "eth0"
	}
	if i.Priority == 0 {
		i.Priority = 100
	}
	if i.AdvertInt == "" {
		i.AdvertInt = "1"
	}
}
