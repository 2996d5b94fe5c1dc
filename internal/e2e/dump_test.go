package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// dumpConf has a router for most of what the dumps have a line for.
const dumpConf = `
global_defs {
	router_id lb01
	enable_script_security
	script_user root
	vrrp_garp_master_refresh 60
}
vrrp_script good {
	script "/usr/bin/true"
	interval 1
	weight 10
	rise 2
	fall 3
}
vrrp_script bad {
	script "/usr/bin/false"
	interval 1
}
vrrp_sync_group G {
	group {
		M
		W
	}
	notify_master "/usr/bin/true g"
	notify "/usr/bin/true n"
}
vrrp_instance M {
	interface eth0
	virtual_router_id 51
	priority 150
	authentication {
		auth_type PASS
		auth_pass 1111
	}
	virtual_ipaddress {
		10.99.0.100/24 label eth0:1
		10.99.0.101
		10.99.0.102/24 brd + scope link
		10.99.0.103 peer 10.99.0.104
	}
	virtual_ipaddress_excluded {
		10.99.0.105
	}
	notify_master "/usr/bin/true m" root
	notify "/usr/bin/true n"
}
vrrp_instance B {
	interface eth0
	virtual_router_id 52
	version 3
	advert_int 0.5
	priority 90
	nopreempt
	track_script {
		good
	}
	track_interface {
		eth0 weight -5
	}
	virtual_ipaddress {
		10.99.0.110
	}
	notify_backup "/usr/bin/true b"
}
vrrp_instance F {
	interface eth0
	virtual_router_id 53
	version 3
	no_accept
	dont_track_primary
	track_script {
		bad
	}
	virtual_ipaddress {
		10.99.0.120
	}
	notify_fault "/usr/bin/true f"
	notify_stop "/usr/bin/true s"
}
vrrp_instance U {
	interface eth0
	virtual_router_id 54
	priority 120
	unicast_peer {
		10.99.0.2
	}
	virtual_ipaddress {
		10.99.0.130
	}
}
vrrp_instance V {
	interface eth0
	virtual_router_id 55
	version 3
	advert_int 0.1
	preempt_delay 5
	use_vmac
	virtual_ipaddress {
		10.99.0.140
	}
}
vrrp_instance W {
	interface eth0
	virtual_router_id 57
	priority 150
	virtual_ipaddress {
		10.99.0.150
	}
	virtual_routes {
		10.77.0.0/16 via 10.99.0.2 dev eth0
	}
	virtual_rules {
		from 10.77.0.0/16 table 100 priority 500
	}
}
`

// parseDump reads a .data or .stats file: the names of blocks, and of the
// fields in each; the lines of a list are fields with numbers. It knows the
// forms of keepalived's files and nothing of who wrote them.
func parseDump(text string) map[string]map[string]string {
	section := regexp.MustCompile(`^------< (.+) >------$`)
	block := regexp.MustCompile(`^ ?(VRRP Instance|VRRP Script|VRRP Sync Group|Name)(?: =|:) ([^\s,]+)(?:, (\w+))?$`)
	field := regexp.MustCompile(`^ {1,3}(\S[^=:]*?) ?[=:] ?(.*)$`)
	all := map[string]map[string]string{}
	items := map[string]int{}
	in, list := "", ""
	put := func(k, v string) {
		if all[in] == nil {
			all[in] = map[string]string{}
		}
		all[in][k] = v
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := section.FindStringSubmatch(line); m != nil {
			in, list = m[1], ""
		} else if m := block.FindStringSubmatch(line); m != nil {
			in, list = m[1]+" "+m[2], ""
			put("", m[3])
		} else if strings.HasPrefix(line, "    ") {
			k, v, isField := strings.Cut(strings.TrimSpace(line), ": ")
			if !isField || list == "Virtual IP" {
				items[in+list]++
				k, v = fmt.Sprint(items[in+list]), strings.TrimSpace(line)
			}
			put(list+"/"+k, v)
		} else if m := field.FindStringSubmatch(line); m != nil {
			name, _, _ := strings.Cut(m[1], " (")
			list = name
			put(name, m[2])
		} else {
			words := strings.Fields(line)
			put(strings.Join(words[:len(words)-1], " "), words[len(words)-1])
		}
	}
	return all
}

// dumps are a daemon's three files in the same situation.
type dumps struct {
	data, stats map[string]map[string]string
	json        []map[string]map[string]any
}

func dumpsOf(t *testing.T, p party) (d dumps) {
	t.Helper()
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	// The master that B follows.
	start(t, b, "off", testnet.Conf(3, testnet.Instance{Priority: 200, AdvertInt: "0.5", VRID: 52, VIPs: []string{"10.99.0.110"}}))
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	daemon := p.start(t, a, dumpConf)
	await(t, "the masters", func() bool {
		return a.HasAddr("10.99.0.100") && a.HasAddr("10.99.0.130") && a.HasAddr("10.99.0.140")
	})
	time.Sleep(time.Second) // until a script has run often enough to be up
	read := func(name string, sig syscall.Signal) []byte {
		must(t, syscall.Kill(daemon.PIDs()[0], sig))
		path := filepath.Join(dir, "keepalived."+name)
		var b []byte
		await(t, path, func() bool {
			before := len(b)
			b, _ = os.ReadFile(path)
			return len(b) > 0 && len(b) == before
		})
		return b
	}
	d.data = parseDump(string(read("data", syscall.SIGUSR1)))
	d.stats = parseDump(string(read("stats", syscall.SIGUSR2)))
	must(t, json.Unmarshal(read("json", 36), &d.json))
	return d
}

// What vrrpx has otherwise or not at all, by kind of block and field, with its
// reason; docs/differences.md has it for people.
var dumpDiffers = []struct{ field, why string }{
	{`^Global definitions/`, "only what concerns VRRP, and the defaults are those of vrrpx"},
	{`^VRRP Instance/Password$`, "no password is written to a file"},
	{`^VRRP Instance/Read timeout$`, "a moment; as MASTER none, since a thread paces the adverts"},
	{`^VRRP Instance/Last transition$`, "a moment"},
	{`/fd_in \d+,? fd_out$`, "there are no such sockets"},
	{`^VRRP Instance/Check unicast src$`, "on by default"},
	{`^VRRP Instance/Flags$`, "an empty list there, none here"},
	{`^VRRP Script/(Result|State)$`, "keepalived's own tally"},
	{`^VRRP Script/Timeout$`, "the interval where none is given, there 0"},
	{`^Name/IPv6 address$`, "of another host of the test"},
	{`^Name/MAC$`, "likewise"},
	{`^Name/index$`, "the pair of the advert clock has the two before that of a virtual MAC's device"},
	{`^Name/(Delayed state change running|(Up|Down) debounce timer|Seen up|HW Type|MAC broadcast|NIC netlink status|rp_filter)$`, "keepalived's own view of an interface"},
	{`^Name/(Original|Reset|VMAC type|I/f created)`, "keepalived's own settings of an interface"},
	{`^VRRP Instance/Virtual (Routes|Rules)/`, "as ip route and ip rule have them"},
	{`^data/v(routes|rules)$`, "likewise"},
	{`^data/last_transition$`, "a moment"},
	{`^data/auth_data$`, "no password is written to a file"},
}

var advertCount = regexp.MustCompile(`/(Advertisements/(Received|Sent)|advert_(rcvd|sent))$`)

func TestDumpsHaveWhatKeepalivedWrites(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	var ours, theirs dumps
	t.Run("keepalived", func(t *testing.T) { theirs = dumpsOf(t, keepalived) })
	t.Run("vrrpx", func(t *testing.T) { ours = dumpsOf(t, native) })
	excused := map[string]bool{}
	differs := func(where, field string, v any, ok bool, want any) {
		if ok && fmt.Sprint(v) == fmt.Sprint(want) {
			return
		}
		if advertCount.MatchString(field) && ok && fmt.Sprint(v) != "0" && fmt.Sprint(want) != "0" {
			return // the two were not asked after the same time
		}
		for _, d := range dumpDiffers {
			if regexp.MustCompile(d.field).MatchString(field) {
				excused[d.field] = true
				return
			}
		}
		t.Errorf("%s: %s is %q, keepalived has %q", where, field, v, want)
	}
	compared := 0
	for _, f := range []struct {
		name         string
		ours, theirs map[string]map[string]string
	}{{"data", ours.data, theirs.data}, {"stats", ours.stats, theirs.stats}} {
		for block, fields := range f.theirs {
			kind := regexp.MustCompile(`^(VRRP Instance|VRRP Script|VRRP Sync Group|Name) \S+$`).ReplaceAllString(block, "$1")
			for field, want := range fields {
				v, ok := f.ours[block][field]
				differs(f.name+": "+block, kind+"/"+field, v, ok, want)
				compared++
			}
		}
	}
	if len(ours.json) != len(theirs.json) {
		t.Fatalf("json: %d routers, keepalived has %d", len(ours.json), len(theirs.json))
	}
	for i := range theirs.json {
		for part, fields := range theirs.json[i] {
			for k, want := range fields {
				v, ok := ours.json[i][part][k]
				differs(fmt.Sprintf("json: %v", theirs.json[i]["data"]["iname"]), part+"/"+k, v, ok, want)
				compared++
			}
		}
	}
	t.Logf("%d fields compared", compared)
	if compared < 600 {
		t.Errorf("the parser found %d fields", compared)
	}
	for _, d := range dumpDiffers {
		if !excused[d.field] {
			t.Errorf("%s does not differ any more: %s", d.field, d.why)
		}
	}
}
