package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vrrpx/vrrpx/internal/doctor"
	"github.com/vrrpx/vrrpx/internal/testnet"
)

// look is one run of vrrpx doctor, and what it is to say.
type look struct {
	name    string
	args    []string
	wrap    []string // a command that is given doctor's, as of nice(1)
	check   string   // that raises something, and no other does; empty: none does
	verdict doctor.Verdict
	part    string   // of the finding or its evidence
	fix     string   // a part of it
	also    []string // checks that may raise something beside
}

// examine runs vrrpx doctor on a host, and fails the test where it says anything but
// what it is to say. It may be called from several goroutines.
func (k look) examine(t *testing.T, h *testnet.Host) (all []doctor.Result) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	line := append(slices.Clone(k.wrap), testnet.Binary(t), "doctor", "--json")
	line = append(line, k.args...)
	var stdout, stderr bytes.Buffer
	cmd := h.Command(ctx, line[0], line[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var report struct {
		Worst   doctor.Verdict
		Results []doctor.Result
	}
	if wrong := json.Unmarshal(stdout.Bytes(), &report); wrong != nil {
		t.Errorf("%s: vrrpx doctor on %s: %v, %v: %s%s", k.name, h.Name, err, wrong, stdout.Bytes(), stderr.Bytes())
		return nil
	}
	if code := cmd.ProcessState.ExitCode(); (code == 1) != (report.Worst == doctor.Bad) {
		t.Errorf("%s: exit %d with %s", k.name, code, report.Worst)
	}
	if k.verify(t, report.Results) {
		t.Logf("%s: all of it: %+v", k.name, report.Results)
	}
	return report.Results
}

// ofMachine are checks whose findings are the test machine's and not those of a
// namespace: its clock, its kernel and modules, what root may do there, and how busy
// it is. Nobody is blamed for them, unless they are what is looked for.
var ofMachine = []string{"kernel", "clock", "capabilities", "memory", "realtime", "timing"}

// verify is true when it has failed the test.
func (k look) verify(t *testing.T, all []doctor.Result) (failed bool) {
	t.Helper()
	if !k.documented() {
		t.Errorf("docs/doctor.md does not have the fault %q of %s among the live ones", k.name, k.check)
	}
	found := k.check == ""
	for _, r := range all {
		text := r.Subject + "\n" + r.Finding + "\n" + strings.Join(r.Evidence, "\n")
		switch grave := r.Verdict == doctor.Warn || r.Verdict == doctor.Bad; {
		case r.Name == k.check && r.Verdict == k.verdict && strings.Contains(text, k.part) && strings.Contains(r.Fix, k.fix) && r.Fix != "":
			found = true
		case grave && r.Name != k.check && !slices.Contains(ofMachine, r.Name) && !slices.Contains(k.also, r.Name):
			t.Errorf("%s: raised too: %+v", k.name, r)
			failed = true
		}
	}
	if !found {
		t.Errorf("%s: %s does not say %s, %q, fix %q", k.name, k.check, k.verdict, k.part, k.fix)
	}
	return failed || !found
}

// page is docs/doctor.md from where it lists planted faults.
var page = sync.OnceValue(func() string {
	b, _ := os.ReadFile("../../docs/doctor.md") // without it no fault is listed
	_, planted, _ := strings.Cut(string(b), "\n## Planted faults\n")
	return planted
})

// documented tells whether the page has the fault among those that are tried live.
func (k look) documented() bool {
	_, row, _ := strings.Cut(page(), "\n| "+k.check+" | ")
	live, _, _ := strings.Cut(row, " |")
	return k.check == "" || slices.Contains(strings.Split(live, "; "), k.name)
}

// atOnce has several doctors look at a host at the same time: none of them changes
// anything, and each listens for as long.
func atOnce(t *testing.T, h *testnet.Host, looks ...look) {
	t.Helper()
	testnet.Binary(t) // built before
	var all sync.WaitGroup
	for _, k := range looks {
		all.Go(func() { k.examine(t, h) })
	}
	all.Wait()
}

// says tells whether a check has a result of a verdict with a text.
func says(all []doctor.Result, check string, verdict doctor.Verdict, part string) bool {
	return slices.ContainsFunc(all, func(r doctor.Result) bool {
		return r.Name == check && r.Verdict == verdict && strings.Contains(r.Finding, part)
	})
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
