package e2e

import (
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// docs/migrating.md: a pair of keepalived becomes one of vrrpx host by host, with
// the same files, the BACKUP first, and back again.
func TestPairMigratesWithItsFilesAndBack(t *testing.T) {
	testnet.Need(t, "root", "keepalived")
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	tap := l.TapForTest(t)
	confA, confB := v3.conf(150), v3.conf(100)
	ka := keepalived.start(t, a, confA)
	onlyHolder(t, tap, a, b)
	kb := keepalived.start(t, b, confB)
	await(t, "keepalived on b to be there", func() bool { return strings.Contains(kb.Log(), "Entering BACKUP STATE") })

	must(t, kb.Stop())
	xb := native.start(t, b, confB)
	awaitRouter(t, b, "to follow keepalived", func(r stats.Router) bool {
		return r.State == "BACKUP" && r.Master != nil && r.Master.Address == a.Addr.String()
	})
	check := unmoved(t, b)
	onlyHolder(t, tap, a, b)
	check()

	must(t, ka.Stop())
	onlyHolder(t, tap, b, a)
	xa := native.start(t, a, confA)
	onlyHolder(t, tap, a, b)

	for _, d := range []*testnet.Daemon{xb, xa} {
		must(t, d.Stop())
		keepalived.start(t, d.Host, d.Conf)
	}
	onlyHolder(t, tap, a, b)
}
