package daemon

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// at is a listener of the configuration.
func at(t *testing.T, text string) config.Listener {
	t.Helper()
	l, err := config.ParseListener(text)
	if err != nil {
		t.Fatal(err)
	}
	l.Pos = config.Pos{File: "a.conf", Line: 2, Col: 15}
	return l
}

func answers(l config.Listener) bool {
	network, address := l.Network, l.Address
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	c, err := net.Dial(network, address)
	if err == nil {
		c.Close()
	}
	return err == nil
}

func TestMetricsMoveWithTheConfiguration(t *testing.T) {
	_, port, _ := net.SplitHostPort(testnet.TCPPort(t))
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()

	run := t.TempDir()
	h := newHost(Options{Log: slog.New(slog.DiscardHandler), RunDir: run})
	defer h.endMetrics()
	wrote := func(want ...config.Listener) { // for a cleanup
		t.Helper()
		var is []string
		b, err := os.ReadFile(filepath.Join(run, "metrics.json"))
		if err == nil {
			err = json.Unmarshal(b, &is)
		}
		if len(want) == 0 && errors.Is(err, os.ErrNotExist) {
			return
		}
		if err != nil || !slices.EqualFunc(is, want, func(is string, l config.Listener) bool { return is == l.Address }) {
			t.Errorf("written down for a cleanup: %s, %v, want %v", b, err, want)
		}
	}
	one, all, path := at(t, "127.0.0.1:"+port), at(t, ":"+port), at(t, "unix:"+filepath.Join(t.TempDir(), "s"))
	beside := at(t, path.Network+":"+path.Address+"2")
	begin := func(to config.Listener) *moved {
		t.Helper()
		m, err := h.serveMetrics(to)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	move := func(to config.Listener) {
		t.Helper()
		if m := begin(to); m != nil {
			m.commit()
		}
	}
	only := func(want config.Listener) {
		t.Helper()
		for _, l := range []config.Listener{one, path} {
			if is := answers(l); is != (l == want) {
				t.Errorf("%v answers: %v, want it of %v", l, is, want)
			}
		}
	}
	move(config.Listener{})
	only(config.Listener{})
	move(one)
	only(one)
	server := h.exporter.server
	if move(one); h.exporter.server != server {
		t.Error("the same address was opened anew")
	}
	move(all) // which cannot have the port beside the other
	only(one)
	if h.exporter.at != all {
		t.Errorf("at %v, want %v", h.exporter.at, all)
	}
	server = h.exporter.server
	m := begin(path)
	if !answers(one) || !answers(path) {
		t.Error("until a reload is through they are served at both")
	}
	wrote(path)
	m.undo() // the reload was refused
	wrote()
	only(one)
	if h.exporter.at != all || h.exporter.server != server {
		t.Error("what was served before was opened anew")
	}
	m = begin(one) // where both cannot be
	only(one)
	m.undo()
	only(one)
	if h.exporter.at != all || h.exporter.server == nil {
		t.Errorf("at %v, want %v again", h.exporter.at, all)
	}
	move(path)
	only(path)
	wrote(path)
	m = begin(beside)
	wrote(path, beside) // a kill would leave both
	m.undo()
	wrote(path)
	if _, err := h.serveMetrics(at(t, taken.Addr().String())); err == nil {
		t.Error("an address that another has is served")
	}
	wrote(path)
	move(all)
	only(one)
	wrote()

	_, err = h.serveMetrics(at(t, taken.Addr().String()))
	var where *preflight.MetricsError
	if !errors.As(err, &where) || where.Pos.Line != 2 || !strings.Contains(err.Error(), "vrrpx_metrics: metrics cannot be served at "+taken.Addr().String()) {
		t.Fatalf("of an address that another has: %v", err)
	}
	only(one)
	d := preflight.Diagnose(err)
	if d.String() != "a.conf:2:15: error: "+err.Error() || !strings.Contains(d.Hint, "ss -ltnp") {
		t.Errorf("told as %v, hint %q", d, d.Hint)
	}
	move(config.Listener{})
	only(config.Listener{})
	move(path)
	h.endMetrics()
	only(config.Listener{})
	wrote()
}

// Each change of state is counted by what it was into, and why.
func TestTransitionsAreCountedByReason(t *testing.T) {
	g := newRig(t, true, nil)
	g.r.step(g.at(0), vrrp.Fault{Cause: "link down", Active: true})
	g.r.step(g.at(0), vrrp.Fault{Cause: "link down"})
	g.r.step(g.at(0), vrrp.Fault{Cause: "link down", Active: true})
	got := map[string]uint64{}
	for _, c := range g.r.view(g.at(0)).Transitions {
		got[c.To+" "+c.Reason] = c.Count
	}
	if len(got) != 3 || got["BACKUP startup"] != 1 || got["FAULT fault"] != 2 || got["BACKUP fault_cleared"] != 1 {
		t.Errorf("counted %v", got)
	}
}

// What is to pace a router is what its configuration says, whatever does.
func TestPacerThatIsWanted(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Router)
		want   string
	}{
		"by default": {nil, "kernel clock"},
		"thread":     {func(r *config.Router) { r.Pacer = config.PacerThread }, "thread"},
		"no lease":   {func(r *config.Router) { r.Lease = 0 }, "thread"},
	} {
		if got := newRig(t, true, c.change).r.pacerWanted(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
