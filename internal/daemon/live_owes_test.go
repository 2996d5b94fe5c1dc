package daemon

import (
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// A loop is needed at any time for the deadline of a BACKUP, unless the thread's adverts of a MASTER
// would come and go with it.
func TestLoopOwesARoundToABackup(t *testing.T) {
	backup := func(t *testing.T) *router {
		g := newRig(t, true, nil)
		g.master(0, 200)
		g.round(ms)
		g.want(vrrp.Backup)
		return g.r
	}
	master := func(t *testing.T, kernel bool) *router {
		g := leased(t, func(c *config.Router) { c.VRID++ })
		g.kernel = kernel
		return g.r
	}
	for name, c := range map[string]struct {
		routers func(t *testing.T) []*router
		want    bool
	}{
		"none":                                   {func(*testing.T) []*router { return nil }, false},
		"a BACKUP":                               {func(t *testing.T) []*router { return []*router{backup(t)} }, true},
		"a MASTER":                               {func(t *testing.T) []*router { return []*router{master(t, true)} }, false},
		"both":                                   {func(t *testing.T) []*router { return []*router{master(t, true), backup(t)} }, true},
		"a BACKUP beside a MASTER by the thread": {func(t *testing.T) []*router { return []*router{backup(t), master(t, false)} }, false},
		"one that is stopped": {func(t *testing.T) []*router {
			r := backup(t)
			r.step(r.now(), vrrp.Shutdown{})
			return []*router{r}
		}, false},
	} {
		l := &loop{routers: c.routers(t)}
		if got := l.owes(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
