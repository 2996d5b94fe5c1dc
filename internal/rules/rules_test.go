// Package rules holds no code. Its test is the layout of the module: who may
// import whom, and why. The purity of package vrrp is tested there.
package rules

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/vrrpx/vrrpx"

// rule says what some packages may not import. Packages of ours are named by
// their directory; "x/..." is x and all below it, "..." all of ours.
type rule struct {
	of     []string // the packages held to it
	except []string // but for these
	deny   []string
	allow  []string // of these
	tests  bool     // their tests are held to it too
	reason string
}

var rules = []rule{
	{of: []string{"..."}, except: []string{"loader", "internal/heldcpu"}, deny: []string{"github.com/cilium/ebpf/..."},
		reason: "loader is the one door to the kernel's BPF: behind it the datapath can change, beside it the packet socket takes its place"},
	{of: []string{"..."}, deny: []string{"internal/heldcpu"},
		reason: "it holds processors up, for tests and the bench alone"},
	{of: []string{"vrrp"}, deny: []string{"..."}, tests: true,
		reason: "the protocol depends on its inputs alone; the simulator and the daemon must run the same code"},
	{of: []string{"vrrp/model"}, deny: []string{"...", "time", "os", "net"},
		reason: "what is wrong in the code must not be wrong in the model for the same reason"},
	{of: []string{"internal/config"}, deny: []string{"...", "net", "net/http", "os/exec", "golang.org/x/sys/unix", "github.com/vishvananda/netlink/..."}, allow: []string{"internal/iproute"},
		reason: "vrrpx check must give the same answer on a laptop, in CI and on the router: it looks at the file and not at the host"},
	{of: []string{"internal/iproute"}, deny: []string{"...", "net", "os", "golang.org/x/sys/unix", "github.com/vishvananda/netlink/..."},
		reason: "it has values that both the reader of the file and who talks to the kernel know, and nothing else"},
	{of: []string{"internal/fair", "internal/link", "internal/netio", "internal/nexthop", "internal/vip"}, deny: []string{"internal/config", "internal/daemon", "internal/control", "cmd/..."}, tests: true,
		reason: "adapters do as they are told; what a keyword means is decided once, above them"},
	{of: []string{"internal/auth"}, deny: []string{"internal/daemon", "internal/control", "internal/netio", "internal/vip", "loader", "cmd/..."}, tests: true,
		reason: "whether an advert is genuine depends on its bytes, the secrets and the clock, not on who hears or sends it"},
	{of: []string{"internal/preflight"}, deny: []string{"internal/daemon", "internal/control", "internal/netio", "internal/vip", "loader", "cmd/..."}, tests: true,
		reason: "what a configuration needs of a host is asked where no daemon runs: by check, by doctor, and by a reload before it begins"},
	{of: []string{"internal/alarm"}, deny: []string{"..."}, allow: []string{"vrrp", "stats", "internal/clock"}, tests: true,
		reason: "an alarm is the same whoever raises it and whoever is told"},
	{of: []string{"internal/tell"}, deny: []string{"internal/daemon", "internal/control", "internal/netio", "internal/vip", "loader", "cmd/..."}, tests: true,
		reason: "who is told, and in which words, depends on what happened and not on how it was heard"},
	{of: []string{"internal/daemon"}, deny: []string{"internal/notify", "internal/mail"},
		reason: "programs, FIFOs and mail may hang: whoever is told is told by tell"},
	{of: []string{"internal/reload"}, deny: []string{"internal/daemon", "internal/netio", "internal/vip", "loader", "internal/track", "cmd/..."}, tests: true,
		reason: "in which order reloads come, and what is said of them, is apart from what they do to routers"},
	{of: []string{"internal/explain"}, deny: []string{"...", "os", "net", "net/http", "golang.org/x/sys/unix"}, allow: []string{"stats"},
		reason: "an explanation is argued from a snapshot and a history alone: that of the past, of another host and of a test are made as that of now"},
	{of: []string{"internal/history"}, deny: []string{"..."}, allow: []string{"stats"}, tests: true,
		reason: "what happened is kept alike whoever adds it and whoever asks"},
	{of: []string{"internal/flight"}, deny: []string{"..."}, allow: []string{"vrrp"},
		reason: "a recording is read where no daemon runs; what it is made of is the core alone"},
	{of: []string{"loader", "stats"}, deny: []string{"internal/config", "internal/daemon", "internal/control", "internal/netio", "internal/vip", "cmd/..."},
		reason: "the packages that others may use must not drag the daemon in"},
	{of: []string{"..."}, except: []string{"internal/metrics"}, deny: []string{"github.com/prometheus/..."},
		reason: "what is counted does not depend on who counts: stats has the figures, and internal/metrics the names that Prometheus has for them"},
	{of: []string{"internal/metrics"}, deny: []string{"..."}, allow: []string{"internal/version", "stats"},
		reason: "the metrics are a view of stats.Status and of nothing else"},
	{of: []string{"..."}, except: []string{"cmd/vrrpx", "internal/daemon"}, deny: []string{"internal/daemon"}, tests: true,
		reason: "the daemon ties the others together; nothing below may know it"},
	{of: []string{"..."}, except: []string{"internal/demo", "internal/testnet", "internal/promlab"}, deny: []string{"internal/testnet", "internal/promlab"},
		reason: "namespaces made at will are for tests and the demo, never for a running router"},
	{of: []string{"internal/speakers", "internal/watch"}, deny: []string{"internal/config", "internal/daemon", "internal/netio", "internal/vip", "loader", "cmd/..."}, tests: true,
		reason: "views are made of what is handed to them: whoever shows something must not be able to do something"},
	{of: []string{"..."}, except: []string{"internal/watch"}, deny: []string{"charm.land/...", "github.com/charmbracelet/..."},
		reason: "one package knows the terminal library, so that another can take its place"},
	{of: []string{"..."}, deny: []string{"testing/..."},
		reason: "package testing registers its flags in every program that links it"},
}

// imports of one package, by the file's kind.
type imports struct{ code, tests []string }

func TestImportRules(t *testing.T) {
	found := scan(t)
	for _, r := range rules {
		for _, p := range slices.Concat(r.of, r.except) {
			if _, ok := found[p]; !ok && !strings.Contains(p, "...") {
				t.Errorf("a rule names package %s, which is not there: drop it or mend it", p)
			}
		}
		for pkg, in := range found {
			for _, bad := range r.breaks(pkg, in) {
				t.Errorf("%s imports %s, but %s", pkg, bad, r.reason)
			}
		}
	}
}

// breaks are the imports of a package that the rule denies it.
func (r rule) breaks(pkg string, in imports) (bad []string) {
	if !matchAny(r.of, pkg) || matchAny(r.except, pkg) {
		return nil
	}
	list := in.code
	if r.tests {
		list = slices.Concat(list, in.tests)
	}
	for _, i := range list {
		name, ours := strings.CutPrefix(i, module+"/")
		for _, d := range r.deny {
			if match(d, name) && (d != "..." || ours) && name != pkg && !matchAny(r.allow, name) {
				bad = append(bad, name)
			}
		}
	}
	return bad
}

func matchAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, pkg) })
}

func match(pattern, pkg string) bool {
	dir, all := strings.CutSuffix(pattern, "...")
	return pkg == pattern || all && (strings.HasPrefix(pkg, dir) || pkg == strings.TrimSuffix(dir, "/"))
}

// scan reads the imports of every package of the module.
func scan(t *testing.T) map[string]imports {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]imports{}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if file == root {
				return nil
			}
			_, err := os.Stat(filepath.Join(file, "go.mod")) // a module of its own
			if err == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			return nil
		case !strings.HasSuffix(file, ".go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		pkg := filepath.ToSlash(dir)
		in := found[pkg]
		list := &in.code
		if strings.HasSuffix(file, "_test.go") {
			list = &in.tests
		}
		for _, i := range f.Imports {
			name, _ := strconv.Unquote(i.Path.Value) // the parser took it
			*list = append(*list, name)
		}
		found[pkg] = in
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Every rule must be able to fail.
func TestRulesFindTheirBreach(t *testing.T) {
	ours := func(p string) string { return path.Join(module, p) }
	for _, c := range []struct {
		pkg, imports string
		test         bool
		breaks       int
	}{
		{"internal/daemon", "github.com/cilium/ebpf", false, 1},
		{"internal/daemon", "github.com/cilium/ebpf/ringbuf", false, 1},
		{"loader", "github.com/cilium/ebpf", false, 0},
		{"vrrp", ours("stats"), false, 1},
		{"vrrp", ours("internal/rules"), true, 1},
		{"vrrp/model", ours("vrrp"), false, 1},
		{"vrrp/model", "time", true, 0},
		{"internal/config", ours("vrrp"), false, 1},
		{"internal/config", "net", false, 1},
		{"internal/config", "net/netip", false, 0},
		{"internal/config", ours("internal/iproute"), false, 0},
		{"internal/iproute", ours("vrrp"), false, 1},
		{"internal/netio", ours("internal/config"), true, 1},
		{"internal/vip", ours("internal/daemon"), false, 2}, // two rules
		{"internal/vip", ours("vrrp"), false, 0},
		{"internal/flight", ours("loader"), false, 1},
		{"internal/flight", ours("vrrp"), false, 0},
		{"internal/auth", ours("loader"), false, 1},
		{"internal/auth", ours("internal/daemon"), true, 2},
		{"internal/auth", ours("internal/config"), false, 0},
		{"internal/preflight", ours("loader"), false, 1},
		{"internal/preflight", ours("internal/script"), false, 0},
		{"internal/alarm", ours("internal/config"), false, 1},
		{"internal/alarm", ours("stats"), false, 0},
		{"internal/tell", ours("internal/vip"), false, 1},
		{"internal/tell", ours("internal/mail"), false, 0},
		{"internal/daemon", ours("internal/mail"), false, 1},
		{"internal/reload", ours("internal/vip"), false, 1},
		{"internal/reload", ours("internal/plan"), false, 0},
		{"internal/link", ours("internal/config"), false, 1},
		{"internal/explain", ours("vrrp"), false, 1},
		{"internal/explain", "os", false, 1},
		{"internal/explain", "os", true, 0},
		{"internal/explain", ours("stats"), false, 0},
		{"internal/history", ours("internal/control"), true, 1},
		{"stats", ours("internal/config"), false, 1},
		{"internal/control", ours("internal/daemon"), false, 1},
		{"cmd/vrrpx", ours("internal/daemon"), false, 0},
		{"internal/e2e", ours("internal/daemon"), true, 1},
		{"internal/daemon", "github.com/prometheus/client_golang/prometheus", false, 1},
		{"internal/metrics", "github.com/prometheus/client_golang/prometheus", false, 0},
		{"internal/metrics", ours("vrrp"), false, 1},
		{"internal/metrics", ours("stats"), false, 0},
		{"internal/daemon", ours("internal/testnet"), false, 1},
		{"internal/daemon", ours("internal/testnet"), true, 0},
		{"internal/testnet", "testing", false, 1},
		{"internal/testnet", "testing", true, 0},
	} {
		in := imports{code: []string{c.imports}}
		if c.test {
			in = imports{tests: []string{c.imports}}
		}
		n := 0
		for _, r := range rules {
			n += len(r.breaks(c.pkg, in))
		}
		if n != c.breaks {
			t.Errorf("%s imports %s (test: %v): %d breaches, want %d", c.pkg, c.imports, c.test, n, c.breaks)
		}
	}
}
