package plan

import (
	"reflect"
	"slices"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/iproute"
)

// field is one of config.Router: the keyword that a person knows it by, and the
// area that a change of it is in. Those without keyword are no difference: they
// are the identity, or positions in the file.
type field struct {
	keyword string
	area    Area
}

// fields has every field of config.Router, which a test holds it to.
var fields = map[string]field{
	"Pos": {}, "SourcePos": {}, "Interface": {}, "VRID": {}, "Family": {},

	"Name":    {"name", Name},
	"Version": {"version", Begin},

	"State": {"state", Machine}, "Priority": {"priority", Machine}, "Source": {"mcast_src_ip, unicast_src_ip", Machine},
	"AdvertInterval": {"advert_int", Machine}, "Preempt": {"nopreempt", Machine}, "PreemptDelay": {"preempt_delay", Machine},
	"ExpiredBackup": {"timer_expired_backup", Machine}, "DownAdverts": {"down_timer_adverts", Machine},
	"LowerPriorityAdvert": {"lower_prio_no_advert", Machine}, "HigherPriorityAdvert": {"higher_prio_send_advert", Machine},
	"OwnerIgnores": {"owner_ignore_adverts", Machine}, "SkipCheckAdvAddr": {"skip_check_adv_addr", Machine},
	"Strict": {"strict_mode", Machine}, "ChecksumPlain": {"v3_checksum_as_v2", Machine},
	"UntrackedOwn": {"dont_track_primary", Machine}, "TrackSource": {"track_src_ip", Machine},

	"Addresses": {"virtual_ipaddress", Addresses | Machine | Tracking}, "NoAddresses": {"no_virtual_ipaddress", Machine},
	"Excluded": {"virtual_ipaddress_excluded", Addresses | Tracking},
	"UseVMAC":  {"use_vmac", Addresses}, "XmitBase": {"vmac_xmit_base", Addresses}, "VMACs": {"use_vmac", Addresses},
	"Accept": {"no_accept", Accept},

	"Group": {"mcast_dst_ip", Peers}, "Peers": {"unicast_peer", Peers}, "UnicastTTL": {"unicast_ttl", Peers},
	"CheckSource": {"check_unicast_src", Peers}, "OldChecksum": {"old_unicast_checksum", Peers}, "NoPeerFault": {"unicast_fault_no_peer", Peers},

	"Routes": {"virtual_routes", Routing}, "Rules": {"virtual_rules", Routing}, "Needs": {"virtual_routes, track_group", Tracking},

	"Auth": {"authentication", Auth}, "HMAC": {"auth_hmac", Auth},
	"Scripts": {"track_script", Tracking}, "Interfaces": {"track_interface", Tracking},
	"Files": {"track_file", Tracking}, "Processes": {"track_process", Tracking},
	"Notify": {"notify", Notify}, "NotifyPriorityChanges": {"notify_priority_changes", Notify}, "SMTPAlert": {"smtp_alert", Notify},
	"Lease": {"vrrpx_lease", Machine}, "Pacer": {"vrrpx_pacer", Machine}, "PacerPos": {},
	"KernelTakeover": {"vrrpx_kernel_takeover", Machine}, "TakeoverPos": {},

	"SplitBrain": {"split_brain", Split}, "Heartbeats": {"heartbeat", Begin},
	"GARP": {"garp", Announce}, "Extra": {"garp_extra_if", Announce}, "GNAInterval": {"vrrp_gna_interval", Announce},
}

// globals has every exported field of config.Global. Those without keyword are
// in the routers and scripts already, are compared by Diff, or are of use to nobody yet.
var globals = map[string]string{
	"RouterID": "", "Mail": "",
	"Version": "", "Strict": "", "SkipCheckAdvAddr": "", "LowerPriorityAdvert": "", "ChecksumPlain": "", "DownAdverts": "",
	"Group": "", "Group6": "", "HigherPriorityAdvert": "", "OwnerIgnores": "", "CheckSource": "", "GARP": "", "GNAInterval": "",
	"Extra": "", "Lease": "", "Pacer": "", "Metrics": "", "ScriptUser": "", "ScriptGroup": "", "ScriptSecurity": "", "SupplementaryGroups": "",
	"NotifyAlarm": "", "NotifyPriorityChanges": "", "NotifyFIFO": "", "VRRPNotifyFIFO": "", "FIFOStatesOnReload": "",
	"Files":        "net_namespace, instance, pid and dump files",
	"StartupDelay": "vrrp_startup_delay", "DelayAfterBoot": "vrrp_delay_after_boot",
}

// compare finds what differs between two routers of one identity.
func compare(from, to *config.Router) Change {
	c := Change{From: *from, To: *to}
	a, b := reflect.ValueOf(*from), reflect.ValueOf(*to)
	for i := range a.NumField() {
		f := fields[a.Type().Field(i).Name]
		if f.area == 0 || sameValue(a.Field(i), b.Field(i)) {
			continue
		}
		c.Areas |= f.area
		if !slices.Contains(c.What, f.keyword) {
			c.What = append(c.What, f.keyword)
		}
	}
	return c
}

func compareGlobals(from, to *config.Global) (keywords []string) {
	a, b := reflect.ValueOf(*from), reflect.ValueOf(*to)
	for i := range a.NumField() {
		if keyword := globals[a.Type().Field(i).Name]; keyword != "" && !sameValue(a.Field(i), b.Field(i)) {
			keywords = append(keywords, keyword)
		}
	}
	return keywords
}

func same[T any](a, b T) bool { return sameValue(reflect.ValueOf(a), reflect.ValueOf(b)) }

var pos, route = reflect.TypeFor[config.Pos](), reflect.TypeFor[iproute.Route]()

// sameValue is reflect.DeepEqual for what a configuration is made of, but that a
// line that has moved in its file is the same line, and that no list is an empty
// one.
func sameValue(a, b reflect.Value) bool {
	if a.Type() == pos {
		return true
	}
	switch a.Kind() {
	case reflect.Struct:
		if a.Type().PkgPath() != pos.PkgPath() && a.Type().PkgPath() != route.PkgPath() {
			return a.Equal(b) // an address of net/netip
		}
		for i := range a.NumField() {
			if a.Type().Field(i).Name == "Origin" { // a position too
				continue
			}
			if !sameValue(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameValue(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, k := range a.MapKeys() {
			if v := b.MapIndex(k); !v.IsValid() || !sameValue(a.MapIndex(k), v) {
				return false
			}
		}
		return true
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return sameValue(a.Elem(), b.Elem())
	}
	return a.Equal(b)
}
