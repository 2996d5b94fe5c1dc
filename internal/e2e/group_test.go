package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// groupMember is a daemon of a host whose three routers on two LANs, one of them
// IPv6, are in a group; and what it tells of them.
type groupMember struct {
	*testnet.Daemon
	host     *testnet.Host
	fifo     string
	programs string

	mu    sync.Mutex
	lines []string // of the FIFO
}

var groupVIPs = []string{"10.99.9.1", "10.101.9.1", "fe80::99:1"}

func startGroup(t *testing.T, p party, h *testnet.Host, priority int) *groupMember {
	t.Helper()
	dir := t.TempDir()
	m := &groupMember{host: h, fifo: filepath.Join(dir, "fifo"), programs: filepath.Join(dir, "out")}
	must(t, syscall.Mkfifo(m.fifo, 0o600))
	f, err := os.OpenFile(m.fifo, os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	go func() {
		for s := bufio.NewScanner(f); s.Scan(); {
			m.mu.Lock()
			m.lines = append(m.lines, s.Text())
			m.mu.Unlock()
		}
	}()
	program := filepath.Join(dir, "note")
	must(t, os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\" >>"+m.programs+"\n"), 0o755))
	var conf strings.Builder
	fmt.Fprintf(&conf, "global_defs {\nscript_user root\nvrrp_version 3\nvrrp_notify_fifo %s root\n}\nvrrp_sync_group G1 {\ngroup {\nV1\nV2\nV3\n}\n", m.fifo)
	for _, of := range []string{"", "_master", "_backup", "_fault", "_stop"} {
		fmt.Fprintf(&conf, "notify%s \"%s own%s 'a b'\"\n", of, program, of)
	}
	conf.WriteString("}\n")
	for i, vip := range groupVIPs {
		fmt.Fprintf(&conf, "vrrp_instance V%d {\ninterface eth%d\nvirtual_router_id %d\npriority %d\nadvert_int 0.2\nvirtual_ipaddress {\n%s\n}\n}\n",
			i+1, min(i, 1), 51+i, priority, vip)
	}
	m.Daemon = p.start(t, h, conf.String())
	return m
}

func (m *groupMember) told() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lines)
}

// await waits until the group has been told of a state for the nth time.
func (m *groupMember) await(t *testing.T, state string, n int) {
	t.Helper()
	await(t, fmt.Sprintf("%s: %s for the %d. time", m.host.Name, state, n), func() bool {
		line := fmt.Sprintf("GROUP %q %s 0", "G1", state)
		return len(slices.DeleteFunc(m.told(), func(s string) bool { return s != line })) >= n
	})
}

// holds waits until the host has all addresses, or none.
func (m *groupMember) holds(t *testing.T, all bool) {
	t.Helper()
	await(t, fmt.Sprintf("%s has the addresses: %v", m.host.Name, all), func() bool {
		return !slices.ContainsFunc(groupVIPs, func(vip string) bool { return m.host.HasAddr(vip) != all })
	})
}

// leader puts the member of each change that came first into its place: it is
// the one whose timer or master was first, and the others follow in order.
func leader(lines []string) []string {
	lines = slices.Clone(lines)
	for i := 0; i+4 <= len(lines); i += 4 {
		four := lines[i : i+4]
		if !strings.HasPrefix(four[0], "INSTANCE") || four[1] > four[2] {
			continue // out of order: let it be seen
		}
		slices.Sort(four[:3])
	}
	return lines
}

// lines of a change, the group's first or last.
func change(state string, priority int, groupFirst bool) (lines []string) {
	for i := range groupVIPs {
		lines = append(lines, fmt.Sprintf("INSTANCE \"V%d\" %s %d", i+1, state, priority))
	}
	line := fmt.Sprintf("GROUP \"G1\" %s 0", state)
	if groupFirst {
		return append([]string{line}, lines...)
	}
	return append(lines, line)
}

// Two hosts with a group on two LANs, vrrpx and keepalived in both roles: the
// better comes later, loses one cable, gets it back, and stops. What is told, and
// in which order, is what keepalived tells in the same place.
func TestGroupsMoveTogetherBesideKeepalived(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	for _, c := range [][2]party{{native, keepalived}, {keepalived, native}, {socket, generic}} {
		t.Run(fmt.Sprintf("%v then %v", c[0], c[1]), func(t *testing.T) {
			l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}}, Links: 2}.ForTest(t)
			b := startGroup(t, c[1], l.Host("b"), 100)
			b.await(t, "MASTER", 1)
			a := startGroup(t, c[0], l.Host("a"), 150)
			a.await(t, "MASTER", 1)
			b.await(t, "BACKUP", 2)
			a.holds(t, true)
			b.holds(t, false)

			must(t, l.Host("a").Links[0].Cut())
			a.await(t, "FAULT", 1)
			b.await(t, "MASTER", 2)
			a.holds(t, false)
			b.holds(t, true)
			if c[0] != keepalived {
				g := status(t, a.host).Groups[0]
				text, _ := vrrpx(t, a.host, "status")
				if g.State != "FAULT" || !slices.Equal(g.Members, []string{"V1", "V2", "V3"}) || !strings.Contains(text, "sync group G1: FAULT for ") ||
					!strings.Contains(text, "sync group G1: V1 is in FAULT: ") {
					t.Errorf("%+v\n%s", g, text)
				}
			}
			must(t, l.Host("a").Links[0].Join())
			a.await(t, "MASTER", 2)
			b.await(t, "BACKUP", 3)
			a.holds(t, true)
			b.holds(t, false)

			must(t, a.Stop())
			a.await(t, "STOP", 1)
			b.await(t, "MASTER", 3)
			b.holds(t, true)
			a.holds(t, false)

			wantA := slices.Concat(change("BACKUP", 150, true), change("MASTER", 150, false), change("FAULT", 150, false),
				change("BACKUP", 150, false), change("MASTER", 150, false), change("STOP", 150, false))
			wantB := slices.Concat(change("BACKUP", 100, true), change("MASTER", 100, false), change("BACKUP", 100, false),
				change("MASTER", 100, false), change("BACKUP", 100, false), change("MASTER", 100, false))
			for _, x := range []struct {
				m    *groupMember
				want []string
			}{{a, wantA}, {b, wantB}} {
				if got := leader(x.m.told()); !slices.Equal(got, x.want) {
					t.Errorf("%s (%v) told\n%s\nwant\n%s", x.m.host.Name, x.m.Kind, strings.Join(x.m.told(), "\n"), strings.Join(x.want, "\n"))
				}
			}
			a.toldPrograms(t, "BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER", "STOP")
			b.toldPrograms(t, "BACKUP", "MASTER", "BACKUP", "MASTER", "BACKUP", "MASTER")
		})
	}
}

// toldPrograms: of each state the program for it and the one for all. keepalived
// starts its programs side by side, so its come in any order.
func (m *groupMember) toldPrograms(t *testing.T, states ...string) {
	t.Helper()
	var want, got []string
	for _, s := range states {
		want = append(want, "own_"+strings.ToLower(s)+" a b", "own a b GROUP G1 "+s+" 0")
	}
	await(t, m.host.Name+"'s programs to be told", func() bool {
		b, _ := os.ReadFile(m.programs)
		got = strings.Split(strings.TrimSpace(string(b)), "\n")
		return len(got) >= len(want)
	})
	if m.Kind == testnet.Keepalived {
		slices.Sort(want)
		slices.Sort(got)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s (%v) ran\n%s\nwant\n%s", m.host.Name, m.Kind, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// One LAN falls into two pieces, and no cable is pulled: who holds the group
// holds all of it, and the other, who hears nobody there, takes nothing.
func TestAGroupStaysWhereOneLANIsInPieces(t *testing.T) {
	testnet.Need(t, "root")
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}}, Links: 2}.ForTest(t)
	a := startGroup(t, native, l.Host("a"), 150)
	a.await(t, "MASTER", 1)
	b := startGroup(t, native, l.Host("b"), 100)
	b.await(t, "BACKUP", 1)
	must(t, l.Host("a").Links[0].Mute())
	await(t, "b to wait for its group", func() bool {
		s, err := askStatus(t, l.Host("b"))
		return err == nil && len(s.Groups) == 1 && s.Routers[0].Waits != "" && strings.Contains(s.Groups[0].Waits, "V2 would not be MASTER: it hears 10.101.0.1 (priority 150, ours 100)")
	})
	time.Sleep(2 * time.Second)
	a.holds(t, true)
	b.holds(t, false)
	must(t, l.Host("a").Links[0].Join())
	await(t, "b to hear a again", func() bool {
		s, err := askStatus(t, l.Host("b"))
		return err == nil && len(s.Groups) == 1 && s.Routers[0].Waits == ""
	})
	if got := append(a.told(), b.told()...); len(got) != 12 {
		t.Errorf("told\n%s", strings.Join(got, "\n"))
	}
}

// 256 routers in 16 groups: they elect, preempt and release as groups, each
// once.
func TestGroupsOf256RoutersElectAndRelease(t *testing.T) {
	testnet.Need(t, "root")
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "low"}, {Name: "high"}}, Links: 2}.ForTest(t)
	conf := testnet.GroupsConf(16, 16, "0.5", "eth0", "eth1")
	low, high := l.Host("low"), l.Host("high")
	held := func(h *testnet.Host) (n int) {
		all, _ := h.Addrs()
		for _, a := range all {
			if strings.HasPrefix(a.String(), "10.200.") {
				n++
			}
		}
		return n
	}
	start(t, low, "native", conf, "--config-id", "low")
	await(t, "low to have all", func() bool { return held(low) == 256 })
	d := start(t, high, "native", conf, "--config-id", "high")
	await(t, "high to have all", func() bool { return held(high) == 256 && held(low) == 0 })
	history := func(h *testnet.Host, want ...string) {
		t.Helper()
		s := status(t, h)
		if len(s.Groups) != 16 || len(s.Routers) != 256 {
			t.Fatalf("%d groups, %d routers on %s", len(s.Groups), len(s.Routers), h.Name)
		}
		states := func(history []stats.Transition) (all []string) {
			for _, tr := range history {
				all = append(all, tr.To)
			}
			return all
		}
		for _, g := range s.Groups {
			if got := states(g.History); !slices.Equal(got, want) || len(g.Members) != 16 {
				t.Errorf("%s on %s was %q, want %q", g.Name, h.Name, got, want)
			}
		}
		for _, r := range s.Routers {
			if got := states(r.History); !slices.Equal(got, want) || r.Group == "" {
				t.Errorf("%s of %s on %s was %q, want %q", r.Name, r.Group, h.Name, got, want)
			}
		}
	}
	history(high, "BACKUP", "MASTER")
	history(low, "BACKUP", "MASTER", "BACKUP")
	must(t, d.Stop())
	await(t, "low to have all again", func() bool { return held(low) == 256 && held(high) == 0 })
	history(low, "BACKUP", "MASTER", "BACKUP", "MASTER")
}

// Reloads that make a group, take a router into it, change its programs, throw one
// of its routers out and dissolve it: a MASTER keeps every address all the while,
// and who is new becomes MASTER with the others.
func TestReloadsOfAGroupKeepItsAddresses(t *testing.T) {
	testnet.Need(t, "root")
	l := testnet.Spec{Hosts: []testnet.HostSpec{{Name: "a"}}, Links: 2}.ForTest(t)
	a := l.Host("a")
	routers := func(n int) string {
		var all []testnet.Instance
		for i := range n {
			all = append(all, testnet.Instance{Name: fmt.Sprintf("V%d", i+1), Interface: fmt.Sprintf("eth%d", min(i, 1)), VRID: 51 + i, AdvertInt: "0.1", VIPs: groupVIPs[i : i+1]})
		}
		return scriptUser + testnet.Conf(3, all...)
	}
	group := func(lines string, members ...string) string {
		return "vrrp_sync_group G1 {\ngroup {\n" + strings.Join(members, "\n") + "\n}\n" + lines + "\n}\n"
	}
	d := start(t, a, "native", routers(2))
	states := func(want ...string) {
		t.Helper()
		await(t, fmt.Sprintf("the routers to be %q", want), func() bool {
			s, err := askStatus(t, a)
			if err != nil || len(s.Routers) != len(want) {
				return false
			}
			for i, r := range s.Routers {
				if r.State != want[i] {
					return false
				}
			}
			return true
		})
	}
	states("MASTER", "MASTER")
	first := func() []stats.Transition {
		s := status(t, a)
		return append(slices.Clone(s.Routers[0].History), s.Routers[1].History...)
	}
	before, gone := first(), watchAddresses(t, a)
	says := func(conf, want string) {
		t.Helper()
		if out := reload(t, d, conf); !strings.Contains(out, want) {
			t.Errorf("the reload said %q, want %q in it", out, want)
		}
	}
	says(routers(2)+group("", "V1", "V2"), "vrrp_sync_group G1 added")
	if g := status(t, a).Groups; len(g) != 1 || g[0].State != "MASTER" {
		t.Errorf("%+v", g)
	}
	says(routers(3)+group("", "V1", "V2", "V3"), "vrrp_sync_group G1 changed: members")
	states("MASTER", "MASTER", "MASTER")
	out := filepath.Join(t.TempDir(), "out")
	reload(t, d, routers(3)+group("notify_stop \"/usr/bin/touch "+out+"\"", "V1", "V2", "V3"))
	rewrite(t, d, routers(2)+group("", "V1", "V2", "V3"))
	if text, code := vrrpx(t, a, "reload"); code == 0 || !strings.Contains(text, `there is no vrrp_instance "V3"`) {
		t.Errorf("exit %d: %s", code, text)
	}
	says(routers(2)+group("notify_stop \"/usr/bin/touch "+out+"\"", "V1", "V2"), "vrrp_sync_group G1 changed: members")
	states("MASTER", "MASTER")
	says(routers(2), "vrrp_sync_group G1 removed")
	if s := status(t, a); len(s.Groups) != 0 || s.Routers[0].Group != "" {
		t.Errorf("%+v", s.Groups)
	}
	if got := first(); !slices.Equal(got, before) {
		t.Errorf("transitions %+v\nbefore %+v", got, before)
	}
	for _, line := range strings.Split(gone(), "\n") {
		if strings.HasPrefix(line, "Deleted") && !strings.Contains(line, groupVIPs[2]) {
			t.Errorf("an address was away: %s", line)
		}
	}
	reload(t, d, routers(2)+group("notify_stop \"/usr/bin/touch "+out+"\"", "V1", "V2"))
	must(t, d.Stop())
	await(t, "the new program to be told", func() bool { _, err := os.Stat(out); return err == nil })
}
