package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// strangers is the address of other people, who use our VRID.
const strangers = "10.99.9.77"

var stories = []story{
	{"The master is killed", masterKilled},
	{"A cable is cut", cableCut},
	{"A firewall on the peer", firewallOnThePeer},
	{"A wrong password", wrongPassword},
	{"The VRID is used by a stranger", stranger},
	{"A script fails whose weight cannot matter", scriptThatCannotMatter},
	{"nopreempt", withNopreempt},
	{"A reload that changed the priority", reloadedPriority},
	{"A stall that was survived", stallSurvived},
	{"Two masters by one-way loss", twoMasters},
	{"The master was nearly taken for dead", nearlyDead},
}

// follows waits until the vrrpx of a host follows another as its master.
func (s *scene) follows(h, master *testnet.Host) {
	s.Helper()
	awaitRouter(s.T, h, "to follow "+master.Name, func(r stats.Router) bool {
		return r.State == "BACKUP" && r.Master != nil && r.Master.Address == master.Addr.String()
	})
}

// masters waits until a host has the address, whoever serves it there.
func (s *scene) masters(h *testnet.Host) {
	s.Helper()
	await(s.T, h.Name+" to be MASTER", func() bool { return h.HasAddr(vip) })
}

// moment is how explain is asked for a moment that it has shown.
func moment(e stats.Event) string { return e.At.Local().Format("15:04:05.000") }

// from matches how a router on the LAN is shown.
func from(h *testnet.Host, priority int) string {
	return regexp.QuoteMeta(fmt.Sprintf("%s (%s, priority %d)", h.Addr, h.MAC, priority))
}

func masterKilled(s *scene) {
	da := keepalived.start(s.T, s.a, v3.conf(150))
	s.masters(s.a)
	native.start(s.T, s.b, v3.conf(100))
	s.follows(s.b, s.a)
	da.Kill9()
	awaitState(s.T, s.b, "MASTER")
	e := s.event(s.b, stats.EventTransition)
	if e.Silence < e.MasterDown || e.Source != s.a.Addr.String() || e.MAC != s.a.MAC.String() {
		s.Errorf("the takeover: %+v", e)
	}
	cause := from(s.a, 150) + ` fell silent: no valid advert came from it for [\d.]+ m?s, and 360\.94 ms are allowed`
	s.shows(s.b, "explain VI_51", `^VI_51 is MASTER since`, cause, `BACKUP to MASTER at .*, own priority 100; the kernel kept the deadline`)
	s.shows(s.b, "explain VI_51 --at "+moment(e), "went from BACKUP to MASTER at", cause, "It is MASTER still")
	s.keptItself(s.b)
	s.records(s.b)
}

func cableCut(s *scene) {
	native.start(s.T, s.a, v3.conf(150))
	awaitState(s.T, s.a, "MASTER")
	native.start(s.T, s.b, v3.conf(100))
	s.follows(s.b, s.a)
	must(s.T, s.lan.Cut("a"))
	awaitState(s.T, s.a, "FAULT")
	awaitState(s.T, s.b, "MASTER")
	s.shows(s.a, "explain", `^VI_51 is FAULT since`, `why Link eth0 is down\.`, "MASTER to FAULT at .*, own priority 150", `Its fault ends: link eth0 is down\. It is BACKUP then`)
	s.shows(s.b, "explain", `^VI_51 is MASTER since`, from(s.a, 150)+" fell silent")
	s.keptItself(s.a, s.b)
	s.records(s.a, s.b)
}

func firewallOnThePeer(s *scene) {
	keepalived.start(s.T, s.a, v3.conf(150))
	s.masters(s.a)
	native.start(s.T, s.b, v3.conf(100, block("arp_probe 0.5")))
	s.follows(s.b, s.a)
	must(s.T, s.a.DropVRRP())
	awaitState(s.T, s.b, "MASTER")
	awaitAlarm(s.T, s.b, "address_conflict", "firewall")
	s.shows(s.b, "explain", `why Two hosts hold the addresses: a firewall or a switch drops protocol 112 between them, since the ARP of the other arrives and its adverts do not\.`,
		from(s.a, 150)+" fell silent", `ALARM address_conflict since .*`+vip+" is held by "+s.a.MAC.String()+` as well: \d+ claims? by ARP`)
	s.keptItself(s.b)
	s.records(s.b)
}

func wrongPassword(s *scene) {
	keepalived.start(s.T, s.a, v2pass.conf(150))
	s.masters(s.a)
	native.start(s.T, s.b, strings.Replace(v2pass.conf(100, block("arp_probe 0.5")), "auth_pass 1111", "auth_pass 2222", 1))
	awaitState(s.T, s.b, "MASTER")
	awaitAlarm(s.T, s.b, "auth_refused", "")
	awaitAlarm(s.T, s.b, "address_conflict", "password_mismatch")
	s.shows(s.b, "explain", "why The hosts do not authenticate alike: adverts come and are refused", `No master was heard for 3\.\d+ s`, `refused here so far: \d+ auth_data`,
		fmt.Sprintf(`ALARM .*auth_refused since .* %s \(%s\) is refused: it has another password \(auth_data\)`, s.a.Addr, s.a.MAC))
	s.records(s.b)
}

func stranger(s *scene) {
	native.start(s.T, s.a, v3.conf(150))
	awaitState(s.T, s.a, "MASTER")
	keepalived.start(s.T, s.c, strings.Replace(v3.conf(200), vip, strangers, 1))
	s.follows(s.a, s.c)
	awaitAlarm(s.T, s.a, "addresses_differ", "")
	s.shows(s.a, "explain", "why VRID 51 is used by another group of routers, or the configurations differ: the addresses advertised are not ours", from(s.c, 200),
		"MASTER to BACKUP at .*, own priority 150", `advertises the addresses \[`+strangers+`\], ours are \[`+vip+`\]`)
	s.keptItself(s.a)
	s.records(s.a)
}

func scriptThatCannotMatter(s *scene) {
	keepalived.start(s.T, s.b, v3.conf(100))
	s.masters(s.b)
	// Two checks: the one that fails takes too little, the other would take enough.
	dir, checks := s.TempDir(), scriptUser
	for name, weight := range map[string]string{"web": "-20", "db": "-60"} {
		touch(s.T, filepath.Join(dir, name))
		checks += fmt.Sprintf("vrrp_script check_%s {\nscript \"/usr/bin/test -e %s\"\ninterval 0.2\nweight %s\n}\n", name, filepath.Join(dir, name), weight)
	}
	native.start(s.T, s.a, checks+v3.conf(150, "track_script {", "check_web", "check_db", "}"))
	awaitRouter(s.T, s.a, "to be MASTER with all checks good", func(r stats.Router) bool { return r.State == "MASTER" && r.Priority == 150 })
	must(s.T, os.Remove(filepath.Join(dir, "web")))
	awaitRouter(s.T, s.a, "to have less priority", func(r stats.Router) bool { return r.Priority == 130 })
	s.shows(s.a, "explain", "^VI_51 is MASTER", "Priority 130 since .*; 150 is configured",
		`script check_web is down \(exit status 1\): takes 20\. That cannot matter: with 130 as with 150 it stays MASTER: 10\.99\.0\.2 last said priority 100`,
		`script check_db is up: takes nothing\. If it fails: priority 70, and 10\.99\.0\.2 takes over`)
	s.records(s.a)
}

func withNopreempt(s *scene) {
	keepalived.start(s.T, s.a, v3.conf(100))
	s.masters(s.a)
	native.start(s.T, s.b, v3.conf(150, "nopreempt"))
	s.follows(s.b, s.a)
	time.Sleep(2 * v3.masterDown(150)) // in which it would have taken over
	s.shows(s.b, "explain", "^VI_51 is BACKUP", "why nopreempt: "+from(s.a, 100)+" is MASTER and stays it, although our priority is 150",
		"It has been BACKUP since it began. vrrpx was started at", `10\.99\.0\.1 is silent for 341\.41 ms`, "No priority of its master or of ours changes it: nopreempt")
	s.records(s.b)
}

func reloadedPriority(s *scene) {
	keepalived.start(s.T, s.b, v3.conf(100))
	s.masters(s.b)
	da := native.start(s.T, s.a, v3.conf(150))
	awaitState(s.T, s.a, "MASTER")
	followed := s.follow(s.a)
	reload(s.T, da, v3.conf(90))
	s.follows(s.a, s.b)
	s.shows(s.a, "explain", `why A reload at \S+: VI_51 changed: priority\. Its priority went from 150 to 90 at`, from(s.b, 100)+" is MASTER, and above our 90", `10\.99\.0\.2 sent a better advert; our priority was 90`, "MASTER to BACKUP at .*, own priority 90")
	s.shows(s.a, "events", `\(VI_51\) INIT to BACKUP`, `\(VI_51\) BACKUP to MASTER`, `reloaded, 1 change, .*: \(VI_51\) changed: priority`, `\(VI_51\) priority went from 150 to 90`, `\(VI_51\) MASTER to BACKUP`)
	s.keptItself(s.a)
	s.records(s.a)
	before := s.events(s.a)
	must(s.T, da.Stop())
	// Who follows has heard all of it, to the last.
	heard := followed()
	if n := len(heard); n <= len(before) || heard[n-1].Kind != stats.EventStop || heard[n-1].Seq != heard[0].Seq+uint64(n)-1 {
		s.Errorf("who followed heard %+v, and there were %d before the stop", heard, len(before))
	}
}

// stallSurvived has adverts of 300 ms: who goes on has one more interval and the skew to
// hear the next, and a busy machine is to be in time.
func stallSurvived(s *scene) {
	p := v3
	p.interval = 300 * time.Millisecond
	keepalived.start(s.T, s.a, p.conf(150))
	s.masters(s.a)
	db := socket.start(s.T, s.b, p.conf(100))
	s.follows(s.b, s.a)
	check := unmoved(s.T, s.b)
	// An advert that arrives before the process goes on makes a stall of its own host
	// one of the process alone, of which there is nothing to tell: again, then.
	var e stats.Event
	for range 5 {
		must(s.T, s.lan.Deafen("b"))
		db.Pause()
		time.Sleep(2 * p.masterDown(100))
		must(s.T, s.lan.Join("b"))
		db.Resume()
		awaitRouter(s.T, s.b, "to hear a again", func(r stats.Router) bool { return r.Master != nil && time.Duration(r.Master.Heard) < p.interval })
		if e = s.lastOf(s.b, stats.EventStall); e.Seq != 0 {
			break
		}
	}
	if time.Duration(e.Silence) < p.masterDown(100) {
		s.Fatalf("the stall: %+v", e)
	}
	check()
	s.shows(s.b, "explain", "^VI_51 is BACKUP", from(s.a, 150)+" is MASTER, and above our 100",
		"This host stood still once while BACKUP, and the master was given another interval each time. Last at .*, for [0-9.]+ m?s")
	s.records(s.b)
}

func twoMasters(s *scene) {
	native.start(s.T, s.a, v3.conf(150))
	awaitState(s.T, s.a, "MASTER")
	native.start(s.T, s.b, v3.conf(100))
	s.follows(s.b, s.a)
	must(s.T, s.lan.Deafen("b"))
	awaitState(s.T, s.b, "MASTER")
	for _, kind := range []string{"two_masters", "address_conflict"} {
		awaitAlarm(s.T, s.a, kind, "one_way")
	}
	s.shows(s.a, "explain", "^VI_51 is MASTER", `why There are two masters: we hear the other, and it does not hear us\. No master was heard`,
		fmt.Sprintf(`ALARM .*two_masters since .*%s \(%s\) is MASTER too and does not give way: \d+ adverts since .*, priority 100 to our 150; we hear it and it does not hear us`, s.b.Addr, s.b.MAC))
	s.shows(s.b, "explain", "^VI_51 is MASTER", from(s.a, 150)+" fell silent")
	s.keptItself(s.b)
	s.records(s.a, s.b)
}

// nearlyDead has keepalived stand still for less than a master-down interval of 1 s
// adverts: no test machine could hit that of shorter ones.
func nearlyDead(s *scene) {
	p := v3
	p.interval = time.Second
	tap := s.lan.TapForTest(s.T)
	da := keepalived.start(s.T, s.a, p.conf(150))
	s.masters(s.a)
	native.start(s.T, s.b, p.conf(100))
	s.follows(s.b, s.a)
	check := unmoved(s.T, s.b)
	n := len(advertsOf(tap, s.a))
	await(s.T, "another advert", func() bool { return len(advertsOf(tap, s.a)) > n })
	da.Pause()
	last, _ := lastAdvert(s.T, tap, s.a)
	time.Sleep(last.Add(2800 * time.Millisecond).Sub(testnet.Now())) // of 3.609 s; near is from 2.707 s on
	da.Resume()
	awaitRouter(s.T, s.b, "to have seen a near miss", func(r stats.Router) bool { return r.NearMisses > 0 })
	check()
	s.shows(s.b, "explain", "^VI_51 is BACKUP", `The adverts of 10\.99\.0\.1 came within [\d.]+ ms of the deadline at .*: a gap of [23]\.\d+ s, of 3\.609 s\. 1 such miss in the last 24 h`,
		`Largest gap between two of its master's adverts today: [23]\.\d+ s of 3\.609 s`)
	s.records(s.b)
	e := s.event(s.b, stats.EventNearMiss)
	if e.Source != s.a.Addr.String() || e.MAC != s.a.MAC.String() || e.Silence >= e.MasterDown || e.Silence < e.MasterDown*3/4 {
		s.Errorf("the near miss: %+v", e)
	}
}
