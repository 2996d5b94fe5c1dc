package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// sample is what is expected of a configuration in the doc folder of Debian's
// keepalived: with neither field it is judged as `keepalived -t` judges it.
type sample struct {
	differs string // why it is judged otherwise, on purpose
	// notYet are keywords that this version refuses and a later one will have.
	// One that is refused no more has to be struck out here.
	notYet []string
	warned string // what the warnings of a file that is taken are about
}

// warns: keepalived's -t counts warnings as errors, and runs the file all the
// same. So do we, with a warning or a notice.
const warns = "keepalived warns, and runs it; -t counts that as an error"

var samples = map[string]sample{
	"HTTP_GET.port":         {differs: nothing},
	"IPv6":                  {differs: nothing},
	"PING_CHECK":            {differs: nothing},
	"SMTP_CHECK":            {differs: nothing},
	"SSL_GET":               {differs: warns, warned: "state MASTER has no effect with auth_type AH"},
	"UDP_CHECK":             {differs: nothing},
	"conditional_conf":      {},
	"fwmark":                {}, // there is no router to run, and keepalived warns
	"inhibit":               {differs: nothing},
	"misc_check":            {differs: nothing},
	"misc_check_arg":        {differs: nothing},
	"quorum":                {differs: nothing},
	"sample":                {},
	"status_code":           {differs: nothing},
	"track_interface":       {differs: cannotTrack},
	"virtual_server_group":  {differs: nothing},
	"virtualhost":           {differs: nothing},
	"vrrp":                  {differs: documented}, // one address twice
	"vrrp.localcheck":       {differs: warns},      // scripts as root without script_security: a notice
	"vrrp.lvs_syncd":        {},                    // its groups are older than `group`
	"vrrp.routes":           {differs: corrected, warned: "of a route is deprecated"},
	"vrrp.rules":            {},
	"vrrp.scripts":          {warned: "smtp_alert has no effect without"},
	"vrrp.static_ipaddress": {differs: cannotTrack},
	"vrrp.sync":             {},
}

// TestKeepalivedSamples judges every configuration that Debian's keepalived
// comes with, as keepalived does and as vrrpx does.
func TestKeepalivedSamples(t *testing.T) {
	testnet.Need(t, "root", "keepalived", "/usr/share/doc/keepalived/samples")
	const dir = "/usr/share/doc/keepalived/samples/keepalived.conf."
	paths, err := filepath.Glob(dir + "*")
	if err != nil || len(paths) != len(samples) {
		t.Fatalf("%d samples, %d expected: %v", len(paths), len(samples), err)
	}
	host := oracle(t)
	var wait sync.WaitGroup
	for _, path := range paths {
		wait.Go(func() {
			name := strings.TrimPrefix(path, dir)
			want, known := samples[name]
			if !known {
				t.Errorf("%s is not in the list", name)
			}
			log, theirs := keepalivedTakes(t, host, path)
			want.judge(t, name, path, "high", log, theirs)
		})
	}
	wait.Wait()
}

var refused = regexp.MustCompile(`^(\w+) is not supported yet$`)

// judge compares the verdicts on a file; theirs is keepalived's.
func (s sample) judge(t *testing.T, name, path, id, log string, theirs bool) {
	t.Helper()
	cfg, diags := Load(path, id)
	notYet := map[string]bool{}
	for _, d := range diags {
		if m := refused.FindStringSubmatch(d.Message); m != nil && d.Severity == Error {
			notYet[m[1]] = true
		}
	}
	if got := slices.Sorted(maps.Keys(notYet)); !slices.Equal(got, s.notYet) {
		t.Errorf("%s: not supported yet: %q, the list has %q", name, got, s.notYet)
	}
	if len(s.notYet) > 0 {
		if cfg != nil {
			t.Errorf("%s is taken: strike it out of the list of what is not supported yet", name)
		}
		return
	}
	for _, d := range diags {
		if cfg != nil && d.Severity == Warning && !strings.Contains(d.Message, "this version sends no mail") && (s.warned == "" || !strings.Contains(d.Message, s.warned)) {
			t.Errorf("%s is good, and warned of: %v", name, d)
		}
	}
	if s.warned != "" && !strings.Contains(show(diags), s.warned) {
		t.Errorf("%s: no word of %s", name, s.warned)
	}
	if ours := cfg != nil; (ours != theirs) != (s.differs != "") {
		t.Errorf("%s: keepalived takes it: %v, vrrpx: %v, expected to differ: %q\n%s\n%s", name, theirs, ours, s.differs, log, show(diags))
	}
}

// A file of 256 routers in 16 groups, of which each host takes its own lines.
var groups256 = sample{}

func TestGroupsOf256RoutersAreTakenByBoth(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	host := oracle(t)
	path := filepath.Join(t.TempDir(), "keepalived.conf")
	text := testnet.GroupsConf(16, 16, "1", "eth0", "eth1")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	log, theirs := keepalivedTakes(t, host, path)
	if !theirs {
		t.Errorf("keepalived does not take it: %s", log)
	}
	groups256.judge(t, "256 routers", path, "high", log, theirs)

	// What follows the conditions is the same without the groups.
	_, routers, _ := strings.Cut(text, "vrrp_instance")
	head, _, _ := strings.Cut(text, "vrrp_sync_group")
	if err := os.WriteFile(path, []byte(head+"vrrp_instance"+routers), 0o644); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"high": "200 0s", "low": "100 2s", "other": "100 2s"} {
		cfg, diags := Load(path, id)
		if cfg == nil || len(cfg.Routers) != 256 {
			t.Fatalf("%s: %s", id, show(diags))
		}
		for _, r := range cfg.Routers {
			if got := fmt.Sprint(r.Priority, " ", r.PreemptDelay); got != want {
				t.Fatalf("%s: %s has %s, want %s", id, r.Name, got, want)
			}
		}
	}
}
