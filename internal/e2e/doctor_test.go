package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/doctor"
	"github.com/vrrpx/vrrpx/internal/testnet"
)

// examine runs vrrpx doctor on a host.
func examine(t *testing.T, h *testnet.Host, args ...string) (all []doctor.Result, code int) {
	t.Helper()
	out, code := vrrpx(t, h, append([]string{"doctor", "--json"}, args...)...)
	var report struct {
		Worst   doctor.Verdict
		Results []doctor.Result
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("vrrpx doctor on %s: exit %d, %v: %s", h.Name, code, err, out)
	}
	if (code == 1) != (report.Worst == doctor.Bad) {
		t.Errorf("exit %d with %s", code, report.Worst)
	}
	return report.Results, code
}

// ofMachine are checks whose findings are the test machine's and not those of a
// namespace: its clock, its kernel and modules, what root may do there, and how busy
// it is.
var ofMachine = []string{"kernel", "clock", "capabilities", "memory", "realtime", "timing"}

// wrong are the results that raise something, without those of the machine.
func wrong(all []doctor.Result) (bad []doctor.Result) {
	for _, r := range all {
		if (r.Verdict == doctor.Warn || r.Verdict == doctor.Bad) && !slices.Contains(ofMachine, r.Name) {
			bad = append(bad, r)
		}
	}
	return bad
}

// finds fails the test unless a check says so, and no other raises anything.
func finds(t *testing.T, all []doctor.Result, check string, verdict doctor.Verdict, part string) {
	t.Helper()
	found := false
	for _, r := range wrong(all) {
		text := r.Finding + "\n" + strings.Join(r.Evidence, "\n")
		switch {
		case r.Name != check:
			t.Errorf("raised too: %+v", r)
		case r.Verdict == verdict && strings.Contains(text, part) && r.Fix != "":
			found = true
		}
	}
	if !found {
		t.Errorf("%s does not say %s, %q: %+v", check, verdict, part, all)
	}
}

func confFile(t *testing.T, conf string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keepalived.conf")
	must(t, os.WriteFile(file, []byte(conf), 0o600))
	return file
}

func nft(t *testing.T, h *testnet.Host, script string) {
	t.Helper()
	cmd := h.Command(context.Background(), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nft on %s: %v: %s\n%s", h.Name, err, out, script)
	}
}

func ipCommand(t *testing.T, h *testnet.Host, args ...string) {
	t.Helper()
	if out, err := h.Command(context.Background(), "ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v on %s: %v: %s", args, h.Name, err, out)
	}
}

// Real faults of the host and its firewall, as the tools of the host plant them; no
// daemon runs. A host without any comes first, and last, when all have been mended.
func TestDoctorFindsWhatIsPlanted(t *testing.T) {
	testnet.Need(t, "root", "nft", "ip", "iptables-save", "iptables")
	l := testnet.ForTest(t, "a", "b")
	a := l.Host("a")
	file := confFile(t, v3.conf(100))
	quick := []string{"-f", file, "--listen=0s"}
	healthy := func() {
		t.Helper()
		all, code := examine(t, a, quick...)
		for _, r := range wrong(all) {
			t.Errorf("a clean host: %+v", r)
		}
		if code != 0 && !slices.ContainsFunc(all, func(r doctor.Result) bool { return r.Verdict == doctor.Bad && slices.Contains(ofMachine, r.Name) }) {
			t.Errorf("exit %d on a clean host", code)
		}
	}
	healthy()
	set := func(f sysctlFile, value string) func() {
		before, err := f.read()
		must(t, err)
		must(t, f.write(value))
		return func() { must(t, f.write(before)) }
	}
	sysctl := func(f sysctlFile, value string) func() {
		var undo func()
		must(t, a.Do(func() error { undo = set(f, value); return nil }))
		return func() { must(t, a.Do(func() error { undo(); return nil })) }
	}
	ruleset := func(script string) func() {
		nft(t, a, script)
		return func() { nft(t, a, "flush ruleset") }
	}
	for _, tc := range []struct {
		name    string
		plant   func() (mend func())
		check   string
		verdict doctor.Verdict
		part    string
	}{
		{"rule", func() func() {
			return ruleset("table inet f {\nchain in {\ntype filter hook input priority 0; policy accept;\nmeta l4proto 112 counter drop\n}\n}\n")
		}, "firewall", doctor.Warn, "meta l4proto"},
		{"policy and jump", func() func() {
			return ruleset("table inet f {\nset s {\ntype ipv4_addr; flags interval; elements = { 192.168.0.0/16 }\n}\nchain z {\nip saddr @s accept\ntcp dport { 22, 80 } accept\n}\n" +
				"chain in {\ntype filter hook input priority 0; policy drop;\nct state vmap { established : accept, related : accept, invalid : drop }\niifname \"eth*\" jump z\n}\n}\n")
		}, "firewall", doctor.Warn, "policy drop"},
		{"accepted", func() func() {
			return ruleset("table inet f {\nchain z {\nip protocol { vrrp, ah } accept\n}\nchain in {\ntype filter hook input priority 0; policy drop;\niifname \"lo\" accept\npkttype multicast jump z\n}\n}\n")
		}, "", "", ""},
		{"egress", func() func() {
			return ruleset("table netdev f {\nchain out {\ntype filter hook egress device \"eth0\" priority 0; policy accept;\nip protocol 112 drop\n}\n}\n")
		}, "firewall", doctor.Bad, "vrrpx is held up"},
		{"iptables", func() func() {
			if out, err := a.Command(context.Background(), "iptables", "-A", "OUTPUT", "-p", "112", "-j", "REJECT").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return func() { nft(t, a, "flush ruleset") }
		}, "firewall", doctor.Warn, "-A OUTPUT -p vrrp -j REJECT"},
		{"down", func() func() {
			ipCommand(t, a, "link", "set", "eth0", "down")
			return func() {
				ipCommand(t, a, "link", "set", "eth0", "up")
				await(t, "the carrier", func() bool { return a.HasCarrier("eth0") })
			}
		}, "link", doctor.Bad, "eth0 is down"},
		{"arp_ignore", func() func() { return sysctl("ipv4/conf/eth0/arp_ignore", "8") }, "arp", doctor.Bad, "answers no ARP"},
		{"a twin", func() func() {
			ipCommand(t, a, "link", "add", "twin", "type", "bridge")
			ipCommand(t, a, "address", "add", "10.99.0.200/16", "dev", "twin")
			ipCommand(t, a, "link", "set", "twin", "up")
			undo := sysctl("ipv4/conf/all/arp_ignore", "1")
			more := sysctl("ipv4/conf/eth0/rp_filter", "1")
			return func() { more(); undo(); ipCommand(t, a, "link", "del", "twin") }
		}, "rp_filter", doctor.Warn, "twin has the same subnet"},
		{"a port of a bridge", func() func() {
			ipCommand(t, a, "link", "add", "br0", "type", "bridge")
			ipCommand(t, a, "link", "set", "eth0", "master", "br0")
			return func() { ipCommand(t, a, "link", "set", "eth0", "nomaster"); ipCommand(t, a, "link", "del", "br0") }
		}, "link", doctor.Bad, "part of the bridge br0"},
	} {
		mend := tc.plant()
		all, _ := examine(t, a, quick...)
		switch {
		case tc.check != "":
			t.Log(tc.name)
			finds(t, all, tc.check, tc.verdict, tc.part)
		default:
			for _, r := range wrong(all) {
				t.Errorf("%s: %+v", tc.name, r)
			}
		}
		mend()
	}
	healthy()
}

// What is heard and answered on a LAN with a real MASTER.
func TestDoctorHearsPeers(t *testing.T) {
	testnet.Need(t, "root")
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	db := b.StartForTest(t, testnet.VRRPX, v3.conf(150), "--xdp=off")
	await(t, "b to have the address", func() bool { return b.HasAddr(vip) })
	listen := "--listen=700ms"

	all, _ := examine(t, a, "-f", confFile(t, v3.conf(100)), listen)
	for _, r := range wrong(all) {
		t.Errorf("a good pair: %+v", r)
	}
	all, _ = examine(t, a, "-f", confFile(t, v2pass.conf(100)), listen)
	finds(t, all, "peers", doctor.Bad, "VRRPv3, and we VRRPv2")
	all, _ = examine(t, a, "-f", confFile(t, strings.Replace(v3.conf(100), vip, "10.99.9.7", 1)), listen)
	finds(t, all, "vrid", doctor.Bad, "other addresses")

	// A MASTER that is not heard: it answers all the same.
	must(t, l.FilterVRRP("b"))
	all, code := examine(t, a, "-f", confFile(t, v3.conf(100)), listen)
	finds(t, all, "duplicate", doctor.Bad, b.MAC.String())
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	must(t, l.UnfilterVRRP("b"))
	must(t, db.Stop())
}

// Beside a running vrrpx, without a file.
func TestDoctorOfARunningDaemon(t *testing.T) {
	testnet.Need(t, "root")
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	startPair(t, v3fast, "generic", a, b)
	all, _ := examine(t, b, "--listen=600ms")
	for _, r := range wrong(all) {
		t.Errorf("a good pair: %+v", r)
	}
	for _, name := range []string{"daemon", "xdp", "vrid", "duplicate"} {
		if !slices.ContainsFunc(all, func(r doctor.Result) bool {
			return r.Name == name && (r.Verdict == doctor.OK || r.Verdict == doctor.Note)
		}) {
			t.Errorf("%s: %+v", name, all)
		}
	}
	// 120 adverts, so that the gaps are worth a word.
	await(t, "the BACKUP to have heard enough", func() bool {
		time.Sleep(time.Second)
		n := uint64(0)
		for _, k := range router(t, b).Arrivals {
			n += k
		}
		return n >= 120
	})
	all, _ = examine(t, b, "--listen=0s")
	if !slices.ContainsFunc(all, func(r doctor.Result) bool {
		return r.Name == "timing" && strings.Contains(r.Finding, "gaps between adverts")
	}) {
		t.Errorf("timing: %+v", all)
	}
}
