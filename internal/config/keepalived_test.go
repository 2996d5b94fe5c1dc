package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// comparison is a configuration that keepalived 2.2.7 and vrrpx both judge.
// differs says why they may disagree; empty: they may not.
type comparison struct{ text, differs string }

const (
	absent     = "not supported yet, or not with this value"
	corrected  = "keepalived corrects it and runs, and so do we, with a warning"
	nothing    = "there is no router to run"
	documented = "keepalived 2.4 and its manual have it so"
)

const scriptGlobals = "global_defs {\nenable_script_security\nscript_user root\n}\n"

// scripts is a router that tracks a script with further statements.
func scripts(lines, track string) string {
	if track == "" {
		track = "check"
	}
	return scriptGlobals + "vrrp_script check {\nscript \"/bin/true\"\n" + lines + "\n}\n" + instance("track_script {\n"+track+"\n}")
}

// tracked and process are routers that track a file or a process.
func tracked(lines, track string) string {
	return "track_file f {\n" + lines + "\n}\n" + instance("track_file {\n"+track+"\n}")
}

func process(lines, track string) string {
	return "vrrp_track_process p {\n" + lines + "\n}\n" + instance("track_process {\n"+track+"\n}")
}

// instance is a router with further statements.
func instance(statements string) string {
	return strings.Replace(minimal, "virtual_ipaddress", statements+"\nvirtual_ipaddress", 1)
}

func globals(statements string) string { return "global_defs {\n" + statements + "\n}\n" + minimal }

func address(line string) string { return strings.Replace(minimal, "10.0.0.3/24", line, 1) }

func auth(statements string) string { return instance("authentication {\n" + statements + "\n}") }

var comparisons = []comparison{
	// The language.
	{minimal, ""},
	{"", nothing},
	{"global_defs {\nrouter_id a\n}\n", nothing},
	{strings.ReplaceAll(minimal, "\n", "\r\n"), ""},
	{strings.ReplaceAll(minimal, " {", "{"), ""},
	{strings.ReplaceAll(minimal, " {", "\n\n# {\n{"), ""},
	{strings.ReplaceAll(minimal, "\n}", "}"), ""},
	{strings.ReplaceAll(minimal, "\n", " # {\n"), ""},
	{strings.ReplaceAll(minimal, "\n", "!}\n"), ""},
	{strings.Replace(minimal, "{\n", "{ ", 1), ""},
	{strings.Replace(minimal, "{\n10", "{ 10", 1), ""},
	{strings.Replace(minimal, "eth0", `"eth0"`, 1), ""},
	{strings.Replace(minimal, "VI_1", `"V 1"`, 1), ""},
	{strings.Replace(minimal, "VI_1", `""`, 1), "a router without a name cannot be told in a log"},
	{strings.Replace(minimal, "VI_1", "", 1), ""},
	{strings.Replace(minimal, "VI_1", "VI_1 VI_2", 1), ""},
	{strings.Replace(minimal, "interface eth0", "interface eth0 virtual_router_id 51", 1), ""},
	{strings.Replace(minimal, "interface ", "interface \\\n", 1), "a line may be joined to the next"},
	{strings.Replace(minimal, "}\n}", "}\n", 1), ""},
	{minimal + "}\n", ""},
	{"priority 100\n" + minimal, ""},
	{"nonsense\n" + minimal, ""},
	{"nonsense {\nfoo\n}\n" + minimal, ""},
	{instance("nonsense"), ""},
	{instance("nonsense {\nfoo\n}"), ""},
	{instance("router_id x"), ""},
	{instance("priority 100 {\n}"), ""},
	{instance("authentication"), ""},
	{instance("authentication {\n}"), ""},
	{instance("priority 100 200"), ""},
	{instance("nopreempt foo"), ""},
	{"\ufeff" + minimal, "a byte order mark is harmless"},
	{strings.Replace(minimal, "eth0", "eth0\x00", 1), "keepalived reads up to the NUL without a word"},
	{"$ID=51\n" + strings.Replace(minimal, "51", "$ID", 1), ""},
	{"@nobody nonsense\n" + minimal, ""},
	{"include nothing.conf\n" + minimal, ""},
	{"include no*.conf\n" + minimal, ""},
	{"includer nothing.conf\n" + minimal, ""},
	{"includem nothing.conf\n" + minimal, ""},
	{"includem no*.conf\n" + minimal, ""},
	{"includew no*.conf\n" + minimal, ""},
	{"includea {a,b}.conf\n" + minimal, ""},
	{"includex foo\n" + minimal, ""},

	// vrrp_instance.
	{instance("state MASTER"), ""},
	{instance("state MASTER\npriority 150"), ""},
	{instance("state MASTER\nstate MASTER"), ""},
	{instance("state MASTER\nstate BACKUP"), ""},
	{instance("state master"), ""},
	{instance("state"), ""},
	{instance("priority 0"), ""},
	{instance("priority 1"), ""},
	{instance("priority 255"), ""},
	{instance("priority 256"), ""},
	{instance("priority 010"), ""},
	{instance("priority +5"), ""},
	{instance("priority -5"), ""},
	{instance("priority 0x64"), ""},
	{instance("priority 100abc"), ""},
	{instance("priority"), ""},
	{instance("priority 100\npriority 150"), ""},
	{instance("virtual_router_id 52"), ""},
	{strings.Replace(minimal, "51", "0", 1), ""},
	{strings.Replace(minimal, "51", "256", 1), ""},
	{strings.Replace(minimal, "51", "x", 1), ""},
	{strings.Replace(minimal, "virtual_router_id 51\n", "", 1), ""},
	{strings.Replace(minimal, "interface eth0\n", "", 1), ""},
	{strings.Replace(minimal, "eth0", "eth0123456789012", 1), ""},
	{strings.Replace(minimal, "10.0.0.3/24\n", "", 1), ""},
	{instance("version 2"), ""},
	{instance("version 3"), ""},
	{instance("version 4"), ""},
	{instance("advert_int 0"), ""},
	{instance("advert_int 0.4"), corrected},
	{instance("advert_int 1."), ""},
	{instance("advert_int 1e0"), ""},
	{instance("advert_int 1s"), ""},
	{instance("advert_int 255"), ""},
	{instance("advert_int 256"), ""},
	{instance("version 3\nadvert_int 0.01"), ""},
	{instance("version 3\nadvert_int 0.009"), ""},
	{instance("version 3\nadvert_int 0.015"), corrected},
	{instance("version 3\nadvert_int 40.95"), ""},
	{instance("version 3\nadvert_int 41"), ""},
	{instance("nopreempt"), ""},
	{instance("nopreempt\npreempt"), ""},
	{instance("nopreempt\nstate MASTER\npriority 100"), corrected},
	{instance("nopreempt\npriority 255"), corrected},
	{instance("preempt_delay 5"), ""},
	{instance("preempt_delay 0.5"), ""},
	{instance("preempt_delay 1000"), ""},
	{instance("preempt_delay 1000.1"), ""},
	{instance("preempt_delay -1"), ""},
	{instance("preempt_delay 5\nstate MASTER\npriority 100"), corrected},
	{instance("preempt_delay 5\nnopreempt"), corrected},
	{instance("preempt_delay 5\npriority 255"), corrected},
	{"global_defs {\nvrrp_strict\n}\n" + instance("preempt_delay 5"), corrected},
	{instance("preempt_delay 0"), ""},
	{instance("accept"), ""},
	{instance("skip_check_adv_addr"), ""},
	{instance("skip_check_adv_addr off"), ""},
	{instance("skip_check_adv_addr 1"), ""},
	{instance("lower_prio_no_advert yes"), ""},
	{instance("lower_prio_no_advert YES"), ""},
	{instance("owner_ignore_adverts"), documented},
	{instance("owner_ignore_adverts off"), documented},
	{globals("vrrp_owner_ignore_adverts"), documented},
	{instance("higher_prio_send_advert"), ""},
	{instance("higher_prio_send_advert maybe"), ""},
	{globals("vrrp_higher_prio_send_advert off"), ""},
	{"global_defs {\nvrrp_strict\n}\n" + instance("higher_prio_send_advert"), corrected},
	{instance("garp_lower_prio_repeat 0\ngarp_lower_prio_delay 0"), ""},
	{instance("garp_lower_prio_repeat x"), ""},
	{globals("vrrp_garp_lower_prio_repeat 1\nvrrp_garp_lower_prio_delay 10"), ""},
	{globals("vrrp_garp_lower_prio_delay -1"), ""},
	{instance("down_timer_adverts 100"), ""},
	{instance("down_timer_adverts 0"), ""},
	{instance("garp_master_delay 0"), ""},
	{instance("garp_master_delay 1.5"), ""},
	{instance("garp_master_delay -1"), ""},
	{instance("garp_master_repeat 0"), ""},
	{instance("garp_master_repeat 1000"), ""},
	{instance("garp_master_repeat 100000"), "over 1000 rounds of gratuitous ARP are a flood"},
	{instance("garp_master_refresh_repeat 0"), ""},
	{instance("v3_checksum_as_v2"), documented},
	{instance("mcast_dst_ip 224.0.0.18"), ""},
	{instance("mcast_dst_ip 224.0.0.19"), ""},
	{instance("mcast_dst_ip 10.0.0.1"), ""},
	{instance("mcast_dst_ip foo"), ""},
	{instance("mcast_dst_ip ff02::12"), ""},
	{instance("mcast_src_ip 10.0.0.1"), ""},
	{instance("mcast_src_ip foo"), ""},
	{instance("mcast_src_ip 224.0.0.1"), "no host can have it"},
	{instance("mcast_src_ip fe80::1"), ""},
	{instance("use_vmac"), ""},
	{instance("use_vmac vmac0"), ""},
	{instance("use_vmac vmac0 02:11:22:33:44:55"), ""},
	{instance("use_vmac 2:11:22:33:44:55"), ""},
	{instance("use_vmac 02:11:22:33:44"), ""},
	{instance("use_vmac 01:11:22:33:44:55"), ""},
	{instance("use_vmac 00:00:00:00:00:00"), "the kernel refuses it"},
	{instance("use_vmac 02:11:22:33:44:55:66"), "a MAC address has 6 octets"},
	{instance("use_vmac abcdefghijklmno"), ""},
	{instance("use_vmac abcdefghijklmnop"), ""},
	{instance("use_vmac a/b"), ""},
	{instance("use_vmac a b"), ""},
	{instance("use_vmac eth0"), ""},
	{instance("use_vmac name vmac0"), documented},
	{instance("use_vmac group 5"), ""},
	{instance("use_vmac netlink_notify_msg"), ""},
	{instance("use_vmac\nvmac_xmit_base"), ""},
	{instance("vmac_xmit_base"), corrected},
	{instance("use_vmac\nstrict_mode\nvmac_xmit_base"), corrected},
	{instance("use_vmac_addr"), ""},
	{instance("use_vmac vmac0") + strings.NewReplacer("VI_1", "VI_2", "51", "52", "0.3", "0.4").Replace(instance("use_vmac vmac0")), ""},
	{instance("use_vmac") + strings.NewReplacer("VI_1", "VI_2", "eth0", "eth1", "0.3", "0.4").Replace(instance("use_vmac")), ""},
	{instance("use_vmac 02:11:22:33:44:55") + strings.NewReplacer("VI_1", "VI_2", "51", "52", "0.3", "0.4").Replace(instance("use_vmac 02:11:22:33:44:55")), "the second device could not be set up"},
	{instance("smtp_alert"), ""},
	{instance("debug 1"), ""},
	{instance("native_ipv6"), ""},
	{minimal + minimal, ""},
	{minimal + strings.NewReplacer("VI_1", "VI_2", "0.3", "0.4").Replace(minimal), ""},
	{minimal + strings.NewReplacer("VI_1", "VI_2", "51", "52").Replace(minimal), ""},

	// authentication.
	{auth("auth_type PASS\nauth_pass 1111"), ""},
	{auth("auth_type PASS\nauth_pass 12345678"), ""},
	{auth("auth_type PASS\nauth_pass 123456789"), corrected},
	{auth("auth_type PASS\nauth_pass \"a{b#\""), ""},
	{auth("auth_type PASS\nauth_pass a{b"), ""},
	{auth("auth_type PASS\nauth_pass \"ab"), ""},
	{auth("auth_type PASS\nauth_pass a\\\"b"), "an escaped quote is a character"},
	{auth("auth_type PASS\nauth_pass"), ""},
	{auth("auth_type PASS\nauth_pass \"\""), ""},
	{auth("auth_type PASS"), ""},
	{auth("auth_pass 1111"), ""},
	{auth("auth_type pass\nauth_pass 1111"), ""},
	{auth("auth_type NONE"), ""},
	{auth("auth_type AH\nauth_pass 1111"), ""},
	{auth("auth_type AH\nauth_pass 123456789"), corrected},
	{auth("auth_type AH"), ""},
	{auth("auth_type AH\nauth_pass 1111\n}\nversion 3\nauthentication {"), corrected},
	{instance("state MASTER\npriority 150\nauthentication {\nauth_type AH\nauth_pass 1111\n}"), corrected},
	{instance("priority 255\nstate MASTER\nauthentication {\nauth_type AH\nauth_pass 1111\n}"), ""},
	{strings.Replace(address("fe80::3/64"), "virtual_ip", "version 3\nauthentication {\nauth_type AH\nauth_pass 1111\n}\nvirtual_ip", 1), corrected},
	{hmacBlock(oneKey), documented},
	{auth("auth_type PASS\nauth_pass 1111\n}\nversion 3\nauthentication {"), corrected},

	// virtual_ipaddress.
	{address("10.0.0.3"), ""},
	{address("10.0.0.3/24 dev eth0 label eth0:1"), ""},
	{address("10.0.0.3/24 label foo"), ""},
	{address("10.0.0.3/24 label eth0:123456789"), ""},
	{address("10.0.0.3/24 label eth0:1234567890a"), ""},
	{address("10.0.0.3/24 label"), ""},
	{address("10.0.0.3/24 dev"), ""},
	{address("10.0.0.3/24 dev eth0 dev eth0"), ""},
	{address("10.0.0.3/24 scope link"), ""},
	{address("10.0.0.3/24 scope 0x20"), ""},
	{address("10.0.0.3/24 scope 256"), ""},
	{address("10.0.0.3/24 scope planet"), ""},
	{address("10.0.0.3/24 brd +"), ""},
	{address("10.0.0.3/24 brd -"), ""},
	{address("10.0.0.3/31 brd +"), ""},
	{address("10.0.0.3/24 broadcast 10.0.0.255"), ""},
	{address("10.0.0.3/24 brd x"), ""},
	{address("10.0.0.3/0"), ""},
	{address("10.0.0.3/"), "a / without a length is a slip"},
	{address("10.0.0.3/33"), ""},
	{address("10.0.0.3/255.255.255.0"), ""},
	{address("10.0.3"), ""},
	{address("10.0.0.300"), ""},
	{address("10.0.0.03"), ""},
	{address("10.0.0.3 10.0.0.4"), ""},
	{address("10.0.0.3 foo"), ""},
	{address("10.0.0.3 {\n}"), ""},
	{address("0.0.0.0"), "no host can have it"},
	{address("224.0.0.1"), "no host can have it"},
	{address("127.0.0.1"), "no host can have it"},
	{address("255.255.255.255"), "no host can have it"},
	{address("10.0.0.3\n10.0.0.3"), documented},
	{address("10.0.0.3\nfe80::1"), ""},
	{address("10.0.0.3 no_track"), ""},
	{address("10.0.0.3 noprefixroute"), ""},
	{address("10.0.0.3 preferred_lft 0"), ""},
	{address("10.0.0.3 preferred_lft forever"), ""},
	{address("10.0.0.3 preferred_lft soon"), ""},
	{address("10.0.0.3 preferred_lft"), ""},
	{address("10.0.0.3 use_vmac"), ""},
	{address("10.0.0.3 dev eth1 use_vmac"), absent},
	{address("fe80::1"), ""},
	{address("fe80::1/64\n2001:db8::1/64"), ""},
	{address("2001:db8::1\nfe80::1"), ""},
	{address("fe80::1\n10.0.0.3"), ""},
	{address("fe80::1/0"), ""},
	{address("fe80::1/129"), ""},
	{address("fe80::1%eth0"), ""},
	{address("fe80::1 dev eth1"), ""},
	{address("fe80::1 label eth0:1"), ""},
	{address("fe80::1 scope link"), ""},
	{address("fe80::1 brd +"), ""},
	{address("fe80::1\nfe80::1"), documented},
	{address("::1"), "no host can have it"},
	{address("::"), "no host can have it"},
	{address("ff02::5"), "no host can have it"},
	{address("::ffff:10.0.0.1"), "no host can have it"},
	{minimal + strings.NewReplacer("VI_1", "VI_2", "10.0.0.3/24", "fe80::3").Replace(minimal), ""},
	{address("fe80::1") + strings.NewReplacer("VI_1", "VI_2", "10.0.0.3/24", "fe80::3").Replace(minimal), ""},
	{strings.Replace(address("fe80::1"), "virtual_ip", "native_ipv6\nvirtual_ip", 1), ""},
	{strings.Replace(address("fe80::1"), "virtual_ip", "version 2\nvirtual_ip", 1), ""},
	{strings.Replace(address("fe80::1"), "virtual_ip", "advert_int 0.5\nvirtual_ip", 1), ""},
	{"global_defs {\nvrrp_version 2\n}\n" + address("fe80::1"), ""},
	{"global_defs {\nvrrp_strict\n}\n" + address("fe80::1"), ""},
	{"global_defs {\nvrrp_strict\n}\n" + address("2001:db8::1"), ""},
	{address("10.0.0.3\n}\nvirtual_ipaddress_excluded {\n10.0.1.3/24 dev eth0"), ""},
	{address("10.0.0.3\n}\nvirtual_ipaddress_excluded {\nfoo"), ""},
	{address("10.0.0.3\n}\nvirtual_ipaddress_excluded {\nfe80::1"), ""},
	{address("10.0.0.3\n}\nvirtual_ipaddress_excluded {\n10.0.0.3"), documented},
	{address("10.0.0.3\n}\nvirtual_ipaddress_excluded {"), ""},
	{address("10.0.0.3\n}\nno_virtual_ipaddress\nvirtual_ipaddress {\n10.0.0.4"), documented},
	{strings.NewReplacer("virtual_ipaddress {", "no_virtual_ipaddress", "10.0.0.3/24\n}\n", "").Replace(minimal), documented},
	{strings.NewReplacer("virtual_ipaddress {", "virtual_ipaddress_excluded {").Replace(minimal), ""},

	// global_defs.
	{globals("router_id a b"), ""},
	{globals("router_id"), ""},
	{globals("vrrp_version 3"), ""},
	{globals("vrrp_version 1"), ""},
	{globals("vrrp_garp_interval 0.1"), ""},
	{globals("vrrp_garp_interval 0"), "keepalived refuses what its own sample has"},
	{globals("vrrp_gna_interval 0"), "keepalived refuses what its own sample has"},
	{globals("vrrp_garp_interval -1"), ""},
	{globals("vrrp_min_garp"), ""},
	{globals("vrrp_down_timer_adverts 0"), ""},
	{globals("vrrp_strict"), ""},
	{globals("vrrp_strict foo"), documented},
	{globals("vmac_prefix abc"), ""},
	{globals("vmac_prefix abcdefghijklmnopqrs"), ""},
	{globals("vmac_prefix"), ""},
	{globals("vmac_addr_prefix abc"), ""},
	{globals("vrrp_skip_check_adv_addr off"), ""},
	{globals("vrrp_mcast_group4 224.0.0.18"), ""},
	{globals("vrrp_mcast_group4 224.0.0.19"), ""},
	{globals("vrrp_mcast_group4 10.0.0.1"), ""},
	{globals("vrrp_mcast_group4 foo"), ""},
	{globals("vrrp_startup_delay 5.5"), ""},
	{globals("vrrp_startup_delay 0.001"), ""},
	{globals("vrrp_startup_delay 0"), ""},
	{globals("vrrp_startup_delay x"), ""},
	{globals("vrrp_delay_after_boot 5"), documented},
	{globals("smtp_server 127.0.0.1 587"), ""},
	{globals("smtp_server 127.0.0.1 99999"), ""},
	{globals("smtp_server"), ""},
	{globals("smtp_connect_timeout 0"), ""},
	{globals("smtp_connect_timeout 1.5"), ""},
	{globals("notification_email {\na@b\n}"), ""},
	{globals("notification_email {\n}"), corrected},
	{globals("vrrp_strict") + "\n", ""},
	{"global_defs {\nvrrp_strict\n}\n" + instance("state MASTER\npriority 150"), corrected},
	{"global_defs {\nvrrp_strict\n}\n" + instance("down_timer_adverts 5"), corrected},
	{"global_defs {\nvrrp_strict\n}\n" + instance("accept"), corrected},
	{"global_defs {\nvrrp_strict\n}\n" + auth("auth_type PASS\nauth_pass 1111"), corrected},
	{"global_defs {\nvrrp_strict\n}\n" + instance("strict_mode off") + "\n", ""},

	// Tracking and programs.
	{instance("track_interface {\neth1\n}"), ""},
	{instance("track_interface {\neth1 weight 10\n}"), ""},
	{instance("track_interface {\neth1 weight -10 reverse\n}"), ""},
	{instance("track_interface {\neth1 weight 254\n}"), ""},
	{instance("track_interface {\neth1 weight x\n}"), ""},
	{instance("track_interface {\neth1 10\n}"), ""},
	{instance("track_interface {\neth1\neth1\n}"), ""},
	{instance("dont_track_primary"), ""},
	{scripts("", ""), ""},
	{scripts("", "check weight 20"), ""},
	{scripts("", "check weight -20 reverse"), ""},
	{scripts("", "check weight 300"), ""},
	{scripts("", "other"), ""},
	{scripts("", "check\ncheck"), ""},
	{scripts("interval 2\ntimeout 1\nrise 2\nfall 3\nweight -20\ninit_fail\nuser root", ""), ""},
	{scripts("interval 0.5", ""), documented},
	{scripts("interval 0", ""), ""},
	{scripts("interval x", ""), ""},
	{scripts("timeout 0", ""), ""},
	{scripts("weight 254", ""), ""},
	{scripts("weight 10 reverse", ""), ""},
	{scripts("weight 10 nonsense", ""), ""},
	{scripts("rise 0", ""), ""},
	{scripts("fall 0", ""), ""},
	{scripts("nonsense", ""), ""},
	{tracked("file /tmp/vrrpx-none", "f"), ""},
	{tracked("file /tmp/vrrpx-none\nweight -254 reverse", "f weight 254 noreverse"), ""},
	{tracked("file /tmp/vrrpx-none\nweight 255", "f"), ""},
	{tracked("file /tmp/vrrpx-none\nweight x", "f"), ""},
	{tracked("file /tmp/vrrpx-none", "f weight 300"), ""},
	{tracked("file /tmp/vrrpx-none", "f weight 3 nonsense"), ""},
	{tracked("file /tmp/vrrpx-none", "f\nf"), ""},
	{tracked("file /tmp/vrrpx-none\ninit_file 5 overwrite", "f"), ""},
	{tracked("file /tmp/vrrpx-none\ninit_file twice", "f"), ""},
	{tracked("weight 5", "f"), ""},
	{process("process nginx", "p"), ""},
	{process("process nginx -g \"daemon off;\"\nparam_match partial\nquorum 2\nquorum_max 4\ndelay 0.5\nfork_delay 1\nterminate_delay 2\nfull_command\nweight 254 reverse", "p weight 20"), ""},
	{process("process nginx\nquorum_max 0", "p"), ""},
	{process("process nginx\nquorum 0", "p"), ""},
	{process("process nginx\nquorum 3\nquorum_max 2", "p"), ""},
	{process("process nginx\nparam_match all", "p"), ""},
	{process("process nginx\nweight 255", "p"), ""},
	{process("process nginx\ndelay 3601", "p"), ""},
	{process("quorum 1", "p"), ""},
	{process("process nginx", "q"), ""},
	{scriptGlobals + instance("notify /bin/true\nnotify_master \"/bin/true a b\"\nnotify_backup /bin/true root\nnotify_fault /bin/true root root\nnotify_stop /bin/true"), ""},
	{scriptGlobals + instance("notify_master_rx_lower_pri /bin/true\nnotify_priority_changes on"), ""},
	{scriptGlobals + instance("notify_master"), ""},
	{instance("notify_priority_changes maybe"), ""},

	// The language around the statements; the configuration id is high.
	{"$P=150\n" + instance("priority $P"), ""},
	{"$P=150 # the usual\n" + instance("priority $P # usual"), ""},
	{"  $P=150\n" + instance("priority ${P}"), ""},
	{"$P=999\n" + instance("priority $P"), ""},
	{instance("priority ${P}"), ""},
	{"$P=15\n" + instance("priority ${P}0"), ""},
	{"$P=15\n" + instance("priority $P0"), ""},
	{"$P=\n" + instance("priority $P 150"), ""},
	{"$P=150\n" + instance("priority \"$P\""), ""},
	{"$P=150\n" + instance("priority \"${P}\""), ""},
	{"$P=${Q}0\n$Q=15\n" + instance("priority $P"), ""},
	{"$P=priority 150\n" + instance("$P"), ""},
	{"$P=150\n" + instance("# priority $P\npriority $P"), ""},
	{"@high $P=150\n@low $P=999\n" + instance("priority $P"), ""},
	{"@^high $P=999\n@^low $P=150\n" + instance("priority $P"), ""},
	{"$IF=@high\n" + instance("$IF priority 999"), ""},
	{"$IF=@low\n" + instance("$IF priority 999"), ""},
	{instance("@high priority 150\n@low priority 999"), ""},
	{instance("@^high priority 999"), ""},
	{instance("@^low priority 999"), ""},
	{"$BODY= \\\npriority 150 \\\npreempt_delay 5\n" + instance("$BODY"), ""},
	{"$BODY= \\\npriority 999 \\\npreempt_delay 5\n" + instance("$BODY"), ""},
	{"$VI= \\\nvrrp_instance VI_${N} { \\\ninterface eth0 \\\nvirtual_router_id ${N} \\\nvirtual_ipaddress { \\\n10.0.0.${N}/24 \\\n} \\\n}\n$N=7\n$VI\n$N=8\n$VI\n", ""},
	{"$VI= \\\nvrrp_instance VI_${N} { \\\ninterface eth0 \\\nvirtual_router_id ${N} \\\nvirtual_ipaddress { \\\n10.0.0.${N}/24 \\\n} \\\n}\n~SEQ(N, 7, 9) $VI\n", ""},
	{instance("virtual_ipaddress_excluded {\n~SEQ(I, 10, 12) 10.0.0.${I}\n}"), ""},
	{instance("virtual_ipaddress_excluded {\n~SEQ(I, 254, 257) 10.0.0.${I}\n}"), ""},
	{instance("virtual_ipaddress_excluded {\n~SEQ(I, 12, -1, 10) 10.0.0.${I}\n}"), ""},
	{instance("virtual_ipaddress_excluded {\n~SEQ(J, 2) ~SEQ(I, 10, 12) 10.0.${J}.${I}\n}"), ""},
	{instance("virtual_ipaddress_excluded {\n~SEQ(I, x, 12) 10.0.0.${I}\n}"), ""},
	{instance("virtual_ipaddress_excluded {\n~LST(I, 10, 12) 10.0.0.${I}\n}"), ""},
	{instance("virtual_ipaddress_excluded {\n~LST(I, 10, 300) 10.0.0.${I}\n}"), ""},
	{instance("virtual_ipaddress_excluded {\n~LST({I, J}, {10, 1}, {12, 2}) 10.0.${J}.${I}\n}"), ""},
	{instance("virtual_ipaddress_excluded {\n~SEQx(I, 0x90, 0x10, 0xc0) 2001:db8::${I}\n}"), ""},

	// What is not VRRP.
	{"virtual_server 10.0.0.3 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.7 80 {\nTCP_CHECK {\nconnect_timeout 3\n}\n}\n}\n" + minimal, ""},
	{"virtual_server 10.0.0.3 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nnonsense\nreal_server 10.0.0.7 80 {\nTCP_CHECK {\n}\n}\n}\n" + minimal, "a mistake there is none of VRRP: a warning"},
	{"virtual_server 10.0.0.3 80 {\nlb_algo rr\n" + minimal, ""},
}

// TestAgreesWithKeepalived judges configurations with the real keepalived and
// with vrrpx. Where they differ on purpose the table says why.
func TestAgreesWithKeepalived(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	host, dir := oracle(t), t.TempDir()
	var wait sync.WaitGroup
	turns := make(chan struct{}, 8) // keepalived -t mostly sleeps
	for i, c := range slices.Concat(comparisons, unicastComparisons, routeComparisons(), groupComparisons) {
		wait.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			path := filepath.Join(dir, fmt.Sprintf("%d.conf", i))
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Error(err)
				return
			}
			log, theirs := keepalivedTakes(t, host, path)
			cfg, diags := Load(path, "high")
			ours := cfg != nil
			if (ours != theirs) != (c.differs != "") {
				t.Errorf("keepalived takes it: %v, vrrpx: %v, expected to differ: %q\n%s\n%s\n%s", theirs, ours, c.differs, c.text, log, show(diags))
			}
		})
	}
	wait.Wait()
}

func oracle(t *testing.T) *testnet.Host {
	t.Helper()
	lan := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "lb01"}}, Links: 4}.ForTest(t)
	return lan.Host("lb01")
}

// keepalivedTakes tells whether `keepalived -t` ends with 0.
func keepalivedTakes(t *testing.T, host *testnet.Host, path string) (string, bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := host.Command(ctx, "keepalived", "-t", "-l", "-i", "high", "-f", path).CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Errorf("keepalived -t: %v, %v: %s", err, ctx.Err(), out)
	}
	return string(out), err == nil
}
