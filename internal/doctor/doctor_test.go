package doctor

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
)

// raised are the results that say something is wrong.
func raised(all []Result) (bad []Result) {
	for _, r := range all {
		if r.Verdict == Warn || r.Verdict == Bad {
			bad = append(bad, r)
		}
	}
	return bad
}

func TestCleanHostRaisesNothing(t *testing.T) {
	hosts := map[string]func(*fake){
		"no daemon":     func(*fake) {},
		"IPv6":          func(f *fake) { f.conf = sixConf; f.silence() },
		"both families": func(f *fake) { f.conf = cleanConf + sixConf },
		"a BACKUP":      func(f *fake) { f.run(nil) },
		"strict rp_filter, one interface": func(f *fake) {
			f.net("ipv4/conf/all/rp_filter", "1")
			f.net("ipv4/conf/eth0/rp_filter", "1")
		},
		"generic mode is all there is":  func(f *fake) { f.xdp.Native = false },
		"an old kernel, without netdev": func(f *fake) { f.xdp = XDP{Driver: "e1000e"} },
		"no tcx, but cls_bpf":           func(f *fake) { f.features["tcx"] = true },
		"a bridge with snooping": func(f *fake) {
			f.conf = strings.Replace(cleanConf, "eth0", "br0", 1)
			f.ifaces = append(f.ifaces, Link{Index: 4, Name: "br0", Kind: "bridge", MTU: 1500, MAC: ourMAC, Up: true, Carrier: true, Multicast: true,
				Addresses: addresses("10.0.0.1/24"), Bridge: &Bridge{Snooping: true}})
			*f.iface("eth0") = Link{Index: 2, Name: "eth0", MAC: ourMAC, Up: true, Carrier: true, Multicast: true, Master: 4, MasterKind: "bridge", Port: &Port{}}
			f.silence()
			f.say(peerMAC, advert{on: "br0"})
		},
		"IPv6 on a bridge with a querier": func(f *fake) {
			f.conf = strings.Replace(sixConf, "eth0", "br0", 1)
			f.ifaces = append(f.ifaces, Link{Index: 4, Name: "br0", Kind: "bridge", MTU: 1500, MAC: ourMAC, Up: true, Carrier: true, Multicast: true,
				Addresses: addresses("fe80::1/64"), Bridge: &Bridge{Snooping: true, Heard6: true}})
			f.silence()
		},
		"no firewall": func(f *fake) { f.programs = nil },
		"the master answers for the address": func(f *fake) {
			f.answer("10.0.0.3", peerMAC)
			f.answer("10.0.0.4", [6]byte{0, 0, 0x5e, 0, 1, 51})
		},
		"our own answers": func(f *fake) { f.answer("10.0.0.3", ourMAC) },
		"two routers of one subnet": func(f *fake) {
			f.conf = cleanConf + strings.NewReplacer("VI_1", "VI_2", "51", "53", "10.0.0.3", "10.0.0.5", "10.0.0.4", "10.0.0.6").Replace(cleanConf)
			f.net("ipv4/conf/all/promote_secondaries", "0")
			f.net("ipv4/conf/eth0/promote_secondaries", "0")
		},
		"another VRID on the LAN":          func(f *fake) { f.say(farMAC, advert{vrid: 60, src: "10.0.0.9", addrs: []string{"10.0.0.99"}}) },
		"a MASTER":                         func(f *fake) { f.master(0) },
		"a MASTER whose adverts come back": func(f *fake) { f.master(30) },
		"a MASTER with a virtual MAC whose adverts come back": func(f *fake) {
			f.conf = with(cleanConf, "use_vmac")
			f.master(0)
			virtual := [6]byte{0, 0, 0x5e, 0, 1, 51}
			f.ifaces = append(f.ifaces, Link{Index: 9, Name: "vrrp.51", Kind: "macvlan", MTU: 1500, MAC: virtual, Lower: 2, Up: true, Carrier: true, Multicast: true, Addresses: addresses("10.0.0.3/24", "10.0.0.4/24")})
			f.iface("eth0").Addresses = addresses("10.0.0.1/24", "fe80::1/64")
			f.say(virtual, advert{src: "10.0.0.1", priority: 100, times: 30})
		},
		"the master has just changed": func(f *fake) {
			f.say(farMAC, advert{src: "10.0.0.9", priority: 120, times: 1})
		},
	}
	for name, change := range hosts {
		t.Run(name, func(t *testing.T) {
			f := clean()
			change(f)
			all := f.look(t)
			for _, r := range raised(all) {
				t.Errorf("raised: %+v", r)
			}
			for _, c := range Checks() {
				if !slices.ContainsFunc(all, func(r Result) bool { return r.Name == c.Name }) {
					t.Errorf("%s says nothing", c.Name)
				}
			}
		})
	}
}

func TestWithoutAConfigurationOnlyTheHostIsLookedAt(t *testing.T) {
	f := clean()
	f.conf = ""
	f.net("core/bpf_jit_enable", "0")
	all := f.look(t)
	if bad := raised(all); len(bad) != 1 || bad[0].Name != "kernel" {
		t.Errorf("raised: %+v", bad)
	}
	if i := slices.IndexFunc(all, func(r Result) bool { return r.Name == "vrid" }); i < 0 || all[i].Verdict != Skipped || !strings.Contains(all[i].Fix, "-f FILE") {
		t.Errorf("vrid: %+v", all)
	}
}

// fault is a planted one. Nothing else may be raised.
type fault struct {
	name    string
	plant   func(*fake)
	check   string
	verdict Verdict
	finding string // a part of it, or of the evidence
	fix     string // likewise
}

func TestPlantedFaultsAreFound(t *testing.T) {
	for _, tc := range slices.Concat(hostFaults, wireFaults, ruleFaults) {
		t.Run(tc.name, func(t *testing.T) {
			f := clean()
			tc.plant(f)
			all := f.look(t)
			for _, r := range raised(all) {
				if r.Name != tc.check {
					t.Errorf("raised too: %+v", r)
				}
			}
			var own []Result
			for _, r := range all {
				text := r.Subject + "\n" + r.Finding + "\n" + strings.Join(r.Evidence, "\n")
				if r.Name == tc.check && r.Verdict == tc.verdict && strings.Contains(text, tc.finding) && strings.Contains(r.Fix, tc.fix) {
					return
				}
				if r.Name == tc.check {
					own = append(own, r)
				}
			}
			t.Errorf("want %s of %s with %q, fix %q; got %+v", tc.verdict, tc.check, tc.finding, tc.fix, own)
		})
	}
	if n := len(hostFaults) + len(wireFaults) + len(ruleFaults); n < 12 {
		t.Errorf("%d faults", n)
	}
}

// Every finding that is raised says what to do.
func TestEveryFaultHasAFix(t *testing.T) {
	for _, tc := range slices.Concat(hostFaults, wireFaults, ruleFaults) {
		f := clean()
		tc.plant(f)
		for _, r := range raised(f.look(t)) {
			if r.Fix == "" || r.Finding == "" || len(r.Evidence) == 0 {
				t.Errorf("%s: %+v", tc.name, r)
			}
		}
	}
}

func TestConfigurationInOneResult(t *testing.T) {
	_, diags := config.Parse("f", []byte("nonsense\n"))
	if r := Configuration("f", nil, diags); r.Verdict != Bad || len(r.Evidence) == 0 || r.Fix == "" {
		t.Errorf("%+v", r)
	}
	cfg, diags := config.Parse("f", []byte(cleanConf))
	if r := Configuration("f", cfg, diags); r.Verdict != OK {
		t.Errorf("%+v", r)
	}
	var many []config.Diagnostic
	for n := range 7 {
		many = append(many, config.Diagnostic{Severity: config.Warning, Pos: config.Pos{File: "f", Line: n}, Message: "m", Hint: fmt.Sprint(n)})
	}
	if r := Configuration("f", cfg, many); r.Verdict != Warn || r.Fix != "0" || len(r.Evidence) != 4 {
		t.Errorf("%+v", r)
	}
}

func TestTheGravestComesFirst(t *testing.T) {
	var b bytes.Buffer
	all := []Result{
		{Name: "a", Verdict: OK, Finding: "well", Evidence: []string{"hidden"}},
		{Name: "b", Verdict: Warn, Finding: "costs", Fix: "mend it"},
		{Name: "c", Subject: "eth0", Verdict: Bad, Finding: "broken", Evidence: []string{"seen"}},
	}
	Write(&b, all)
	want := "bad      c eth0: broken\n         - seen\nwarn     b: costs\n         fix: mend it\nok       a: well\n1 bad, 1 warn, 1 ok\n"
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	if Worst(all) != Bad || Worst(all[:2]) != Warn || Worst(nil) != OK {
		t.Error("the worst is another")
	}
}

// docs/doctor.md has a line for each check, with the verdicts that it comes to, and all
// faults that are planted here.
func TestEveryCheckIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(doc)
	names := []string{NameConfiguration}
	for _, c := range Checks() {
		names = append(names, c.Name)
	}
	verdicts := map[string]string{} // of a check, as the page has them
	for _, name := range names {
		_, row, found := strings.Cut(text, "\n| `"+name+"` | ")
		if line, _, _ := strings.Cut(row, "\n"); strings.Count(line, " |") != 2 {
			t.Errorf("a line of docs/doctor.md with more or less than three columns: %s", line)
		}
		if verdicts[name], _, _ = strings.Cut(row, " |"); !found || strings.Contains(row, "\n| `"+name+"` |") {
			t.Errorf("%s has no line in docs/doctor.md, or several", name)
		}
	}
	_, planted, _ := strings.Cut(text, "\n## Planted faults\n")
	for _, name := range names {
		_, row, _ := strings.Cut(planted, "\n| "+name+" |")
		row, _, _ = strings.Cut(row, "\n")
		live, here, _ := strings.Cut(strings.TrimSuffix(row, " |"), " | ")
		if strings.Trim(live, " -")+strings.Trim(here, " -") == "" || strings.Contains(here, "|") {
			t.Errorf("docs/doctor.md has no fault that proves %s: %q", name, row)
		}
	}
	for _, f := range slices.Concat(hostFaults, wireFaults, ruleFaults) {
		_, row, _ := strings.Cut(planted, "\n| "+f.check+" |")
		row, _, _ = strings.Cut(row, "\n")
		if _, here, _ := strings.Cut(row, "|"); !slices.Contains(strings.Split(strings.Trim(here, " |"), "; "), f.name) {
			t.Errorf("docs/doctor.md does not have the fault %q of %s", f.name, f.check)
		}
		if !slices.Contains(strings.Split(verdicts[f.check], ", "), string(f.verdict)) {
			t.Errorf("docs/doctor.md does not say that %s comes to %s: %s", f.check, f.verdict, verdicts[f.check])
		}
	}
}
