package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// A vrrpx that is killed leaves the socket of its metrics wherever that is: cleanup
// finds it without the configuration, and so does a start with another.
func TestMetricsSocketOfAKilledDaemonIsRemoved(t *testing.T) {
	testnet.Need(t, "root")
	l := testnet.ForTest(t, "a")
	a, dir := l.Host("a"), t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	served := func(at string) string { return "global_defs {\nvrrpx_metrics unix:" + at + "\n}\n" + v3fast.conf(150) }
	d := start(t, a, "off", served(first))
	kill := func() {
		t.Helper()
		await(t, "a to be scraped", func() bool { return scrape(t, first)["vrrpx_up"] == 1 })
		d.Kill9()
		if !exists(first) {
			t.Fatal("the socket has gone with the process; the rest of this test would prove nothing")
		}
	}

	kill()
	if out, code := vrrpx(t, a, "cleanup"); code != 0 || !strings.Contains(out, first) {
		t.Errorf("cleanup: exit %d: %s", code, out)
	}
	if exists(first) {
		t.Error("cleanup left the socket")
	}

	must(t, d.Start())
	kill()
	d.Conf = served(second)
	must(t, d.Start())
	await(t, "a to be scraped elsewhere", func() bool { return scrape(t, second)["vrrpx_up"] == 1 })
	if exists(first) {
		t.Error("the next vrrpx left the socket")
	}
	must(t, d.Stop())
	if exists(second) {
		t.Error("a vrrpx that ended left its socket")
	}
}
