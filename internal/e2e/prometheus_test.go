package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/promlab"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

const (
	rulesGlob     = "../../packaging/prometheus/*.rules.yml"
	dashboardFile = "../../packaging/grafana/vrrpx.json"
	metricsPort   = ":9652"
)

// prometheus starts one on host p that scrapes the others, and evaluates these
// rules, every second.
func prometheus(t *testing.T, p *testnet.Host, rules []string, scraped ...*testnet.Host) *promlab.Server {
	t.Helper()
	testnet.Need(t, "prometheus")
	o := promlab.Options{Dir: t.TempDir(), Interval: time.Second}
	for _, file := range rules {
		abs, err := filepath.Abs(file)
		must(t, err)
		o.Rules = append(o.Rules, abs)
	}
	for _, h := range scraped {
		o.Targets = append(o.Targets, h.Addr.String()+metricsPort)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	s, err := promlab.Start(ctx, p, o)
	must(t, err)
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("log of prometheus:\n%s", s.Log())
		}
	})
	return s
}

// is asks Prometheus whether an expression has series now.
func is(t *testing.T, s *promlab.Server, expr string) bool {
	t.Helper()
	time.Sleep(100 * time.Millisecond)
	found, err := s.Query(t.Context(), expr)
	must(t, err)
	return len(found) > 0
}

// alertsIn are the names of alerts that fired at some time.
func alertsIn(t *testing.T, s *promlab.Server, from, to time.Time) (names []string) {
	t.Helper()
	fired, err := s.Range(t.Context(), `max by (alertname) (ALERTS{alertstate="firing"})`, from, to, time.Second)
	must(t, err)
	for _, a := range fired {
		names = append(names, a.Labels["alertname"])
	}
	return names
}

// rulesInAHurry are the alert rules with one change, since the test has not half a
// minute for it: VrrpxSplitBrain has to last for 3 s instead of 30 s.
func rulesInAHurry(t *testing.T) (files, names []string) {
	t.Helper()
	given, err := filepath.Glob(rulesGlob)
	must(t, err)
	hurried := regexp.MustCompile(`(alert: VrrpxSplitBrain\n +expr: .*\n +for: )30s\n`)
	name, changes := regexp.MustCompile(`- (?:alert|record): (\S+)`), 0
	for i, file := range given {
		text, err := os.ReadFile(file)
		must(t, err)
		changes += len(hurried.FindAll(text, -1))
		copied := filepath.Join(t.TempDir(), filepath.Base(given[i]))
		must(t, os.WriteFile(copied, hurried.ReplaceAll(text, []byte("${1}3s\n")), 0o600))
		files = append(files, copied)
		for _, m := range name.FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	}
	if changes != 1 || len(names) < 15 {
		t.Fatalf("in %v are %d rules; VrrpxSplitBrain was found %d times", given, len(names), changes)
	}
	return files, names
}

// ofTheMachine are alerts that tell of a machine which does not run its processes.
// One that tests run on may be so.
var ofTheMachine = []string{"VrrpxAdvertsMissed", "VrrpxMasterPaused", "VrrpxNotRealtime", "VrrpxLoopStuck", "VrrpxMarginShrinking", "VrrpxWrongPacer"}

// A real Prometheus scrapes a pair: it takes the rules, the alerts of a split brain are
// quiet through a takeover and fire in a split brain, and all that the dashboard asks
// for is answered.
func TestPrometheusOfAPair(t *testing.T) {
	testnet.Need(t, "root", "prometheus")
	files, names := rulesInAHurry(t)
	l := testnet.ForTest(t, "a", "b", "p")
	a, b, p := l.Host("a"), l.Host("b"), l.Host("p")
	begun := time.Now()
	da := start(t, a, "native", v3.conf(150), "--metrics="+metricsPort)
	awaitState(t, a, "MASTER")
	start(t, b, "native", v3.conf(100, "vrrpx_kernel_takeover"), "--metrics="+metricsPort)
	s := prometheus(t, p, files, a, b)
	await(t, "both to be scraped 3 times", func() bool { return is(t, s, "count(sum_over_time(up[1m]) >= 3) == 2") })
	targets, err := s.Targets(t.Context())
	must(t, err)
	if len(targets) != 2 {
		t.Fatalf("targets %+v", targets)
	}
	var rules []promlab.Rule
	await(t, "all rules to be evaluated", func() bool {
		var err error
		rules, err = s.Rules(t.Context())
		must(t, err)
		time.Sleep(100 * time.Millisecond)
		return len(rules) == len(names) && !slices.ContainsFunc(rules, func(r promlab.Rule) bool { return r.Health == "unknown" })
	})
	for i, r := range rules {
		if r.Name != names[i] || r.Health != "ok" || r.LastError != "" {
			t.Errorf("rule %s is %s as %s %s", names[i], r.Name, r.Health, r.LastError)
		}
	}

	// A takeover, and junk that is counted. (A process that is killed leaves its addresses to
	// its host, which is evidence of a kind.)
	must(t, da.Stop())
	await(t, "b to be seen as MASTER", func() bool {
		return is(t, s, `vrrpx_router_state{instance="`+b.Addr.String()+metricsPort+`",state="master"} == 1`)
	})
	must(t, da.Start())
	var frames [][]byte
	for _, j := range v3.junks(p) {
		if j.counter == "ttl" || j.counter == "vrid" {
			frames = append(frames, j.frame)
		}
	}
	flood(t, p, frames, 10, 4*time.Second)
	awaitRouter(t, b, "to give way", func(r stats.Router) bool { return r.State == "BACKUP" && r.Master != nil })
	await(t, "one MASTER to be seen", func() bool {
		return is(t, s, "vrrpx:router_masters:sum == 1 and vrrpx:router_backups:sum == 1") && is(t, s, "count(up == 1) == 2")
	})
	for _, name := range alertsIn(t, s, begun, time.Now()) {
		if !slices.Contains(ofTheMachine, name) {
			t.Errorf("%s has fired though there was no split brain", name)
		}
	}

	must(t, l.FilterVRRP(""))
	awaitState(t, b, "MASTER")
	for _, name := range []string{"VrrpxSplitBrain", "VrrpxSplitBrainSeen"} {
		await(t, name+" to fire", func() bool { return is(t, s, `ALERTS{alertstate="firing",alertname="`+name+`"}`) })
	}
	must(t, l.UnfilterVRRP(""))
	await(t, "the alerts to end", func() bool { return !is(t, s, `ALERTS{alertname=~"VrrpxSplitBrain.*"}`) })
	answersDashboard(t, s, begun)
}

// notStaged are metrics of which the dashboard shows what is above 0, and which are 0
// in a test that has none of it.
var notStaged = regexp.MustCompile(`pauses|lapses|stalls|kernel_takeovers|unanswered`)

// answersDashboard asks for all that the dashboard shows from begun on.
func answersDashboard(t *testing.T, s *promlab.Server, begun time.Time) {
	t.Helper()
	d, err := promlab.ReadDashboard(dashboardFile)
	must(t, err)
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		series, label, ok := v.LabelValues()
		expr, err := d.Expand("count by ("+label+") ("+series+")", 0)
		must(t, err)
		if found, err := s.Query(t.Context(), expr); !ok || err != nil || len(found) == 0 || found[0].Labels[label] == "" {
			t.Errorf("variable %s: %v, %v", v.Name, found, err)
		}
	}
	now, queries := time.Now(), 0
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			queries++
			expr, err := d.Expand(q.Expr, 10*time.Second)
			must(t, err)
			if notStaged.MatchString(expr) {
				expr = strings.TrimSuffix(expr, " > 0")
			}
			found, err := s.Range(t.Context(), expr, begun, now, time.Second)
			if err != nil || len(found) == 0 {
				t.Errorf("panel %q: %d series of %s: %v", p.Title, len(found), expr, err)
				continue
			}
			if name := q.Legend(found[0].Labels); q.LegendFormat != "" && (name == "" || strings.Contains(name, "  ")) {
				t.Errorf("panel %q: a series %v is called %q", p.Title, found[0].Labels, name)
			}
		}
	}
	if queries < 20 {
		t.Errorf("the dashboard has %d queries", queries)
	}
}

// With VRRPX_QUIET=10m: no alert fires while a pair runs for that long, with the rules
// as they are. It is for a person; docs/monitoring.md has what came of it.
func TestAlertsAreQuiet(t *testing.T) {
	if os.Getenv("VRRPX_QUIET") == "" {
		t.Skip("VRRPX_QUIET=10m says for how long")
	}
	testnet.Need(t, "root", "prometheus")
	length, err := time.ParseDuration(os.Getenv("VRRPX_QUIET"))
	must(t, err)
	rules, err := filepath.Glob(rulesGlob)
	must(t, err)
	l := testnet.Spec{Prefix: "t-quiet-", Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}, {Name: "p"}}}.ForTest(t)
	a, b := l.Host("a"), l.Host("b")
	second := protocol{name: "v3 at 1 s", version: 3, interval: time.Second}
	da := start(t, a, "native", second.conf(150), "--metrics="+metricsPort)
	awaitState(t, a, "MASTER")
	db := start(t, b, "native", second.conf(100), "--metrics="+metricsPort)
	awaitRouter(t, b, "to follow a", func(r stats.Router) bool { return r.State == "BACKUP" && r.Master != nil })
	s := prometheus(t, l.Host("p"), rules, a, b)
	await(t, "both to be scraped", func() bool { return is(t, s, "count(up == 1) == 2") })
	begun, cpu := time.Now(), da.CPU()+db.CPU()
	for end := begun.Add(length); time.Now().Before(end); time.Sleep(time.Second) {
		if !da.Running() || !db.Running() {
			t.Fatal("a daemon ended")
		}
	}
	now := time.Now()
	if fired := alertsIn(t, s, begun, now); len(fired) > 0 {
		t.Errorf("alerts fired: %v", fired)
	}
	pending, err := s.Range(t.Context(), `max by (alertname) (ALERTS)`, begun, now, time.Second)
	must(t, err)
	for _, a := range pending {
		t.Logf("%s was pending for %d s in all", a.Labels["alertname"], len(a.Points))
	}
	t.Logf("%v: CPU of both %v", now.Sub(begun).Round(time.Second), da.CPU()+db.CPU()-cpu)
	over := "[" + length.String() + "]"
	for _, expr := range []string{
		"sum(count_over_time(up" + over + "))", "sum(sum_over_time(up" + over + "))", "max(max_over_time(scrape_duration_seconds" + over + "))",
		"max(vrrpx_router_longest_gap_seconds)", "max(vrrpx_router_master_down_interval_seconds)", "max(vrrpx_router_near_misses_total)",
	} {
		v, err := s.Query(t.Context(), expr)
		must(t, err)
		if len(v) == 1 {
			t.Logf("%s = %v", expr, v[0].Value.V)
		}
	}
	// Silence is worth something where the hosts were seen. A machine with other work may
	// be late with some scrapes.
	if up, err := s.Query(t.Context(), "min(avg_over_time(up"+over+"))"); err != nil || len(up) != 1 || up[0].Value.V < 0.9 {
		t.Errorf("of the scrapes of one host succeeded: %+v, %v", up, err)
	}
}
