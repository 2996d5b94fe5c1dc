package metrics

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	kinds "github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/promlab"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

const (
	rulesFile     = "../../packaging/prometheus/vrrpx.rules.yml"
	rulesTest     = "../../packaging/prometheus/vrrpx.rules.test.yml"
	dashboardFile = "../../packaging/grafana/vrrpx.json"
	monitoringDoc = "../../docs/monitoring.md"
)

var used = regexp.MustCompile(`\bvrrpx_[a-z_]+\b`)

// A rule about a metric that does not exist never fires. So every name that is
// used in rules, dashboard and document is one that there is.
func TestNamesThatAreUsedExist(t *testing.T) {
	known := []string{"vrrpx_metrics", "vrrpx_lease", "vrrpx_pacer", "vrrpx_kernel_takeover"} // keywords, in the document
	for _, m := range all {
		known = append(known, nameOf(m))
	}
	for _, file := range []string{rulesFile, rulesTest, dashboardFile, monitoringDoc} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := used.FindAllString(string(text), -1)
		if len(names) == 0 {
			t.Errorf("%s uses none", file)
		}
		for _, name := range names {
			if !slices.Contains(known, strings.TrimSuffix(name, "_bucket")) && !slices.Contains(known, name) {
				t.Errorf("%s uses %s, and there is none", file, name)
			}
		}
	}
}

// A rule about a label value that there is not never fires either.
func TestLabelValuesThatAreUsedExist(t *testing.T) {
	reasons := []string{}
	for r := range vrrp.NumReasons {
		reasons = append(reasons, vrrp.ReasonCode(r).String())
	}
	known := map[string][]string{
		"state": states, "to": states, "mode": xdpModes, "reason": reasons,
		"kind": {kinds.AuthRefused, kinds.AuthRemark, kinds.AuthKept, kinds.NoAccept, kinds.TwoMasters, kinds.Conflict, kinds.VRRPLost,
			kinds.NotHeard, kinds.Yielded, kinds.Heartbeat, kinds.Fence, vrrp.NoteIntervalDiffers.String()},
	}
	matcher := regexp.MustCompile(`\b(state|to|mode|reason|kind)(?:=~|!~|!=|=)"([^"]*)"`)
	found := map[string]int{}
	for _, file := range []string{rulesFile, rulesTest, dashboardFile} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range matcher.FindAllStringSubmatch(strings.ReplaceAll(string(text), `\"`, `"`), -1) {
			for value := range strings.SplitSeq(m[2], "|") {
				found[m[1]]++
				if !slices.Contains(known[m[1]], value) {
					t.Errorf("%s has %s %q, and there is none", file, m[1], value)
				}
			}
		}
	}
	if found["kind"] < 9 || found["state"] < 4 {
		t.Errorf("found %v", found)
	}
}

// docs/monitoring.md has every metric that there is.
func TestEveryMetricIsDocumented(t *testing.T) {
	doc, err := os.ReadFile(monitoringDoc)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if !strings.Contains(string(doc), "`"+nameOf(m)+"`") {
			t.Errorf("%s is not in %s", nameOf(m), monitoringDoc)
		}
	}
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	testnet.Need(t, "promtool")
	if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestAlertRules(t *testing.T) {
	promtool(t, "check", "rules", rulesFile)
	promtool(t, "test", "rules", rulesTest)
}

// Every query of the dashboard is one that Prometheus understands.
func TestDashboard(t *testing.T) {
	d, err := promlab.ReadDashboard(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	ids, queries := map[int]bool{}, 0
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || p.GridPos.W == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %q: its id %d or place %+v cannot be", p.Title, p.ID, p.GridPos)
		}
		ids[p.ID] = true
		if len(p.Targets) == 0 && p.Type != "row" {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, q := range p.Targets {
			expr, err := d.Expand(q.Expr, time.Minute)
			if err != nil {
				t.Errorf("panel %q: %v", p.Title, err)
			}
			fmt.Fprintf(&rules, "  - record: q%d\n    expr: %q\n", queries, expr)
			queries++
		}
	}
	if d.UID == "" || queries < 10 {
		t.Fatalf("dashboard %q of %d queries", d.UID, queries)
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}
