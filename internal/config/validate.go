package config

import (
	"cmp"
	"net/netip"
	"strings"
	"time"
)

// Validate checks a whole configuration, whoever made it, and changes nothing.
// With no Error among what it returns the configuration can be run, as far as
// that can be known without the host.
func Validate(cfg *Config) []Diagnostic {
	diags := newDiagnostics("")
	validate(diags, nil, cfg, func(int, string) bool { return false })
	return diags.sorted()
}

// validate is Validate. said tells that the file gives a keyword of router i:
// if the value is missing all the same, its fault has been reported.
func validate(diags *diagnostics, files *files, cfg *Config, said func(i int, keyword string) bool) {
	if g := cfg.Global; min(g.StartupDelay, g.DelayAfterBoot) < 0 || max(g.StartupDelay, g.DelayAfterBoot) > maxStartDelay {
		diags.errorf(Pos{}, "", "delay of the start: expected 0 to %s", maxStartDelay)
	}
	for i := range cfg.Routers {
		files.router()
		v := &validator{diags, &cfg.Routers[i], func(keyword string) bool { return said(i, keyword) }}
		v.identity()
		v.protocol()
		v.unicast()
		v.hmac()
		v.splitBrain()
		v.garp()
		v.lease()
		v.addresses()
		v.vmacs()
		v.heartbeats()
		v.takesOver()
	}
	(&validator{diags, &Router{Name: "static_ipaddress"}, func(string) bool { return true }}).static(cfg.Static, cfg.Routers)
	unique(diags, files, cfg)
	checkGroups(diags, cfg)
	checkTakeovers(diags, cfg)
	uniqueVMACs(diags, cfg)
	uniqueHeartbeats(diags, cfg)
}

type validator struct {
	diags *diagnostics
	*Router
	said func(keyword string) bool
}

func (v *validator) errorf(pos Pos, hint, format string, args ...any) {
	v.diags.errorf(pos, hint, "(%s) "+format, append([]any{plain(v.Name)}, args...)...)
}

func (v *validator) missing(keyword, hint string) {
	if !v.said(keyword) {
		v.errorf(v.Pos, hint, "%s is missing", keyword)
	}
}

func (v *validator) identity() {
	if v.Name == "" {
		v.diags.errorf(v.Pos, "", "vrrp_instance: expected a name")
	}
	if v.Interface == "" {
		v.missing("interface", "add interface NAME: the device on which adverts go out")
	} else if !validInterface(v.Interface) {
		v.errorf(v.Pos, "", "interface %s: %s", quote(v.Interface), wantInterface)
	}
	if v.VRID == 0 {
		v.missing("virtual_router_id", "add virtual_router_id N, 1 to 255, the same on every host of the router")
	}
	if v.Priority == 0 {
		v.missing("priority", "add priority N, 1 to 255, the highest where the addresses should be")
	}
}

func (v *validator) protocol() {
	if v.Version != 2 && v.Version != 3 {
		v.errorf(v.Pos, "", "version %d: expected 2 or 3", v.Version)
	}
	if v.Family != 4 && (v.Family != 6 || v.Version == 2) {
		v.errorf(v.Pos, "", "family %d with version %d: expected 4, or 6 with version 3", v.Family, v.Version)
	}
	if v.State != Master && v.State != Backup {
		v.errorf(v.Pos, "", "state %s: expected MASTER or BACKUP", quote(v.State))
	}
	v.checkGroup()
	step, highest := time.Second, maxIntervalV2
	if v.Version == 3 {
		step, highest = minInterval, maxIntervalV3
	}
	if d := v.AdvertInterval; (d < step || d > highest || d%step != 0) && !v.said("advert_int") {
		v.errorf(v.Pos, "", "advert interval %s: expected %s to %s in steps of %s with VRRP version %d", d, step, highest, step, v.Version)
	}
	switch n := len(v.Auth.Pass); {
	case v.Auth.Type == AuthNone && n != 0, v.Auth.Type > AuthAH:
		v.errorf(v.Pos, "", "a password without authentication type PASS or AH")
	case v.Auth.Type != AuthNone && v.Version == 3:
		v.errorf(v.Pos, "", "authentication with VRRP version 3, which has none")
	case v.Auth.Type != AuthNone && (n == 0 || n > maxPassword):
		v.errorf(v.Pos, "", "a password of %d bytes: expected 1 to %d", n, maxPassword)
	}
	if !v.Preempt && (v.Priority == 255 || v.State == Master) {
		v.errorf(v.Pos, "", "nopreempt with state MASTER or priority 255")
	}
	if v.PreemptDelay < 0 || v.PreemptDelay > maxDelay {
		v.errorf(v.Pos, "", "preempt_delay %s: expected 0 to %s", v.PreemptDelay, maxDelay)
	}
	if v.PreemptDelay != 0 && (!v.Preempt || v.Priority == 255 || v.State == Master) {
		v.errorf(v.Pos, "", "preempt_delay with nopreempt, state MASTER or priority 255")
	}
	if v.ExpiredBackup == 255 || v.ExpiredBackup != 0 && v.Preempt {
		v.errorf(v.Pos, "", "timer_expired_backup %d: expected 1 to 254, with nopreempt", v.ExpiredBackup)
	}
	if v.DownAdverts < 1 || v.DownAdverts > maxDownAdverts {
		v.errorf(v.Pos, "", "down_timer_adverts %d: expected 1 to %d", v.DownAdverts, maxDownAdverts)
	}
}

func (v *validator) garp() {
	g := v.GARP
	if g.LowerRepeat < 0 || g.LowerRepeat > maxGARPRepeat {
		v.errorf(v.Pos, "", "garp_lower_prio_repeat %d: expected 0 to %d", g.LowerRepeat, maxGARPRepeat)
	}
	if g.MasterRepeat < 1 || g.MasterRepeat > maxGARPRepeat || g.RefreshRepeat < 1 || g.RefreshRepeat > maxGARPRepeat {
		v.errorf(v.Pos, "", "repeats of gratuitous ARP: expected 1 to %d", maxGARPRepeat)
	}
	if e := v.Extra.Every; e < 0 || e > maxGARPExtra {
		v.errorf(v.Pos, "", "garp_extra_if %s: expected 0 to %s", e, maxGARPExtra)
	}
	if min(g.MasterDelay, g.LowerDelay, g.Refresh, g.Interval, v.GNAInterval) < 0 || max(g.MasterDelay, g.LowerDelay, g.Refresh) > maxGARPDelay || max(g.Interval, v.GNAInterval) > maxGARPInterval {
		v.errorf(v.Pos, "", "delays of gratuitous ARP: expected 0 to %s", maxGARPDelay)
	}
}

func (v *validator) addresses() {
	if len(v.Addresses) == 0 && !v.NoAddresses && !v.said("virtual_ipaddress") {
		v.errorf(v.Pos, "virtual_ipaddress { 10.0.0.3/24 }", "no address: expected virtual_ipaddress with at least one")
	}
	most, why := maxAddresses, "which is all that an advert can count"
	if v.Family == 6 {
		most, why = maxAddresses6, "which is all that an advert in one Ethernet frame can hold"
		if v.HMAC != nil {
			most = maxSigned6
		}
	}
	if len(v.Addresses) > most {
		v.errorf(v.Addresses[most].Pos, "divide them among several routers", "%d addresses: expected at most %d, %s", len(v.Addresses), most, why)
	}
	v.linkLocalFirst()
	seen := map[site]Pos{}
	for i, a := range v.All() {
		addr := a.Prefix.Addr()
		// What is in no advert may be of the other family.
		if !a.Prefix.IsValid() || addr.Is4In6() || i < len(v.Addresses) && familyOf(addr) != v.Family {
			v.errorf(a.Pos, "", "address %s: expected IPv%d", a.Prefix, v.Family)
			continue
		}
		if first, again := seen[a.site()]; again {
			v.errorf(a.Pos, "remove one of the two, on every host", "%s is given twice, first at %s", addr, first)
		}
		seen[a.site()] = a.Pos
		v.address(a, addr)
	}
}

// address checks one by itself.
func (v *validator) address(a Address, addr netip.Addr) {
	if !isHost(addr) {
		v.errorf(a.Pos, "", "%s: expected an address that a host on the network can have", addr)
	}
	if !validInterface(a.Device) && (a.Device != "" || v.Interface != "") {
		v.errorf(a.Pos, "", "dev %s: %s", quote(a.Device), wantInterface)
	}
	if a.Broadcast.IsValid() && !(a.Broadcast.Is4() && addr.Is4()) {
		v.errorf(a.Pos, "", "brd %s: expected an IPv4 address, of an IPv4 address", a.Broadcast)
	}
	if t := a.Preferred.Time; t < 0 || t > maxPreferred || t%time.Second != 0 {
		v.errorf(a.Pos, "", "preferred_lft %s: expected whole seconds from 0 to %s", t, maxPreferred)
	}
	if a.Peer.IsValid() && (a.Peer.BitLen() != addr.BitLen() || !isHost(a.Peer) || a.Broadcast.IsValid() || !a.Prefix.IsSingleIP()) {
		v.errorf(a.Pos, "", "peer %s of %s: expected a host's address of the same family, and neither length nor brd beside it", a.Peer, a.Prefix)
	}
	if a.ManageTemp && a.Prefix.Bits() != 64 || addr.Is4() && (a.DAD || a.Home || a.ManageTemp) {
		v.errorf(a.Pos, "", "mngtmpaddr of %s: expected an IPv6 address with the length 64, of which alone temporary ones are made", a.Prefix)
	}
	v.label(a)
}

// isHost tells whether a host on the network can have the address.
func isHost(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() && a != limitedBroadcast
}

func (v *validator) label(a Address) {
	dev := cmp.Or(a.VMAC, a.Device)
	switch {
	case a.Label == "":
	case !a.Prefix.Addr().Is4():
		v.errorf(a.Pos, "remove it", "label %s: an IPv6 address has none", quote(a.Label))
	case len(a.Label) > maxLabel || strings.ContainsAny(a.Label, " \t\r\n\v\f\x00"):
		v.errorf(a.Pos, "", "label %s: expected at most %d bytes without blanks", quote(a.Label), maxLabel)
	case a.Label != dev && !strings.HasPrefix(a.Label, dev+":"):
		v.diags.warnf(a.Pos, "ifconfig shows the address only with a label of that form", "(%s) label %s: expected %s or %s:NAME",
			plain(v.Name), quote(a.Label), dev, dev)
	}
}

// unique checks the routers against each other.
func unique(diags *diagnostics, files *files, cfg *Config) {
	type id struct {
		iface  string
		vrid   uint8
		family uint8
	}
	names := map[string]Pos{}
	ids := map[id]*Router{}
	held := map[site]*Router{}
	for i := range cfg.Routers {
		files.router()
		r := &cfg.Routers[i]
		if first, again := names[r.Name]; again && r.Name != "" {
			diags.errorf(r.Pos, "give each vrrp_instance a name of its own", "vrrp_instance %s is defined twice, first at %s", quote(r.Name), first)
		} else {
			names[r.Name] = r.Pos
		}
		key := id{r.Interface, r.VRID, r.Family}
		if first := ids[key]; first != nil && r.VRID != 0 && r.Interface != "" {
			diags.errorf(r.Pos, "give each router on an interface a VRID of its own", "(%s) virtual_router_id %d on %s is taken by %s at %s",
				plain(r.Name), r.VRID, r.Interface, quote(first.Name), first.Pos)
		} else {
			ids[key] = r
		}
		for _, a := range r.All() {
			if first := held[a.site()]; first != nil && first != r {
				diags.warnf(a.Pos, "two routers that are master on different hosts would both hold it", "(%s) %s is also an address of %s at %s",
					plain(r.Name), a.Prefix.Addr(), quote(first.Name), first.Pos)
			} else {
				held[a.site()] = r
			}
		}
	}
}
